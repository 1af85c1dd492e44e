/*
 * Lists over the failure store. Every page costs a bounded number of requests however many failures there
 * are: what a range of keys cannot answer is filtered while reading, and a page may then come back short
 * with a continuation.
 */
import { TableError } from "../platform/table-store.ts";
import type { StoredRow } from "../platform/table-store.ts";
import { fromSummaryRow, toFailureKeys, toKeyRowKey, toTimeRowKey } from "./failure-rows.ts";
import { failuresTable } from "./failure-store.ts";
import type { FailureStore } from "./failure-store.ts";
import type { FailureStatus, FailureSummary } from "./failure.ts";

export interface FailureFilter {
  readonly target?: string;
  readonly group?: string;
  readonly legalEntity?: string;
  /** A document's number, with or without its company. */
  readonly key?: string;
  /** Default `open`. */
  readonly status?: FailureStatus;
  /** Epoch ms of the last call that failed. */
  readonly olderThan?: number;
  readonly newerThan?: number;
  /** Epoch ms: has its status since then or longer. What was told later, or given back, is no part of it. */
  readonly standsSince?: number;
}

export interface FailurePage {
  readonly failures: readonly FailureSummary[];
  readonly continuation?: string;
}

const pageSize = 200;
/** Pages read for one answer when a filter lets little through. */
const maxPages = 10;
const maxByKey = 200;

/** Newest first. */
export async function findFailures(
  on: FailureStore,
  filter: FailureFilter,
  page: { readonly limit: number; readonly continuation?: string | undefined },
): Promise<FailurePage> {
  const targets = filter.target === undefined ? await on.targets() : [filter.target];
  if (filter.key !== undefined) return findByKey(on, targets, filter, filter.key);
  const places = readPlaces(page.continuation, targets, filter);
  const found: {
    readonly target: string;
    readonly row: StoredRow;
    readonly summary: FailureSummary;
  }[] = [];
  const scans = new Map<string, Scan>();
  for (const [target, from] of places) {
    const scan = await scanTarget(on, target, from, filter, page.limit);
    scans.set(target, scan);
    for (const each of scan.found) found.push({ target, ...each });
  }
  found.sort((a, b) => b.summary.lastAt - a.summary.lastAt || compare(a.row.rowKey, b.row.rowKey));
  const taken = found.slice(0, page.limit);
  const next = nextPlaces(scans, taken);
  const failures = taken.map(({ summary }) => summary);
  return next.length === 0 ? { failures } : { failures, continuation: toContinuation(next) };
}

/** Every failure that the filter names, page by page; stops when nobody asks for more. */
export async function* eachFailure(
  on: FailureStore,
  filter: FailureFilter,
): AsyncGenerator<readonly FailureSummary[]> {
  let continuation: string | undefined;
  do {
    const page = await findFailures(on, filter, { limit: pageSize, continuation });
    if (page.failures.length > 0) yield page.failures;
    continuation = page.continuation;
  } while (continuation !== undefined);
}

interface Scan {
  readonly found: readonly { readonly row: StoredRow; readonly summary: FailureSummary }[];
  /** Where a later page goes on when everything found was taken; undefined: nothing is left. */
  readonly next: string | undefined;
  readonly start: string;
}

async function scanTarget(
  on: FailureStore,
  target: string,
  start: string,
  filter: FailureFilter,
  limit: number,
): Promise<Scan> {
  const { below } = toRange(filter);
  const found: { row: StoredRow; summary: FailureSummary }[] = [];
  let from: string | undefined = start;
  for (let page = 0; page < maxPages && from !== undefined && found.length < limit; page += 1) {
    const { rows, continuation } = await on.store.query(failuresTable, {
      partitionKey: target,
      from,
      below,
      limit: pageSize,
    });
    for (const row of rows) {
      const summary = fromSummaryRow(row);
      if (isWanted(summary, filter)) found.push({ row, summary });
    }
    const last = rows.at(-1);
    from = continuation === undefined ? undefined : last === undefined ? from : after(last.rowKey);
  }
  return { found, next: from, start };
}

