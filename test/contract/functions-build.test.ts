import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { buildFunctions } from "../../scripts/build-functions.ts";
import type { BuiltFunctions } from "../../scripts/build-functions.ts";
import { runScript } from "../support/run-script.ts";

let folder: string;
let one: BuiltFunctions;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "causeway-build-"));
  one = await buildFunctions({ outDir: join(folder, "one") });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the built function app", () => {
  it("is the same bytes from the same sources", async () => {
    const two = await buildFunctions({ outDir: join(folder, "two") });
    expect(one.sha256).toBe(two.sha256);
    expect((await readdir(one.dir)).sort()).toEqual([
      "console",
      "flows",
      "host.json",
      "index.js",
      "package.json",
    ]);
  });

  it("registers its functions without reading a setting or opening a connection", async () => {
    const index = join(one.dir, "index.js");
    const app = await runScript("load-built-app.js", { CAUSEWAY_TEST_APP: index });
    expect(app).toEqual({
      functions: [
        "business-events-door httpTrigger",
        "console httpTrigger",
        "intake serviceBusTrigger many",
        "deliver-ce serviceBusTrigger many",
        "deliver-crm serviceBusTrigger one",
        "deliver-email serviceBusTrigger one",
        "record-failure serviceBusTrigger many",
        "sweep timerTrigger",
        "operator-api httpTrigger",
        "replay-runner timerTrigger",
        "nightly-verify timerTrigger",
        "count-posted timerTrigger",
        "probe timerTrigger",
        "notify-owners timerTrigger",
        "daily-digest timerTrigger",
        "retention timerTrigger",
        "health httpTrigger",
      ],
      refused: [],
    });
  });
});
