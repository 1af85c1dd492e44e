import { intakeTarget, toLedgerKey } from "../../delivery/ledger-keys.ts";
import type { StoredRow } from "../../platform/table-store.ts";
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
/** Of one request, so that a search for a rare company in a busy hour ends. */
const maxPages = 5;

/** Events by their time, oldest first: a range of the ledger's minutes, within one month. */
export async function listJourneys(
  on: ReadDependencies,
  search: TimeSearch,
): Promise<JourneysAnswer> {
  const { table, from, below } = toRange(search);
  const journeys = new Map<string, JourneySummary>();
  let continuation = search.continuation;
  for (let page = 0; page < maxPages && journeys.size < search.limit; page += 1) {
    const answer = await on.store.query(table, {
      partitionKey: { from, below },
      limit: Math.min(pageRows, search.limit * 4),
      select: shown,
      ...(continuation === undefined ? {} : { continuation }),
    });
    for (const row of answer.rows) collect(journeys, row);
    continuation = answer.continuation;
    if (continuation === undefined) break;
  }
  const wanted = search.legalEntity?.toLowerCase();
  const found = [...journeys.values()].filter(
    ({ legalEntity }) => wanted === undefined || legalEntity === wanted,
  );
  return continuation === undefined ? { journeys: found } : { journeys: found, continuation };
}

function toRange({ since, until }: TimeSearch): {
  readonly table: string;
  readonly from: string;
  readonly below: string;
} {
  const keyOf = (instant: number): ReturnType<typeof toLedgerKey> =>
    toLedgerKey({ eventId: "", time: new Date(instant).toISOString(), target: intakeTarget });
  const first = keyOf(since);
  const last = keyOf(until);
  const minuteOf = (key: string): string => key.slice(0, key.indexOf("-"));
  return {
    table: first.table,
    from: minuteOf(first.partitionKey),
    // A search that reaches into the next month ends with its own.
    below: last.table === first.table ? `${minuteOf(last.partitionKey)}~` : "~",
  };
}

function collect(journeys: Map<string, JourneySummary>, row: StoredRow): void {
  const text = (name: string): string => String(row.columns[name] ?? "");
  const eventId = text("eventId");
  const target = text("target");
  const state = text("state") as DeliveryStateName;
  const known = journeys.get(eventId);
  const states = { ...known?.states, [target]: state };
  const about = target === intakeTarget ? readSubject(row) : known;
  journeys.set(eventId, {
    eventId,
    time: text("time"),
    legalEntity: about?.legalEntity ?? "",
    number: about?.number ?? "",
    customerAccount: about?.customerAccount ?? "",
    flow: about?.flow ?? "",
    states,
  });
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
