import { once } from "node:events";
import type { FromLane, ToLane } from "./lane-messages.ts";
import type { PlannedRound } from "./plan-rounds.ts";
import { runRounds } from "./run-rounds.ts";

/** One lane of `npm run chaos`, told by its parent what to do: started → a round after the other → its result. */
process.once("disconnect", () => process.exit(1));

function tell(message: FromLane): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}

async function next(): Promise<PlannedRound | undefined> {
  const answer = once(process, "message");
  await tell({ kind: "next" });
  const [message] = (await answer) as [ToLane];
  return message.kind === "round" ? message.round : undefined;
}

const [message] = (await once(process, "message")) as [ToLane];
if (message.kind !== "start") throw new Error("a lane is started first");
try {
  await tell({ kind: "result", result: await runRounds(message.options, next) });
} catch (error) {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  await tell({ kind: "failed", message: text });
}
// Everything was closed; what an SDK still holds open must not hold the run.
process.exit(0);
