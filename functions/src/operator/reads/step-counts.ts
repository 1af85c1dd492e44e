import { isTerminal } from "../../delivery/ledger-rows.ts";
import type { DeliveryRow } from "../../delivery/ledger-rows.ts";

/** What one step did in one minute. */
export interface StepCounts {
  readonly settled: number;
  readonly failed: number;
  /** Put off: a retry, a wait, an outage. */
  readonly later: number;
  /** Settled by lag, in the classes of `lagBoundsMs` and one for all above. */
  readonly lags: readonly number[];
}

/** Upper bounds of the classes of lag (EventTime to effect). */
const lagBoundsMs = [
  500, 1_000, 2_000, 3_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 900_000,
  3_600_000, 21_600_000, 86_400_000, 604_800_000,
];

export function createStepCounts(): StepCounts {
  return { settled: 0, failed: 0, later: 0, lags: lagBoundsMs.map(() => 0).concat(0) };
}

export function addTo(counts: StepCounts, row: DeliveryRow, now: number): StepCounts {
  if (!isTerminal(row)) return { ...counts, later: counts.later + 1 };
  if (row.state === "failed") return { ...counts, failed: counts.failed + 1 };
  const lag = Math.max(0, (row.settledAt ?? now) - Date.parse(row.time));
  const found = lagBoundsMs.findIndex((bound) => lag <= bound);
  const index = found === -1 ? lagBoundsMs.length : found;
  const lags = counts.lags.map((count, place) => (place === index ? count + 1 : count));
  return { ...counts, settled: counts.settled + 1, lags };
}

export function addUp(left: StepCounts, right: StepCounts): StepCounts {
  return {
    settled: left.settled + right.settled,
    failed: left.failed + right.failed,
    later: left.later + right.later,
    lags: left.lags.map((count, index) => count + (right.lags[index] ?? 0)),
  };
}

/** The lag that `share` of the settled stay within: the upper bound of its class. */
export function lagWithin(counts: StepCounts, share: number): number | null {
  if (counts.settled === 0) return null;
  let left = counts.settled * share;
  for (const [index, count] of counts.lags.entries()) {
    left -= count;
    if (left <= 0) return lagBoundsMs[index] ?? Number.MAX_SAFE_INTEGER;
  }
  return Number.MAX_SAFE_INTEGER;
}
