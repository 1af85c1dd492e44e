import { fork } from "node:child_process";
import { join } from "node:path";
import { bundleCached } from "../../local/bundle-cached.js";
import { connectGuardFile } from "../../local/connect-guard.ts";
import type { FromLane, ToLane } from "./lane-messages.ts";
import type { PlannedRound } from "./plan-rounds.ts";
import type { LaneOptions, LaneResult } from "./run-rounds.ts";

const outDir = join(import.meta.dirname, "../../.local/chaos-lane");

/** The program of a lane, answered by its path. From its sources it would load for six seconds longer. */
export async function bundleLane(): Promise<string> {
  await bundleCached({ entries: ["test/chaos/lane-process.ts"], outDir });
  return join(outDir, "lane-process.js");
}

/** A lane in a process of its own, which asks for one round after another. */
export async function runLane(
  program: string,
  options: LaneOptions,
  next: () => Promise<PlannedRound | undefined>,
  signal: AbortSignal,
): Promise<LaneResult> {
  const child = fork(program, [], {
    signal,
    execArgv: ["--max-semi-space-size=16", "--import", connectGuardFile],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const tell = (message: ToLane): void => void child.send(message);
  tell({ kind: "start", options });
  return new Promise((resolve, reject) => {
    child.on("message", (message: FromLane) => {
      if (message.kind === "result") resolve(message.result);
      else if (message.kind === "failed") reject(new Error(`a lane failed: ${message.message}`));
      else void next().then((round) => tell({ kind: "round", round }), reject);
    });
    child.once("error", reject);
    child.once("exit", (code, by) =>
      reject(new Error(`a lane ended without a result: ${by ?? `exit code ${code}`}`)),
    );
  });
}
