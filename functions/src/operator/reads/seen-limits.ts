/*
 * What each instance knows of the targets' limits, for people who watch. It rides in the row of counts that
 * the instance writes anyway (`rates<yyyymm>`, see recent-outcomes.ts), so that any instance can answer for
 * all and no delivery writes a row more. Mails an hour need none of this: they are one row for all already.
 */
import type { QuotaTold } from "../../dynamics/watch-quota.ts";
import type { Clock } from "../../platform/clock.ts";
import type { TableStore } from "../../platform/table-store.ts";
import { readRateRows } from "./read-recent.ts";
import { limitsColumn } from "./recent-outcomes.ts";

/** One instance's, as it stood when it wrote. */
export interface SeenLimits {
  /** Epoch ms. */
  readonly at: number;
  /** By target: calls of the minute before. */
  readonly lastMinute: Readonly<Record<string, number>>;
  /** Null: Dataverse has told this instance nothing. */
  readonly dataverse: QuotaTold | null;
}

const minuteMs = 60_000;
const shownMinutes = 60;

/** The newest of each instance, of the last hour. */
export async function readSeenLimits(on: {
  readonly store: TableStore;
  readonly clock: Clock;
}): Promise<readonly SeenLimits[]> {
  const rows = await readRateRows(on, shownMinutes, [limitsColumn]);
  const newest = new Map<string, SeenLimits>();
  for (const { columns, rowKey } of rows) {
    const text = columns[limitsColumn];
    // Rows come by time; those of a version before this one have no such column.
    if (typeof text !== "string") continue;
    newest.set(rowKey.slice(rowKey.indexOf("|")), JSON.parse(text) as SeenLimits);
  }
  return [...newest.values()];
}

/** Calls of all instances in the last minute: who wrote nothing since then called nobody. */
export function callsOfLastMinute(
  seen: readonly SeenLimits[],
  target: string,
  now: number,
): number {
  return seen
    .filter(({ at }) => at > now - minuteMs)
    .reduce((sum, { lastMinute }) => sum + (lastMinute[target] ?? 0), 0);
}

/** What Dataverse told last, whichever instance it was. */
export function lastToldByDataverse(seen: readonly SeenLimits[]): QuotaTold | undefined {
  return seen.flatMap(({ dataverse }) => dataverse ?? []).sort((a, b) => b.at - a.at)[0];
}
