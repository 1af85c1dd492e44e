import { expect, it } from "@jest/globals";
import { local } from "./events/one-azure.ts";
// One local Azure serves all: each of their tests posts documents of its own and looks at nothing else.
import "./events/trace.ts";
import "./events/documents.ts";
import "./events/bad-input.ts";

it("Ctrl+C ends it with nothing left behind", async () => {
  expect(await local.interrupt()).toEqual({ exitCode: 0, survivors: [], leftFiles: [] });
});
