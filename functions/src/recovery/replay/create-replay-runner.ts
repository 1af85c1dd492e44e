import { asError } from "../../platform/causeway-error.ts";
import { leaseMs } from "./replay-store.ts";
import { runReplay } from "./run-replay.ts";
import type { RunnerDependencies } from "./run-replay.ts";

export interface ReplayRunner {
  /** Every job that has something to do, one after the other, as long as there is time. */
  runAll(): Promise<void>;
  /** What a process that has gone was working on, as soon as its lease has run out. */
  takeOver(): Promise<void>;
  /** Begins a job in the background; what it does not get done the timer does. */
  kick(id: string): void;
}

/** Under the host's ten minutes, and short of the next but one call of the timer. */
const runMs = 4 * 60_000;
const patienceMs = 20_000;
const takeOverPauseMs = 2_000;

export function createReplayRunner(on: RunnerDependencies): ReplayRunner {
  const run = async (id: string, until: number): Promise<boolean> =>
    runReplay(on, id, { until, patienceMs });
  return {
    runAll: async () => {
      const until = on.clock.now() + runMs;
      // Side by side: one that waits for its target must not hold up the others.
      const results = await Promise.allSettled(
        (await on.replays.active()).map((id) => run(id, until)),
      );
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) throw asError(failed.reason);
    },
    takeOver: async () => {
      const until = on.clock.now() + runMs;
      const giveUpAt = on.clock.now() + leaseMs + takeOverPauseMs;
      const takeOver = async (id: string): Promise<void> => {
        while (!(await run(id, until)) && on.clock.now() < giveUpAt) {
          await on.clock.sleep(takeOverPauseMs);
        }
      };
      await Promise.all((await on.replays.active()).map(takeOver));
    },
    kick: (id) => {
      // Its errors are told by the runner; the timer tries again.
      run(id, on.clock.now() + runMs).catch(() => undefined);
    },
  };
}
