import { expect, it } from "@jest/globals";
import { local } from "./events/one-azure.ts";
// One local Azure serves all: each of their tests posts documents of its own and looks at nothing else. The last ones
// let CE refuse everything for a while: what the others have posted beforehand has arrived by then.
import "./events/bad-input.ts";
import "./events/documents.ts";
import "./events/trace.ts";

it("Ctrl+C ends it with nothing left behind", async () => {
  expect(await local.interrupt()).toEqual({ exitCode: 0, survivors: [], leftFiles: [] });
});