function toRange({ status = "open", group, olderThan, newerThan }: FailureFilter): {
  readonly from: string;
  readonly below: string;
} {
  if (group !== undefined) {
    return { from: `g|${status}|${group}|`, below: `g|${status}|${group}~` };
  }
  return {
    from: olderThan === undefined ? `t|${status}|` : toTimeRowKey(status, olderThan - 1),
    below: newerThan === undefined ? `t|${status}~` : toTimeRowKey(status, newerThan - 1),
  };
}

function isWanted(summary: FailureSummary, filter: FailureFilter): boolean {
  const { group, legalEntity, olderThan, newerThan, standsSince, status = "open" } = filter;
  return (
    summary.status === status &&
    (standsSince === undefined || summary.statusAt <= standsSince) &&
    (group === undefined || summary.group === group) &&
    (legalEntity === undefined ||
      summary.legalEntity.toLowerCase() === legalEntity.toLowerCase()) &&
    (olderThan === undefined || summary.lastAt < olderThan) &&
    (newerThan === undefined || summary.lastAt >= newerThan)
  );
}

/** Few: a document has a handful of failures. */
async function findByKey(
  on: FailureStore,
  targets: readonly string[],
  filter: FailureFilter,
  key: string,
): Promise<FailurePage> {
  const [company = ""] = key.split("/");
  const prefixes = new Set([toKeyRowKey("", key), toKeyRowKey(company, key)]);
  const failures = new Map<string, FailureSummary>();
  for (const target of targets) {
    for (const from of prefixes) {
      const query = { partitionKey: target, from, below: `${from}~`, limit: maxByKey };
      const { rows } = await on.store.query(failuresTable, query);
      for (const { columns } of rows) {
        const keys = toFailureKeys(target, String(columns["failureId"]));
        const stored = await on.store.get(failuresTable, keys);
        const summary = stored === undefined ? undefined : fromSummaryRow(stored);
        if (summary === undefined || !isWanted(summary, filter)) continue;
        const named = toKeyRowKey(summary.legalEntity, summary.businessKey);
        const isAnotherCompanys = from !== toKeyRowKey("", key) && !isSame(summary, key);
        if (named === from && !isAnotherCompanys) failures.set(summary.failureId, summary);
      }
    }
  }
  return { failures: [...failures.values()].sort((a, b) => b.lastAt - a.lastAt) };
}

function isSame({ businessKey }: FailureSummary, key: string): boolean {
  return businessKey.toLowerCase() === key.toLowerCase();
}

type Place = readonly [target: string, from: string];

function readPlaces(
  continuation: string | undefined,
  targets: readonly string[],
  filter: FailureFilter,
): readonly Place[] {
  const { from, below } = toRange(filter);
  if (continuation === undefined) return targets.map((target) => [target, from]);
  const places = parse(continuation);
  const isOurs = (place: unknown): place is Place =>
    Array.isArray(place) &&
    place.length === 2 &&
    targets.includes(String(place[0])) &&
    typeof place[1] === "string" &&
    place[1] >= from &&
    place[1] < below;
  if (Array.isArray(places) && places.every(isOurs)) return places;
  throw new TableError("CONTINUATION_INVALID", failuresTable);
}

function parse(continuation: string): unknown {
  try {
    return JSON.parse(Buffer.from(continuation, "base64url").toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}

/** Behind the last row that was taken of each target; what was read beyond it is read again. */
function nextPlaces(
  scans: ReadonlyMap<string, Scan>,
  taken: readonly { readonly target: string; readonly row: StoredRow }[],
): readonly Place[] {
  const places: Place[] = [];
  for (const [target, scan] of scans) {
    const own = taken.filter((each) => each.target === target);
    const last = own.at(-1);
    if (own.length === scan.found.length) {
      if (scan.next !== undefined) places.push([target, scan.next]);
    } else if (last !== undefined) places.push([target, after(last.row.rowKey)]);
    else places.push([target, scan.start]);
  }
  return places;
}

/** The least key that comes after this one, among keys that end in an id. */
function after(rowKey: string): string {
  return `${rowKey} `;
}

function toContinuation(places: readonly Place[]): string {
  return Buffer.from(JSON.stringify(places), "utf8").toString("base64url");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
