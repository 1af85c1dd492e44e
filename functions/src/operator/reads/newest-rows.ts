/*
 * Azure Tables sorts keys upwards only, and people ask for the newest. What fits a page is read and turned round.
 * Of a customer with more the newest part is looked for: keys are in the order of time there. Documents by the
 * beginning of their number are in no such order, and all of them are read, up to a limit that the answer tells of.
 */
import type { RowQuery, StoredRow, TableStore } from "../../platform/table-store.ts";

/** What is asked for: the newest `limit` events before a position. */
export interface NewestWanted {
  readonly limit: number;
  /** `<EventTime>|<event id>`, or an instant alone; undefined: from the newest on. */
  readonly before: string | undefined;
}

export interface NewestRows {
  readonly rows: readonly StoredRow[];
  /** Older ones than this position were not read; empty: all were. */
  readonly readTo: string;
  /** There are more rows than are read at all, and newer ones may be among them. */
  readonly isCut: boolean;
}

export interface CustomerRange {
  readonly partitionKey: string;
  /** `c|<customer>|`: what stands before a position. */
  readonly prefix: string;
  /** Behind every key of the customer. */
  readonly top: string;
  /** Epoch ms. */
  readonly since: number;
  readonly until: number;
}

const columns = ["eventId", "time", "flow", "number", "customerAccount"];
const pageRows = 1_000;
/** Of one range: 20,000 rows. */
const maxPages = 20;
/** Read whole, however much it is. */
const shortestMs = 1_000;

/** Events in their order: what is greater is newer. */
export function toPosition({ columns: { eventId, time } }: StoredRow): string {
  return `${String(time)}|${String(eventId)}`;
}

export async function readNewest(
  store: TableStore,
  table: string,
  range: Pick<RowQuery, "partitionKey" | "from" | "below">,
  wanted: NewestWanted,
): Promise<NewestRows> {
  const { rows, isCut } = await readPages(store, table, range, maxPages);
  return { ...takeNewest(rows, wanted), isCut };
}

export async function readNewestOfCustomer(
  store: TableStore,
  table: string,
  range: CustomerRange,
  wanted: NewestWanted,
): Promise<NewestRows> {
  const { partitionKey, prefix, since, top } = range;
  const { before } = wanted;
  const below = before === undefined ? top : `${prefix}${before}`;
  const all = { partitionKey, from: `${prefix}${iso(since)}`, below };
  const { rows, isCut } = await readPages(store, table, all, 1);
  return isCut
    ? readBackwards(store, table, { ...range, top: below }, wanted)
    : { ...takeNewest(rows, wanted), isCut };
}

/**
 * There are more rows than a page between `low` and `end`, of which those that were taken are a part: the half next to
 * `end` is taken, or looked into when it is more than a page itself. A month comes down to a second in 22 steps.
 */
async function readBackwards(
  store: TableStore,
  table: string,
  { partitionKey, prefix, since, top, until }: CustomerRange,
  wanted: NewestWanted,
): Promise<NewestRows> {
  const rows: StoredRow[] = [];
  let below = top;
  let low = since;
  let end = Math.max(Math.min(until, instantOf(wanted.before) ?? until), since + 1);
  while (rows.length < wanted.limit && end > low) {
    const isShortest = end - low <= shortestMs;
    const start = isShortest ? low : Math.floor((low + end) / 2);
    const range = { partitionKey, from: `${prefix}${iso(start)}`, below };
    const found = await readPages(store, table, range, isShortest ? Infinity : 1);
    if (found.isCut) low = start;
    else {
      rows.push(...found.rows);
      below = range.from;
      end = start;
    }
  }
  const newest = takeNewest(rows, wanted);
  const readTo = end === since ? "" : iso(end);
  return { rows: newest.rows, readTo: newest.readTo === "" ? readTo : newest.readTo, isCut: false };
}

function takeNewest(
  found: readonly StoredRow[],
  { before, limit }: NewestWanted,
): Pick<NewestRows, "rows" | "readTo"> {
  const rows = found
    .filter((row) => before === undefined || toPosition(row) < before)
    .sort((a, b) => compare(toPosition(b), toPosition(a)));
  const newest = rows.slice(0, limit);
  const last = newest.at(-1);
  const isAll = last === undefined || newest.length === rows.length;
  return { rows: newest, readTo: isAll ? "" : toPosition(last) };
}

async function readPages(
  store: TableStore,
  table: string,
  range: Pick<RowQuery, "partitionKey" | "from" | "below">,
  limit: number,
): Promise<{ readonly rows: readonly StoredRow[]; readonly isCut: boolean }> {
  const rows: StoredRow[] = [];
  let continuation: string | undefined;
  for (let page = 0; page < limit; page += 1) {
    const answer = await store.query(table, {
      ...range,
      ...{ limit: pageRows, select: columns },
      ...(continuation === undefined ? {} : { continuation }),
    });
    rows.push(...answer.rows);
    continuation = answer.continuation;
    if (continuation === undefined) return { rows, isCut: false };
  }
  return { rows, isCut: true };
}

function instantOf(position: string | undefined): number | undefined {
  return position === undefined ? undefined : Date.parse(position.split("|")[0] ?? "");
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}

export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
