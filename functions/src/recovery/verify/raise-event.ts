/*
 * An event of ours for a document that F&O raised none for. Its id derives from the document, so that everything
 * here can be done again:
 *
 *   row `received` ──► accepted, `open` rows ──► published ──► row `published`
 *
 * What breaks off before the acceptance has no message and no `open` row, so that nobody goes on with it but the
 * next repair: verify takes no such row for an event under way (`isBegunRaise`). What breaks off behind it is
 * found by the sweep.
 */
import { createIntakeLedger } from "../../delivery/intake-ledger.ts";
import { intakeTarget } from "../../delivery/ledger-keys.ts";
import type { AcceptTarget } from "../../delivery/ledger-port.ts";
import { createDeliveryRow } from "../../delivery/ledger-rows.ts";
import { createPublisher } from "../../delivery/publisher.ts";
import { findFlow } from "../../flows/load-flows.ts";
import type { LoadedFlow } from "../../flows/load-flows.ts";
import { buildEvent } from "../../intake/build-event.ts";
import type { BuiltEvent } from "../../intake/build-event.ts";
import { decideTargets } from "../../intake/decide-targets.ts";
import { enrichInvoices } from "../../intake/enrich-invoices.ts";
import type { Enriched } from "../../intake/enrich-invoices.ts";
import type { AppConfig } from "../../platform/config.ts";
import { toStableId } from "../../platform/effect-key.ts";
import { toRootTraceparent } from "../../platform/trace.ts";
import type { RunnerDependencies } from "../replay/run-replay.ts";
import { businessEventOf } from "./served-documents.ts";
import type { Finding, LedgerDelivery, PostedDocument } from "./verification.ts";

export interface RaiseDependencies extends RunnerDependencies {
  readonly config: AppConfig;
}

export interface Raised {
  /** Deliveries. */
  readonly begun: number;
  /** Why there is none; empty when there is one. */
  readonly code: string;
  /** F&O answers nobody now: no use in asking it for the next document. */
  readonly isAway: boolean;
}

type Built = Extract<BuiltEvent, { readonly kind: "built" }> & {
  readonly raw: Readonly<Record<string, unknown>>;
  readonly flow: LoadedFlow;
};

/** An event of ours that got no further than its own row. */
export function isBegunRaise(event: LedgerDelivery, document: PostedDocument): boolean {
  return event.state === "received" && event.eventId === toRaisedId(document);
}

/** Begins the deliveries to exactly the targets that the findings, all of one document, name. */
export async function raiseEvent(
  on: RaiseDependencies,
  document: PostedDocument,
  findings: readonly Finding[],
  signal: AbortSignal,
): Promise<Raised> {
  const built = await build(on, document, signal);
  if ("code" in built) return { begun: 0, ...built };
  const wanted = new Set(findings.map(({ target }) => target));
  const decided = await decide(on, built);
  if (decided === undefined) return { begun: 0, code: "SOURCE_INVALID", isAway: false };
  // What a rule has decided stands: a later repair that asks for the target must not take it for left out.
  const targets = decided.map((each): AcceptTarget => {
    const isDecided = wanted.has(each.name) || each.initial.state === "skipped";
    return isDecided ? each : { name: each.name, initial: toLeft() };
  });
  const begun = await accept(on, built, targets);
  return { begun, code: begun === 0 ? toRule(decided, wanted) : "", isAway: false };
}

async function build(
  on: RaiseDependencies,
  document: PostedDocument,
  signal: AbortSignal,
): Promise<Built | Omit<Raised, "begun">> {
  const refuse = (code: string, isAway = false): Omit<Raised, "begun"> => ({ code, isAway });
  const raw = toBusinessEvent(document);
  const parsed = on.parse(raw);
  if (parsed.kind !== "invoice") {
    return refuse(parsed.kind === "failure" ? parsed.code : "UNKNOWN_EVENT");
  }
  const flow = findFlow(on.flows, parsed.event.businessEventId);
  if (flow === undefined) return refuse("UNKNOWN_EVENT");
  const [enriched] = await enrichInvoices(on.finance, [parsed.event], signal);
  if (enriched?.kind !== "found") return toRefusal(enriched);
  const traceparent = toRootTraceparent(parsed.event.eventId);
  const { defaultDoor, schemas } = on;
  const context = { flow: flow.name, defaultDoor, traceparent, schemas };
  const built = buildEvent(parsed.event, enriched.source, context);
  return built.kind === "invalid" ? refuse("SOURCE_INVALID") : { ...built, raw, flow };
}

