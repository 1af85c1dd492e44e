import { unpackBody } from "../../delivery/ledger-columns.ts";
import type { Clock } from "../../platform/clock.ts";
import type { StoredRow, TableStore } from "../../platform/table-store.ts";
import type { ActivityAnswer, ActivityItem } from "./answers.ts";
import { activityTable, ratesTable, toMinute } from "./recent-outcomes.ts";
import { addUp, createStepCounts } from "./step-counts.ts";
import type { StepCounts } from "./step-counts.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const pageRows = 1_000;

export interface MinuteSteps {
  /** Epoch ms of the minute's start. */
  readonly minute: number;
  readonly steps: ReadonlyMap<string, StepCounts>;
}

/** The last `minutes` minutes, the running one included, oldest first. */
export async function readRates(
  on: { readonly store: TableStore; readonly clock: Clock },
  minutes: number,
): Promise<readonly MinuteSteps[]> {
  const first = firstOf(on.clock.now(), minutes);
  const found = new Map<string, Map<string, StepCounts>>();
  for (const row of await readRateRows(on, minutes, ["steps"])) collect(found, row);
  return Array.from({ length: minutes }, (_none, index) => {
    const minute = first + index * minuteMs;
    return { minute, steps: found.get(toMinute(minute)) ?? new Map<string, StepCounts>() };
  });
}

/** What the instances wrote about the last `minutes` minutes, oldest first. */
export async function readRateRows(
  on: { readonly store: TableStore; readonly clock: Clock },
  minutes: number,
  select: readonly string[],
): Promise<readonly StoredRow[]> {
  const now = on.clock.now();
  const first = firstOf(now, minutes);
  const from = toMinute(first);
  const rows: StoredRow[] = [];
  for (const table of new Set([ratesTable(first), ratesTable(now)])) {
    const partitionKey = { from: from.slice(0, 11), below: `${toMinute(now).slice(0, 11)}~` };
    rows.push(...(await readAll(on.store, table, { partitionKey, from, select })));
  }
  return rows;
}

function firstOf(now: number, minutes: number): number {
  return Math.floor(now / minuteMs) * minuteMs - (minutes - 1) * minuteMs;
}

function collect(found: Map<string, Map<string, StepCounts>>, row: StoredRow): void {
  const [minute = ""] = row.rowKey.split("|");
  const steps = found.get(minute) ?? new Map<string, StepCounts>();
  found.set(minute, steps);
  const counts = JSON.parse(String(row.columns["steps"])) as Readonly<Record<string, StepCounts>>;
  for (const [name, each] of Object.entries(counts)) {
    steps.set(name, addUp(steps.get(name) ?? createStepCounts(), each));
  }
}

/** At most a few hundred rows: one per instance and minute. */
async function readAll(
  store: TableStore,
  table: string,
  query: Omit<Parameters<TableStore["query"]>[1], "limit" | "continuation">,
): Promise<readonly StoredRow[]> {
  const rows: StoredRow[] = [];
  let continuation: string | undefined;
  do {
    const page = await store.query(table, {
      ...query,
      limit: pageRows,
      ...(continuation === undefined ? {} : { continuation }),
    });
    rows.push(...page.rows);
    continuation = page.continuation;
  } while (continuation !== undefined);
  return rows;
}

/** Outcomes after `since` (exclusive; at most a day back), at most about `limit`. */
export async function readActivity(
  on: { readonly store: TableStore; readonly clock: Clock },
  request: { readonly since: number; readonly limit: number },
): Promise<ActivityAnswer> {
  const now = on.clock.now();
  const since = Math.max(request.since, now - dayMs);
  const items: ActivityItem[] = [];
  let omitted = 0;
  let next = since;
  for (const table of new Set([activityTable(since), activityTable(now)])) {
    let continuation: string | undefined;
    // A page may be empty and still not be the last: a range crosses partitions.
    do {
      if (items.length >= request.limit) break;
      const page = await on.store.query(table, {
        partitionKey: { from: toMinute(since), below: `${toMinute(now)}~` },
        from: new Date(since + 1).toISOString(),
        limit: 100,
        ...(continuation === undefined ? {} : { continuation }),
      });
      for (const row of page.rows) {
        if (items.length >= request.limit) break;
        items.push(...(JSON.parse(unpackBody("items", row.columns) ?? "[]") as ActivityItem[]));
        omitted += Number(row.columns["omitted"] ?? 0);
        next = Math.max(next, Date.parse(row.rowKey.slice(0, row.rowKey.indexOf("|"))));
      }
      continuation = page.continuation;
    } while (continuation !== undefined);
  }
  return { items, omitted, next: new Date(next).toISOString() };
}
