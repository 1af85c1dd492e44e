/*
 * Finding events without scanning a table: `journeys<yyyymm>` has a row by document number, one by
 * customer and one by event id, all in the company's partition. A search goes through the months from
 * the newest one back, about eight places (a month and a company) at a time, and stops where it finds
 * something. Answers are newest first, and `continuation` is a position in that order (newest-rows.ts): what is
 * older than the last event that was shown, or than what was read, is still to come.
 */
import { inParallel } from "../../delivery/batch-writes.ts";
import { isReplayBodyKey, toJourneysTable, toLedgerKey } from "../../delivery/ledger-keys.ts";
import type { DeliveryState } from "../../delivery/ledger-rows.ts";
import { fromSafeKey, toSafeKey } from "../../platform/safe-key.ts";
import { TableError } from "../../platform/table-store.ts";
import type { RowQuery, StoredRow, TableStore } from "../../platform/table-store.ts";
import type { JourneysAnswer, JourneySummary } from "./answers.ts";
import { compare, readNewest, readNewestOfCustomer, toPosition } from "./newest-rows.ts";
import type { NewestRows } from "./newest-rows.ts";
import { knownCompanies } from "./read-dependencies.ts";
import type { ReadDependencies } from "./read-dependencies.ts";

export type JourneySearch = {
  readonly legalEntity?: string;
  /** Epoch ms; nothing older is looked for. */
  readonly since?: number;
  readonly limit: number;
  readonly continuation?: string;
} & (
  | { readonly by: "number" | "customer"; readonly text: string }
  | { readonly by: "eventId"; readonly text: string }
);

/** The ledger is kept for 13 months. */
const monthsBack = 13;
const placesAtOnce = 8;
const parallelReads = 16;
const lastKey = "\uffff";

interface Place {
  readonly table: string;
  readonly company: string;
  /** Of the month, epoch ms. */
  readonly start: number;
  readonly end: number;
}

export async function findJourneys(
  on: ReadDependencies,
  search: JourneySearch,
): Promise<JourneysAnswer> {
  const before = readPosition(search.continuation);
  const rounds = toRounds(on, search, before);
  let isCut = false;
  for (const [index, places] of rounds.entries()) {
    const found = await readPlaces(on, search, places, before);
    isCut ||= found.isCut;
    if (found.rows.length === 0 && found.readTo === "") continue;
    const rows = found.rows.slice(0, search.limit);
    const isLast = index === rounds.length - 1;
    const olderMonths = isLast ? "" : new Date(places.at(-1)?.start ?? 0).toISOString();
    const next = toNext(found, rows, olderMonths);
    const journeys = await toSummaries(on.store, rows);
    return {
      journeys,
      ...(next === "" ? {} : { continuation: next }),
      ...(isCut ? { isCut } : {}),
    };
  }
  return { journeys: [], ...(isCut ? { isCut } : {}) };
}

/** Where the next answer goes on; empty: there is nothing older. */
function toNext(found: NewestRows, shown: readonly StoredRow[], olderMonths: string): string {
  const last = shown.at(-1);
  if (last !== undefined && shown.length < found.rows.length) return toPosition(last);
  return found.readTo === "" ? olderMonths : found.readTo;
}

/** Whole months, newest first: all that is newer than a round's places was in the rounds before. */
function toRounds(
  on: ReadDependencies,
  search: JourneySearch,
  before: string | undefined,
): readonly (readonly Place[])[] {
  const { legalEntity, since = 0 } = search;
  const companies = legalEntity === undefined ? knownCompanies(on) : [legalEntity.toLowerCase()];
  const oldest = toJourneysTable(new Date(since).toISOString());
  const months: (readonly Place[])[] = [];
  const month = new Date(on.clock.now());
  // The 1st: a month back from the 31st would otherwise skip one.
  month.setUTCDate(1);
  month.setUTCHours(0, 0, 0, 0);
  for (let back = 0; back < monthsBack; back += 1) {
    const table = toJourneysTable(month.toISOString());
    const start = month.getTime();
    const end = Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1);
    if (table < oldest) break;
    // Later months have nothing that old.
    if (before === undefined || month.toISOString() < before) {
      months.push(companies.map((company) => ({ table, company, start, end })));
    }
    month.setUTCMonth(month.getUTCMonth() - 1);
  }
  const atOnce = Math.max(1, Math.floor(placesAtOnce / Math.max(1, companies.length)));
  return Array.from({ length: Math.ceil(months.length / atOnce) }, (_none, round) =>
    months.slice(round * atOnce, (round + 1) * atOnce).flat(),
  );
}

