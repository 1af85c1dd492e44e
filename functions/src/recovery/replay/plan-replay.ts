import { selectDeliveries } from "./select-deliveries.ts";
import type { Candidate, SelectDependencies } from "./select-deliveries.ts";
import type { Selection } from "./replay-job.ts";

export interface ReplayPlan {
  readonly total: number;
  /** There are more than `total`: counting stopped. */
  readonly isAtLeast: boolean;
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

/** What a replay of this selection would send, by target and cause; nothing is changed. */
export async function planReplay(
  on: SelectDependencies,
  selection: Selection,
): Promise<ReplayPlan> {
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
  } while (cursor !== null && total < maxCounted);
  const sorted = [...parts.values()].sort((a, b) => b.count - a.count);
  return { total, isAtLeast: cursor !== null, parts: sorted, examples };
}
