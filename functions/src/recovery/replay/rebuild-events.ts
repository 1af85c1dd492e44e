import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import type { EventRest, Ledger } from "../../delivery/ledger.ts";
import type { FinanceClient } from "../../dynamics/finance-client.ts";
import { findFlow } from "../../flows/load-flows.ts";
import type { LoadedFlow } from "../../flows/load-flows.ts";
import type { SchemaSet } from "../../flows/schema-set.ts";
import { buildEvent } from "../../intake/build-event.ts";
import { enrichInvoices } from "../../intake/enrich-invoices.ts";
import type { Enriched } from "../../intake/enrich-invoices.ts";
import type { InvoiceEvent, ParsedEvent } from "../../intake/parse-business-event.ts";
import { inParallel } from "../../delivery/batch-writes.ts";

export interface RebuildDependencies {
  readonly ledger: Ledger;
  readonly finance: FinanceClient;
  readonly flows: readonly LoadedFlow[];
  readonly schemas: SchemaSet;
  readonly defaultDoor: string;
  readonly parse: (body: unknown) => ParsedEvent;
}

export type Rebuilt =
  | { readonly kind: "event"; readonly event: CanonicalEvent }
  /** F&O has something else, or nothing, for it now. */
  | { readonly kind: "refused"; readonly code: string; readonly reason: string }
  /** F&O is away or throttles: try later. */
  | { readonly kind: "later"; readonly code: string; readonly afterMs: number };

const laterMs = 60_000;

/** The events as F&O tells them now, in the order given; a batch of them is a handful of requests. */
export async function rebuildEvents(
  on: RebuildDependencies,
  stored: readonly EventRest[],
  signal: AbortSignal,
): Promise<readonly Rebuilt[]> {
  const results = new Map<EventRest, Rebuilt>();
  const asked: { readonly old: EventRest; readonly event: InvoiceEvent }[] = [];
  await inParallel(stored, 16, async (old) => {
    const parsed = on.parse(JSON.parse(await on.ledger.loadRaw(old.id, old.time)) as unknown);
    if (parsed.kind === "invoice") asked.push({ old, event: parsed.event });
    else results.set(old, refuse("MALFORMED_EVENT", "its business event is not understood today"));
  });
  const answers = await enrichInvoices(
    on.finance,
    asked.map(({ event }) => event),
    signal,
  );
  for (const [index, { old, event }] of asked.entries()) {
    results.set(old, toRebuilt(on, old, event, answers[index]));
  }
  return stored.map((old) => results.get(old) ?? refuse("SOURCE_NOT_FOUND", "F&O gave no answer"));
}

function toRebuilt(
  on: RebuildDependencies,
  old: EventRest,
  event: InvoiceEvent,
  answer: Enriched | undefined,
): Rebuilt {
  if (answer?.kind === "mismatch") return refuse("SOURCE_MISMATCH", answer.reason);
  if (answer?.kind === "failed") {
    const { code, afterMs = laterMs } = answer.error;
    return { kind: "later", code, afterMs };
  }
  if (answer?.kind !== "found") {
    return refuse("SOURCE_NOT_FOUND", `${answer?.missing ?? "F&O"} has no row for the document`);
  }
  const { traceparent } = old;
  const flow = findFlow(on.flows, event.businessEventId)?.name ?? old.flow;
  const { defaultDoor, schemas } = on;
  const built = buildEvent(event, answer.source, { flow, defaultDoor, traceparent, schemas });
  if (built.kind === "invalid") return refuse("SOURCE_INVALID", built.reason);
  if (built.event.effectkey === old.effectkey) return { kind: "event", event: built.event };
  // Its effect would be another document's.
  return refuse("SOURCE_MISMATCH", "F&O has another date or voucher under this number now");
}

function refuse(code: string, reason: string): Rebuilt {
  return { kind: "refused", code, reason };
}
