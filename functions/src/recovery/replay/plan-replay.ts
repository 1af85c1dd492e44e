import { selectDeliveries, toCountedTo } from "./select-deliveries.ts";
import type { Candidate, SelectDependencies } from "./select-deliveries.ts";
import type { Selection } from "./replay-job.ts";

export interface ReplayPlan {
  readonly total: number;
  /** There may be more than `total`: counting stopped. */
  readonly isAtLeast: boolean;
  /** Event time, ISO 8601, from which on a window was not counted any more; null: all of it was, or it is no window. */
  readonly countedTo: string | null;
  readonly parts: readonly {
    readonly target: string;
    readonly cause: string;
    readonly count: number;
  }[];
  /** A few, to look at. */
  readonly examples: readonly Candidate[];
}

const maxCounted = 20_000;
const maxExamples = 5;
/** Whoever asks waits 100 s for an answer, which has examples from F&O in it too. */
const planMs = 30_000;
const lookMs = 10_000;

/** What a replay of this selection would send, by target and cause; nothing is changed. */
export async function planReplay(
  on: SelectDependencies,
  selection: Selection,
): Promise<ReplayPlan> {
  const until = on.clock.now() + planMs;
  const parts = new Map<string, { target: string; cause: string; count: number }>();
  const examples: Candidate[] = [];
  let total = 0;
  let cursor: string | null = null;
  do {
    const page = await selectDeliveries(on, selection, cursor);
    for (const candidate of page.candidates) {
      const { target, cause } = candidate;
      const key = JSON.stringify([target, cause]);
      const count = (parts.get(key)?.count ?? 0) + 1;
      parts.set(key, { target, cause, count });
      total += 1;
      if (examples.length < maxExamples) examples.push(candidate);
    }
    cursor = page.cursor;
  } while (cursor !== null && total < maxCounted && on.clock.now() < until);
  const sorted = [...parts.values()].sort((a, b) => b.count - a.count);
  const countedTo = toCountedTo(selection, cursor);
  return { total, isAtLeast: cursor !== null, countedTo, parts: sorted, examples };
}

/** Whether there is anything to send; true as well when there was no time to find out: the replay itself will. */
export async function mayHaveAny(on: SelectDependencies, selection: Selection): Promise<boolean> {
  const until = on.clock.now() + lookMs;
  let cursor: string | null = null;
  do {
    const page = await selectDeliveries(on, selection, cursor);
    if (page.candidates.length > 0) return true;
    cursor = page.cursor;
    if (on.clock.now() >= until) return cursor !== null;
  } while (cursor !== null);
  return false;
}