/** The codes that intake has for the same. */
function toRefusal(
  enriched: Exclude<Enriched, { readonly kind: "found" }> | undefined,
): Omit<Raised, "begun"> {
  if (enriched?.kind === "failed") {
    const { code, unreachable } = enriched.error;
    const isAway = unreachable || code === "FINANCE_THROTTLED" || code === "FINANCE_TIMEOUT";
    return { code, isAway };
  }
  const code = enriched?.kind === "mismatch" ? "SOURCE_MISMATCH" : "SOURCE_NOT_FOUND";
  return { code, isAway: false };
}

/** Undefined: an expression of the flow fails on this document. */
async function decide(
  on: RaiseDependencies,
  { event, flow, invoice }: Built,
): Promise<readonly AcceptTarget[] | undefined> {
  try {
    return await decideTargets(flow, event, invoice, on.config, on.clock.now());
  } catch {
    return undefined;
  }
}

async function accept(
  on: RaiseDependencies,
  { event, invoice, raw }: Built,
  targets: readonly AcceptTarget[],
): Promise<number> {
  const now = on.clock.now();
  const id = { eventId: event.id, time: event.time, target: intakeTarget };
  const { traceparent } = event;
  const row = createDeliveryRow(id, { state: "received", acceptedAt: now, traceparent });
  await on.ledger.insert([{ row, raw: JSON.stringify(raw) }]);
  const ledger = createIntakeLedger(on.ledger, on.clock, on.telemetry);
  const accepted = await ledger.accept([
    { event, targets, customerAccount: invoice.customer.account },
  ]);
  const open = accepted.filter(({ openTargets }) => openTargets.length > 0);
  await createPublisher(on.sender, on.config.maxMessageBytes).publish(
    open.map((each) => ({ event: each.event, targets: each.openTargets })),
  );
  const [version] = await on.ledger.load([id], { fresh: true });
  if (version?.row.state === "accepted") {
    const published = { ...version.row, state: "published" as const, settledAt: now };
    await on.ledger.save([{ row: published, etag: version.etag }]);
  }
  return open.reduce((sum, { openTargets }) => sum + openTargets.length, 0);
}

/** The record is there, or its target was not to be repaired. */
function toLeft(): AcceptTarget["initial"] {
  return { state: "skipped", rule: "NOT_REPAIRED" };
}

/** The rule by which the first of the wanted targets does not take the document after all. */
function toRule(decided: readonly AcceptTarget[], wanted: ReadonlySet<string>): string {
  const rules = decided.flatMap(({ initial, name }) =>
    wanted.has(name) && initial.state === "skipped" ? [initial.rule] : [],
  );
  return rules[0] ?? "NOT_REPAIRED";
}

function toRaisedId({ effectKey }: PostedDocument): string {
  return toStableId("repair", effectKey);
}

/** The event that F&O did not raise, in its own shape. */
function toBusinessEvent(document: PostedDocument): Readonly<Record<string, unknown>> {
  const { account, amount, date, kind, legalEntity, number, postedAt, salesOrder } = document;
  return {
    BusinessEventId: businessEventOf[kind],
    BusinessEventLegalEntity: legalEntity,
    ContextRecordSubject: "",
    // Below any of F&O's own: whatever it sends of this document later is newer.
    ControlNumber: 0,
    EventId: toRaisedId(document),
    EventTime: `/Date(${postedAt})/`,
    EventTimeIso8601: new Date(postedAt).toISOString(),
    InitiatingUserAADObjectId: "{00000000-0000-0000-0000-000000000000}",
    InvoiceAccount: account,
    InvoiceAmountInAccountingCurrency: amount,
    InvoiceDate: `/Date(${Date.parse(`${date}T00:00:00Z`)})/`,
    InvoiceDueDate: `/Date(${Date.parse(`${date}T00:00:00Z`)})/`,
    InvoiceId: number,
    InvoiceTaxAmount: 0,
    LegalEntity: legalEntity,
    MajorVersion: 0,
    MinorVersion: 0,
    ParentContextRecordSubjects: [],
    ...(kind === "sales" ? { SalesOrderId: salesOrder } : {}),
  };
}
