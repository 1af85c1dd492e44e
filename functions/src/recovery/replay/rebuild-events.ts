import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import { isWithoutBody } from "../../delivery/ledger-bodies.ts";
import type { Ledger } from "../../delivery/ledger.ts";
import type { EventRest, StoredDelivery } from "../../delivery/stored-delivery.ts";
import type { FinanceClient, FinanceErrorCode } from "../../dynamics/finance-client.ts";
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

/** What was accepted, or what is left of it, and the rows that it was read from. */
export interface OldEvent {
  readonly event: EventRest;
  readonly stored: StoredDelivery;
}

export type Rebuilt =
  | { readonly kind: "event"; readonly event: CanonicalEvent }
  /** F&O has something else, or nothing, for it now. */
  | { readonly kind: "refused"; readonly code: string; readonly reason: string }
  /** F&O is away or throttles: try later. `afterMs` is its own Retry-After. */
  | { readonly kind: "later"; readonly code: FinanceErrorCode; readonly afterMs: number | null };

/** What is wrong for everybody; every other answer is about the document that was asked for. */
const aboutEverybody: readonly FinanceErrorCode[] = [
  "FINANCE_UNREACHABLE",
  "FINANCE_THROTTLED",
  "FINANCE_UNAUTHORIZED",
  "FINANCE_TIMEOUT",
];

/** The events as F&O tells them now, in the order given; a batch of them is a handful of requests. */
export async function rebuildEvents(
  on: RebuildDependencies,
  olds: readonly OldEvent[],
  signal: AbortSignal,
): Promise<readonly Rebuilt[]> {
  const results = new Map<OldEvent, Rebuilt>();
  const asked: { readonly old: OldEvent; readonly event: InvoiceEvent }[] = [];
  await inParallel(olds, 16, async (old) => {
    const parsed = await parseStored(on, old);
    if (parsed.kind === "invoice") asked.push({ old, event: parsed.event });
    else results.set(old, parsed);
  });
  const events = asked.map(({ event }) => event);
  const answers = await readDocuments(on.finance, events, signal);
  for (const [index, { old, event }] of asked.entries()) {
    results.set(old, toRebuilt(on, old.event, event, answers[index]));
  }
  return olds.map((old) => results.get(old) ?? refuse("SOURCE_NOT_FOUND", "F&O gave no answer"));
}

/** One that cannot be read must not keep the others from being sent. */
async function parseStored(
  { ledger, parse }: RebuildDependencies,
  { event, stored }: OldEvent,
): Promise<
  | Extract<ParsedEvent, { readonly kind: "invoice" }>
  | Extract<Rebuilt, { readonly kind: "refused" }>
> {
  try {
    const parsed = parse(JSON.parse(await ledger.rawOf(stored, event.id)) as unknown);
    if (parsed.kind === "invoice") return parsed;
    return refuse("MALFORMED_EVENT", "its business event is not understood today");
  } catch (error) {
    if (!isWithoutBody(error)) throw error;
    return refuse(error.code, error.message);
  }
}

/** What F&O fails at it often answers a moment later: each is asked for once more, by itself. */
async function readDocuments(
  finance: FinanceClient,
  events: readonly InvoiceEvent[],
  signal: AbortSignal,
): Promise<readonly Enriched[]> {
  const answers = [...(await enrichInvoices(finance, events, signal))];
  const again = [...answers.entries()].filter(([, answer]) => mayAnswer(answer));
  await inParallel(again, 4, async ([index]) => {
    const [answer] = await enrichInvoices(finance, events.slice(index, index + 1), signal);
    if (answer !== undefined) answers[index] = answer;
  });
  return answers;
}

function mayAnswer(answer: Enriched): boolean {
  if (answer.kind !== "failed" || answer.error.fate === "permanent") return false;
  return !aboutEverybody.includes(answer.error.code);
}

function toRebuilt(
  on: RebuildDependencies,
  old: EventRest,
  event: InvoiceEvent,
  answer: Enriched | undefined,
): Rebuilt {
  if (answer?.kind === "mismatch") return refuse("SOURCE_MISMATCH", answer.reason);
  if (answer?.kind === "failed") {
    const { afterMs = null, code, detail, message } = answer.error;
    if (aboutEverybody.includes(code)) return { kind: "later", code, afterMs };
    return refuse(code, detail === "" ? message : `${message}: ${detail}`);
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

function refuse(code: string, reason: string): Extract<Rebuilt, { readonly kind: "refused" }> {
  return { kind: "refused", code, reason };
}
