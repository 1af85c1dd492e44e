/*
 * Events by their time, oldest first: ranges of the ledger's minutes, month after month. An event's rows are
 * neighbours; beside them lie bodies that a replay keeps, which are no delivery. A page ends between two events:
 * `continuation` is the key of the row that the next one begins with.
 */
import { intakeTarget, toLedgerKey, toLedgerRowKey } from "../../delivery/ledger-keys.ts";
import { TableError } from "../../platform/table-store.ts";
import type { RowKeys, StoredRow, TableStore } from "../../platform/table-store.ts";
import type { DeliveryStateName, JourneysAnswer, JourneySummary } from "./answers.ts";
import type { ReadDependencies } from "./read-dependencies.ts";

export interface TimeSearch {
  /** Epoch ms of EventTime. */
  readonly since: number;
  readonly until: number;
  readonly legalEntity?: string;
  readonly limit: number;
  readonly continuation?: string;
}

/** No bodies: a page of them is megabytes. */
const shown = ["eventId", "time", "target", "state", "subject", "customerAccount", "flow"];
const pageRows = 200;
/** Of one request, so that a search for a rare company in a busy hour ends; an empty page counts as some rows. */
const maxRows = 1_000;
const emptyPageRows = 40;

interface Range {
  /** Partitions: minutes. */
  readonly from: string;
  readonly below: string;
}

interface Page {
  readonly rows: readonly StoredRow[];
  /** What comes after it. */
  readonly next: RowKeys;
}

export async function listJourneys(
  on: ReadDependencies,
  search: TimeSearch,
): Promise<JourneysAnswer> {
  const company = search.legalEntity?.toLowerCase();
  const range = toRange(search);
  const journeys: JourneySummary[] = [];
  let current: { readonly journey: JourneySummary; readonly keys: RowKeys } | undefined;
  const finish = (): void => {
    const journey = current?.journey;
    current = undefined;
    if (journey === undefined) return;
    if (company === undefined || journey.legalEntity === company) journeys.push(journey);
  };
  let read = 0;
  const start = readKeys(search.continuation, range);
  for await (const page of eachPage(on.store, start, range.below, search.limit)) {
    for (const row of page.rows) {
      const { rowKey } = row;
      const [eventId = ""] = rowKey.split("|");
      if (eventId !== current?.journey.eventId) finish();
      if (!isDelivery(row)) continue;
      if (current === undefined && journeys.length >= search.limit) return goOnAt(journeys, row);
      const journey = addRow(current?.journey, row);
      current = { journey, keys: current?.keys ?? row };
    }
    read += Math.max(page.rows.length, emptyPageRows);
    // Of the event under way there may be more rows: it is read again, whole.
    const next = current?.keys ?? page.next;
    if (read >= maxRows && next.partitionKey < range.below) return goOnAt(journeys, next);
  }
  finish();
  return { journeys };
}

function goOnAt(
  journeys: readonly JourneySummary[],
  { partitionKey, rowKey }: RowKeys,
): JourneysAnswer {
  return { journeys, continuation: `${partitionKey}/${rowKey}` };
}

/** Rows in the order of their keys, from `start` on. */
async function* eachPage(
  store: TableStore,
  start: RowKeys,
  below: string,
  limit: number,
): AsyncGenerator<Page> {
  const size = Math.min(pageRows, limit * 4);
  const { partitionKey, rowKey } = start;
  let from = partitionKey;
  if (rowKey !== "") {
    // Behind this partition and before the next one.
    from = `${partitionKey}!`;
    const rest = { partitionKey, from: rowKey };
    yield* eachPageOf(store, rest, size, { partitionKey: from, rowKey: "" });
  }
  while (from < below) {
    const next = toNextMonth(from);
    const partitions = { from, below: below < next ? below : next };
    yield* eachPageOf(store, { partitionKey: partitions }, size, {
      partitionKey: next,
      rowKey: "",
    });
    from = next;
  }
}

async function* eachPageOf(
  store: TableStore,
  query: { readonly partitionKey: string | Range; readonly from?: string },
  limit: number,
  behind: RowKeys,
): AsyncGenerator<Page> {
  const { partitionKey } = query;
  const first = typeof partitionKey === "string" ? partitionKey : partitionKey.from;
  const table = `ledger${first.slice(0, 6)}`;
  let next: RowKeys = { partitionKey: first, rowKey: query.from ?? "" };
  let continuation: string | undefined;
  do {
    const answer = await store.query(table, {
      ...query,
      ...{ limit, select: shown },
      ...(continuation === undefined ? {} : { continuation }),
    });
    continuation = answer.continuation;
    const last = answer.rows.at(-1);
    if (last !== undefined) next = { partitionKey: last.partitionKey, rowKey: `${last.rowKey} ` };
    yield { rows: answer.rows, next: continuation === undefined ? behind : next };
  } while (continuation !== undefined);
}

/** `yyyymm`, which is before all of the month's partitions. */
function toNextMonth(partitionKey: string): string {
  const year = Number(partitionKey.slice(0, 4));
  const month = Number(partitionKey.slice(4, 6));
  return new Date(Date.UTC(year, month, 1)).toISOString().replace(/\D/g, "").slice(0, 6);
}

function toRange({ since, until }: TimeSearch): Range {
  const minuteOf = (instant: number): string => {
    const id = { eventId: "", time: new Date(instant).toISOString(), target: intakeTarget };
    const { partitionKey } = toLedgerKey(id);
    return partitionKey.slice(0, partitionKey.indexOf("-"));
  };
  return { from: minuteOf(since), below: `${minuteOf(until)}~` };
}

const keysShape = /^(\d{6}|\d{12}(?:-\d!?)?)\/([\x20-\uffff]*)$/;

function readKeys(continuation: string | undefined, { from, below }: Range): RowKeys {
  if (continuation === undefined) return { partitionKey: from, rowKey: "" };
  const [, partitionKey = "", rowKey = ""] = keysShape.exec(continuation) ?? [];
  // Of a search for another time it would show what was not asked for.
  if (partitionKey >= from && partitionKey < below) return { partitionKey, rowKey };
  throw new TableError("CONTINUATION_INVALID", "ledger");
}

function isDelivery({ columns, rowKey }: StoredRow): boolean {
  const { eventId, target } = columns;
  return (
    typeof eventId === "string" &&
    typeof target === "string" &&
    rowKey === toLedgerRowKey(eventId, target)
  );
}

function addRow(known: JourneySummary | undefined, row: StoredRow): JourneySummary {
  const text = (name: string): string => String(row.columns[name] ?? "");
  const target = text("target");
  const about = target === intakeTarget ? readSubject(row) : known;
  return {
    eventId: text("eventId"),
    time: text("time"),
    legalEntity: about?.legalEntity ?? "",
    number: about?.number ?? "",
    customerAccount: about?.customerAccount ?? "",
    flow: about?.flow ?? "",
    states: { ...known?.states, [target]: text("state") as DeliveryStateName },
  };
}

/** In columns since the event was accepted: its body may be elsewhere, or its retention over. */
function readSubject({
  columns,
}: StoredRow): Pick<JourneySummary, "legalEntity" | "number" | "customerAccount" | "flow"> {
  const text = (name: string): string => String(columns[name] ?? "");
  const [legalEntity = "", ...number] = text("subject").split("/");
  return {
    legalEntity,
    number: number.join("/"),
    customerAccount: text("customerAccount"),
    flow: text("flow"),
  };
}
