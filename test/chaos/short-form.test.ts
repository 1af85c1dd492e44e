import { expect, it } from "@jest/globals";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connectGuardFile } from "../../local/connect-guard.ts";
import type { ChaosResult } from "./run-chaos.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const faults = [
  "host-killed-at-effect",
  "locks-lost",
  "storage-away-5s",
  "ce-reset-after-write",
  "workflow-times-out-after-work",
  "resent-same-and-new-id",
  "poison-row",
];
/** Half a minute on two idle cores; other work beside it may take most of them. */
const limitMs = 240_000;

it(
  "loses and doubles nothing while the host dies at effects, storage and locks go, and answers get lost",
  async () => {
    const flags = ["--seed", "7", "--events", "40", "--faults", faults.join(","), "--together"];
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [
        ...["--no-warnings", "--import", connectGuardFile, "--import", "tsx"],
        ...["test/chaos/chaos.ts", ...flags, "--json", "--folder", ".local/chaos-short"],
      ],
      { cwd: root, env: { ...process.env, NODE_OPTIONS: "" }, timeout: limitMs },
    );
    const { accepted, problems, lost, doubled } = JSON.parse(stdout) as ChaosResult;
    expect(problems).toEqual([]);
    expect([lost, doubled]).toEqual([0, 0]);
    expect(accepted).toBeGreaterThan(40);
  },
  limitMs,
);