/** Newest first, each event once, as far back as every place was read. */
async function readPlaces(
  on: ReadDependencies,
  search: JourneySearch,
  places: readonly Place[],
  before: string | undefined,
): Promise<NewestRows> {
  const found: NewestRows[] = [];
  await inParallel(places, placesAtOnce, async (place) => {
    found.push(...(await readPlace(on, search, place, before)));
  });
  const readTo = found.reduce((to, each) => (each.readTo > to ? each.readTo : to), "");
  const rows = newestFirst(
    found.flatMap((each) => each.rows),
    search.since ?? 0,
  ).filter((row) => toPosition(row) >= readTo);
  return { rows, readTo, isCut: found.some(({ isCut }) => isCut) };
}

async function readPlace(
  on: ReadDependencies,
  search: JourneySearch,
  { company, end, start, table }: Place,
  before: string | undefined,
): Promise<readonly NewestRows[]> {
  const partitionKey = toSafeKey(company);
  const wanted = { limit: search.limit, before };
  const found: NewestRows[] = [];
  if (search.by === "customer") {
    const since = Math.max(search.since ?? 0, start);
    const until = Math.min(end, on.clock.now());
    for (const text of variants(search.text)) {
      const range = { partitionKey, prefix: `c|${text}|`, top: `c|${text}}`, since, until };
      found.push(await readNewestOfCustomer(on.store, table, range, wanted));
    }
    return found;
  }
  for (const range of toRanges(search, company)) {
    found.push(await readNewest(on.store, table, { partitionKey, ...range }, wanted));
  }
  return found;
}

function toRanges(
  { by, text }: JourneySearch,
  company: string,
): readonly { readonly from: string; readonly below: string }[] {
  if (by === "eventId") {
    const key = `e|${text.toLowerCase()}`;
    return [{ from: key, below: `${key}!` }];
  }
  // The beginning of a number is enough, and its case does not matter as long as it is F&O's own.
  return namesIn(company, text)
    .flatMap(variants)
    .map((each) => ({ from: `n|${each}`, below: `n|${each}${lastKey}` }));
}

/** Everything that shows a document says `usmf/CIV-000001`, which is then looked for; a number may begin like that itself. */
function namesIn(company: string, text: string): readonly string[] {
  const prefix = `${company}/`;
  const hasPrefix = text.length > prefix.length && text.toLowerCase().startsWith(prefix);
  return hasPrefix ? [text, text.slice(prefix.length)] : [text];
}

function variants(text: string): readonly string[] {
  return [...new Set([text, text.toUpperCase()].map(toSafeKey))];
}

function newestFirst(rows: readonly StoredRow[], since: number): readonly StoredRow[] {
  const byEvent = new Map(rows.map((row) => [String(row.columns["eventId"]), row]));
  return [...byEvent.values()]
    .filter((row) => Date.parse(String(row.columns["time"])) >= since)
    .sort((a, b) => compare(toPosition(b), toPosition(a)));
}

/** Each with its states: one small query in the event's own partition. */
async function toSummaries(
  store: TableStore,
  rows: readonly StoredRow[],
): Promise<readonly JourneySummary[]> {
  const states = new Map<StoredRow, JourneySummary["states"]>();
  await inParallel(rows, parallelReads, async (row) => {
    states.set(row, await readStates(store, toId(row)));
  });
  return rows.map((row) => {
    const text = (name: string): string => String(row.columns[name] ?? "");
    return {
      ...toId(row),
      legalEntity: fromSafeKey(row.partitionKey),
      number: text("number"),
      customerAccount: text("customerAccount"),
      flow: text("flow"),
      states: states.get(row) ?? {},
    };
  });
}

function toId(row: StoredRow): { readonly eventId: string; readonly time: string } {
  return { eventId: String(row.columns["eventId"]), time: String(row.columns["time"]) };
}

async function readStates(
  store: TableStore,
  id: { readonly eventId: string; readonly time: string },
): Promise<JourneySummary["states"]> {
  const { table, query } = toEventQuery(id);
  const { rows } = await store.query(table, { ...query, select: ["target", "state"] });
  const deliveries = rows.filter(({ rowKey }) => !isReplayBodyKey(rowKey));
  return Object.fromEntries(
    deliveries.map(({ columns }) => [
      String(columns["target"]),
      String(columns["state"]) as DeliveryState,
    ]),
  );
}

/** An event's row and those of its deliveries: neighbours in one partition. */
export function toEventQuery(id: { readonly eventId: string; readonly time: string }): {
  readonly table: string;
  readonly query: RowQuery;
} {
  const { table, partitionKey, rowKey } = toLedgerKey({ ...id, target: "intake" });
  // "}" is behind "|", which is what separates event and target.
  return { table, query: { partitionKey, from: rowKey, below: `${rowKey}}`, limit: 100 } };
}

const positionShape = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z(\|[\x20-\uffff]{0,200})?$/;

function readPosition(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const isTime = !Number.isNaN(Date.parse(text.split("|")[0] ?? ""));
  if (positionShape.test(text) && isTime) return text;
  throw new TableError("CONTINUATION_INVALID", "journeys");
}
