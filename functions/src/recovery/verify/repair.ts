/*
 * What verify may put right by itself: a record that is missing at a target gets its delivery again, by a
 * replay of its own (rate, steps, stopping by itself). A document that F&O raised no event for gets one of
 * ours first, under an id that derives from the document, accepted for exactly the targets where it is
 * missing. The effect is the document's, so the original event arriving later makes no second one.
 */
import { createIntakeLedger } from "../../delivery/intake-ledger.ts";
import type { AcceptTarget } from "../../delivery/ledger-port.ts";
import { createDeliveryRow } from "../../delivery/ledger-rows.ts";
import { createPublisher } from "../../delivery/publisher.ts";
import { findFlow } from "../../flows/load-flows.ts";
import { buildEvent } from "../../intake/build-event.ts";
import { decideTargets } from "../../intake/decide-targets.ts";
import { enrichInvoices } from "../../intake/enrich-invoices.ts";
import type { AppConfig } from "../../platform/config.ts";
import { toStableId } from "../../platform/effect-key.ts";
import { toRootTraceparent } from "../../platform/trace.ts";
import { toReplayId } from "../replay/replay-store.ts";
import type { RunnerDependencies } from "../replay/run-replay.ts";
import { noCounts } from "../replay/replay-job.ts";
import type { ReplayItem, ReplayJob } from "../replay/replay-job.ts";
import { newerVersionGone } from "./verification.ts";
import type { Finding, PostedDocument, VerifyCounts } from "./verification.ts";

export interface RepairDependencies extends RunnerDependencies {
  readonly config: AppConfig;
}

export interface Repaired {
  readonly repaired: number;
  readonly replayId: string;
  readonly note: string;
}

/** Mails that are missing and were not asked for. */
export function countLeftMails(findings: readonly Finding[], include: readonly string[]): number {
  if (include.includes("email")) return 0;
  return findings.filter(({ kind, target }) => kind === "missing" && target === "email").length;
}

export function countLeftVersions(findings: readonly Finding[]): number {
  return findings.filter(({ cause }) => cause === newerVersionGone).length;
}

/** More is no gap but a fault, and a person's matter. */
const maxRepairs = 100;
const maxShare = 0.01;
/** Of a handful of documents one is always more than a hundredth. */
const fewRepairs = 5;

/** Mail goes to people: only when it was asked for by name. */
export function selectRepairs(
  findings: readonly Finding[],
  counts: readonly VerifyCounts[],
  include: readonly string[],
): { readonly findings: readonly Finding[] } | { readonly refusal: string } {
  const missing = findings.filter(
    ({ cause, kind, target }) =>
      kind === "missing" &&
      cause !== newerVersionGone &&
      (target !== "email" || include.includes("email")),
  );
  const compared = counts.reduce((sum, each) => sum + each.compared, 0);
  const isTooMany =
    missing.length > maxRepairs ||
    (missing.length > fewRepairs && missing.length > maxShare * compared);
  if (!isTooMany) return { findings: missing };
  const share = ((100 * missing.length) / Math.max(compared, 1)).toFixed(1);
  return {
    refusal: `${missing.length} records (${share} %) are missing: too many to be repaired by themselves`,
  };
}

export async function repair(
  on: RepairDependencies,
  findings: readonly Finding[],
  by: string,
  signal: AbortSignal,
): Promise<Repaired> {
  const withEvent = findings.filter(({ eventId }) => eventId !== "");
  const replayId = withEvent.length === 0 ? "" : await beginReplay(on, withEvent, by);
  const byDocument = new Map<string, Finding[]>();
  for (const finding of findings) {
    if (finding.eventId !== "") continue;
    const same = byDocument.get(finding.effectKey) ?? [];
    byDocument.set(finding.effectKey, [...same, finding]);
  }
  let raised = 0;
  for (const same of byDocument.values()) raised += await raise(on, same, signal);
  const repaired = withEvent.length + raised;
  const what = repaired === 1 ? "1 delivery" : `${repaired} deliveries`;
  return { repaired, replayId, note: `${what} begun to repair` };
}

async function beginReplay(
  on: RepairDependencies,
  findings: readonly Finding[],
  by: string,
): Promise<string> {
  const now = on.clock.now();
  const id = toReplayId(now);
  const items = findings.map(
    ({ target, eventId, time, legalEntity, number, settledAt }, index): ReplayItem => ({
      number: index,
      target,
      failureId: "",
      failure: null,
      isRepair: true,
      settledAt,
      eventId,
      time,
      businessKey: `${legalEntity}/${number}`,
      state: "planned",
      generation: -1,
      outcome: "",
      changes: [],
    }),
  );
  const perSecond = on.config.operator?.replayPerSecond ?? 50;
  const job: ReplayJob = {
    id,
    state: "running",
    isFollowed: false,
    selection: { kind: "ids", ids: [] },
    options: { asStored: false, perSecond, steps: [1, 10, 100], stopShare: 0.1 },
    reason: "verify found them missing",
    by,
    byId: "causeway",
    createdAt: now,
    endedAt: null,
    total: items.length,
    planCursor: null,
    position: 0,
    ended: noCounts,
    steps: [],
    note: "",
    perSecondNow: perSecond,
  };
  // Items first: a job must never run without them.
  await on.replays.addItems(id, items);
  await on.replays.create(job);
  return id;
}

/** Deliveries of an event of ours that is accepted for the document; repeatable, its id is the document's. */
async function raise(
  on: RepairDependencies,
  findings: readonly Finding[],
  signal: AbortSignal,
): Promise<number> {
  const [first] = findings;
  if (first === undefined) return 0;
  const raw = toBusinessEvent(first.document);
  const parsed = on.parse(raw);
  if (parsed.kind !== "invoice") return 0;
  const flow = findFlow(on.flows, parsed.event.businessEventId);
  const [enriched] = await enrichInvoices(on.finance, [parsed.event], signal);
  if (flow === undefined || enriched?.kind !== "found") return 0;
  const { eventId, time } = parsed.event;
  const traceparent = toRootTraceparent(eventId);
  const { defaultDoor, schemas } = on;
  const context = { flow: flow.name, defaultDoor, traceparent, schemas };
  const built = buildEvent(parsed.event, enriched.source, context);
  if (built.kind === "invalid") return 0;
  const { event, invoice } = built;
  const now = on.clock.now();
  const wanted = new Set(findings.map(({ target }) => target));
  const decided = await decideTargets(flow, event, invoice, on.config, now);
  const targets = decided.map((each): AcceptTarget =>
    wanted.has(each.name) ? each : { name: each.name, initial: toLeft() },
  );
  const id = { eventId, time, target: "intake" };
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

/** The event that F&O did not raise, in its own shape. */
function toBusinessEvent(document: PostedDocument): Record<string, unknown> {
  const { account, amount, date, effectKey, legalEntity, number, postedAt, salesOrder } = document;
  const isFreeText = salesOrder === "";
  return {
    BusinessEventId: isFreeText
      ? "CustFreeTextInvoicePostedBusinessEvent"
      : "SalesInvoicePostedBusinessEvent",
    BusinessEventLegalEntity: legalEntity,
    ContextRecordSubject: "",
    ControlNumber: postedAt,
    EventId: toStableId("repair", effectKey),
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
    ...(isFreeText ? {} : { SalesOrderId: salesOrder }),
  };
}
