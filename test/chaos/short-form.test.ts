import { expect, it } from "@jest/globals";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { bundleCached } from "../../local/bundle-cached.js";
import { connectGuardFile } from "../../local/connect-guard.ts";
import type { ChaosResult } from "./run-chaos.ts";

const root = join(import.meta.dirname, "../..");
const outDir = join(root, ".local/chaos-program");
const faults = [
  "host-killed-at-effect",
  "locks-lost",
  "storage-away-5s",
  "ce-reset-after-write",
  "workflow-times-out-after-work",
  "resent-same-and-new-id",
  "poison-row",
];
/** Half a minute on two idle cores; other work beside it may take most of them. Less than a test may take. */
const limitMs = 550_000;

it("loses and doubles nothing while the host dies at effects, storage and locks go, and answers get lost", async () => {
  await bundleCached({ entries: ["test/chaos/chaos.ts"], outDir });
  const flags = ["--seed", "7", "--events", "40", "--faults", faults.join(","), "--together"];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      ...["--no-warnings", "--import", connectGuardFile, join(outDir, "chaos.js")],
      ...[...flags, "--json", "--folder", ".local/chaos-short"],
    ],
    { cwd: root, env: { ...process.env, NODE_OPTIONS: "" }, timeout: limitMs },
  );
  const { accepted, problems, lost, doubled } = JSON.parse(stdout) as ChaosResult;
  expect(problems).toEqual([]);
  expect([lost, doubled]).toEqual([0, 0]);
  expect(accepted).toBeGreaterThan(40);
});
