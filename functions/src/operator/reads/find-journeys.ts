/*
 * Finding events without scanning a table: `journeys<yyyymm>` has a row by document number, one by
 * customer and one by event id, all in the company's partition. A search goes through the months from
 * the newest one back, eight places (a month and a company) at a time, and stops where it finds
 * something; `continuation` says where to go on.
 */
import { inParallel } from "../../delivery/batch-writes.ts";
import { toJourneysTable, toLedgerKey } from "../../delivery/ledger-keys.ts";
import type { DeliveryState } from "../../delivery/ledger-rows.ts";
import { fromSafeKey, toSafeKey } from "../../platform/safe-key.ts";
import type { RowQuery, StoredRow, TableStore } from "../../platform/table-store.ts";
import type { JourneysAnswer, JourneySummary } from "./answers.ts";
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
}

export async function findJourneys(
  on: ReadDependencies,
  search: JourneySearch,
): Promise<JourneysAnswer> {
  const start = readContinuation(search.continuation);
  const anchor = start.anchor ?? on.clock.now();
  const places = toPlaces(on, search, anchor);
  const found: StoredRow[] = [];
  let next = start.place;
  while (next < places.length && found.length === 0) {
    const some = places.slice(next, next + placesAtOnce);
    next += some.length;
    await inParallel(some, placesAtOnce, async (place) => {
      for (const query of toQueries(search, place)) {
        const { rows } = await on.store.query(place.table, query);
        found.push(...rows);
      }
    });
  }
  const rows = newestFirst(found, search.since ?? 0).slice(0, search.limit);
  const journeys = await toSummaries(on.store, rows);
  return next < places.length ? { journeys, continuation: `${anchor}.${next}` } : { journeys };
}

function toPlaces(on: ReadDependencies, search: JourneySearch, now: number): readonly Place[] {
  const { legalEntity, since = 0 } = search;
  const companies = legalEntity === undefined ? knownCompanies(on) : [legalEntity.toLowerCase()];
  const oldest = toJourneysTable(new Date(since).toISOString());
  const places: Place[] = [];
  const month = new Date(now);
  // The 1st: a month back from the 31st would otherwise skip one.
  month.setUTCDate(1);
  for (let back = 0; back < monthsBack; back += 1) {
    const table = toJourneysTable(month.toISOString());
    if (table < oldest) break;
    places.push(...companies.map((company) => ({ table, company })));
    month.setUTCMonth(month.getUTCMonth() - 1);
  }
  return places;
}

function toQueries(search: JourneySearch, place: Place): readonly RowQuery[] {
  const partitionKey = toSafeKey(place.company);
  const { limit } = search;
  const range = (from: string, below: string): RowQuery => ({ partitionKey, from, below, limit });
  switch (search.by) {
    case "eventId": {
      const key = `e|${search.text.toLowerCase()}`;
      return [range(key, `${key}!`)];
    }
    case "number":
      // The beginning of a number is enough, and its case does not matter as long as it is F&O's own.
      return namesIn(place.company, search.text)
        .flatMap(variants)
        .map((text) => range(`n|${text}`, `n|${text}${lastKey}`));
    case "customer": {
      const since = new Date(search.since ?? 0).toISOString();
      return variants(search.text).map((text) => range(`c|${text}|${since}`, `c|${text}}`));
    }
  }
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
  const timeOf = (row: StoredRow): string => String(row.columns["time"]);
  return [...byEvent.values()]
    .filter((row) => Date.parse(timeOf(row)) >= since)
    .sort((a, b) => timeOf(b).localeCompare(timeOf(a)));
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
  return Object.fromEntries(
    rows.map(({ columns }) => [
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

function readContinuation(text: string | undefined): {
  readonly anchor: number | undefined;
  readonly place: number;
} {
  const [anchor, place] = (text ?? "").split(".").map(Number);
  if (Number.isSafeInteger(anchor) && Number.isSafeInteger(place)) {
    return { anchor, place: Math.max(0, place ?? 0) };
  }
  return { anchor: undefined, place: 0 };
}
