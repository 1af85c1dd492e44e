import { fork } from "node:child_process";
import { join } from "node:path";
import type { FromLane, ToLane } from "./lane-messages.ts";
import type { PlannedRound } from "./plan-rounds.ts";
import type { LaneOptions, LaneResult } from "./run-rounds.ts";

/** A lane in a process of its own (`lane-process.ts`), which asks for one round after another. */
export async function runLane(
  options: LaneOptions,
  next: () => Promise<PlannedRound | undefined>,
  signal: AbortSignal,
): Promise<LaneResult> {
  const child = fork(join(import.meta.dirname, "lane-process.ts"), [], {
    signal,
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
