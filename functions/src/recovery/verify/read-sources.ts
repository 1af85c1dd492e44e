import { toLedgerBlock, intakeTarget } from "../../delivery/ledger-keys.ts";
import type { FinanceClient } from "../../dynamics/finance-client.ts";
import { toDay } from "../../dynamics/finance-rows.ts";
import type { InvoiceJournalRow } from "../../dynamics/finance-rows.ts";
import { toEffectKey } from "../../platform/effect-key.ts";
import type { TableStore } from "../../platform/table-store.ts";
import type { LedgerDelivery, LedgerDocument, PostedDocument } from "./verification.ts";

const type = "dynamics365.finance.invoice.posted.v1";
const blockMs = 600_000;
/** F&O stamps the event moments after the document; its clocks may differ a little. */
const slackMs = 2 * blockMs;

type JournalRow = InvoiceJournalRow & { readonly CreatedOn: string };

/** Documents by the time of posting, all companies: a page of F&O's holds thousands. */
export async function readPosted(
  finance: FinanceClient,
  since: number,
  until: number,
  signal: AbortSignal,
): Promise<readonly PostedDocument[]> {
  const [from, to] = [new Date(since).toISOString(), new Date(until).toISOString()];
  const rows = await finance.readAll<JournalRow>(
    {
      entitySet: "CustInvoiceJourBiEntities",
      anyOf: [`(CreatedOn ge ${from} and CreatedOn lt ${to})`],
      select: [
        "dataAreaId",
        "InvoiceId",
        "InvoiceDate",
        "LedgerVoucher",
        "InvoiceAccount",
        "SalesId",
        "InvoiceAmount",
        "CreatedOn",
      ],
    },
    signal,
  );
  return rows.flatMap((row) => {
    const date = toDay(row.InvoiceDate);
    if (date === null) return [];
    const legalEntity = row.dataAreaId.toLowerCase();
    const { InvoiceId: number, LedgerVoucher: voucher } = row;
    return [
      {
        legalEntity,
        number,
        date,
        voucher,
        account: row.InvoiceAccount ?? "",
        salesOrder: row.SalesId ?? "",
        kind: (row.SalesId ?? "") === "" ? "freeText" : "sales",
        amount: Number(row.InvoiceAmount ?? 0),
        postedAt: Date.parse(row.CreatedOn),
        effectKey: toEffectKey({ type, legalEntity, number, date, voucher }),
      },
    ];
  });
}

/** The ledger's rows of the same time: by effect key, and the events of which no document is known yet. */
export async function readLedgerDocuments(
  store: TableStore,
  since: number,
  until: number,
): Promise<{
  readonly byEffectKey: ReadonlyMap<string, LedgerDocument>;
  readonly unread: readonly LedgerDelivery[];
}> {
  const byEffectKey = new Map<string, LedgerDocument>();
  const unread: LedgerDelivery[] = [];
  for (const each of await readLedgerEvents(store, since, until)) {
    if (each.effectKey === "") unread.push(each.event);
    else add(byEffectKey, each);
  }
  return { byEffectKey, unread };
}

/** The ledger's events of the same time, those too of which no document is known yet. */
export async function readLedgerEvents(
  store: TableStore,
  since: number,
  until: number,
): Promise<readonly LedgerEvent[]> {
  const events: LedgerEvent[] = [];
  const start = Math.floor((since - slackMs) / blockMs) * blockMs;
  for (let at = start; at < until + slackMs; at += blockMs) {
    for (const each of await readBlock(store, at)) events.push(each);
  }
  return events;
}

export interface LedgerEvent {
  /** Empty until intake has read the document in F&O. */
  readonly effectKey: string;
  readonly event: LedgerDelivery;
  readonly deliveries: readonly (LedgerDelivery & { readonly target: string })[];
}

async function readBlock(store: TableStore, at: number): Promise<readonly LedgerEvent[]> {
  const { table, partitionKey } = toLedgerBlock(new Date(at).toISOString());
  const events = new Map<string, LedgerDelivery & { readonly effectKey: string }>();
  const deliveries = new Map<string, (LedgerDelivery & { readonly target: string })[]>();
  let continuation: string | undefined;
  do {
    const page = await store.query(table, {
      partitionKey,
      select: ["eventId", "time", "target", "state", "rule", "effectKey", "settledAt"],
      ...(continuation === undefined ? {} : { continuation }),
    });
    for (const { columns } of page.rows) {
      const text = (name: string): string => String(columns[name] ?? "");
      const row = {
        eventId: text("eventId"),
        time: text("time"),
        state: text("state"),
        rule: text("rule"),
        settledAt: text("settledAt") === "" ? null : Date.parse(text("settledAt")),
      };
      const target = text("target");
      if (target === intakeTarget) {
        events.set(row.eventId, { ...row, effectKey: text("effectKey") });
      } else if (target !== "") {
        const own = deliveries.get(row.eventId) ?? [];
        own.push({ ...row, target });
        deliveries.set(row.eventId, own);
      }
    }
    continuation = page.continuation;
  } while (continuation !== undefined);
  return [...events.values()].map(({ effectKey, ...event }) => ({
    effectKey,
    event,
    deliveries: deliveries.get(event.eventId) ?? [],
  }));
}

function add(documents: Map<string, LedgerDocument>, found: LedgerEvent): void {
  const known = documents.get(found.effectKey) ?? { events: [], deliveries: {} };
  const deliveries = { ...known.deliveries };
  for (const { target, ...delivery } of found.deliveries) {
    deliveries[target] = [...(deliveries[target] ?? []), delivery];
  }
  documents.set(found.effectKey, { events: [...known.events, found.event], deliveries });
}
