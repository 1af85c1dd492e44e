import type { AcceptItem, IntakeLedger, Publisher } from "../delivery/ledger-port.ts";
import type { FinanceClient, FinanceError } from "../dynamics/finance-client.ts";
import { checkTargetSettings } from "../flows/check-target-settings.ts";
import { findFlow, type LoadedFlow } from "../flows/load-flows.ts";
import type { SchemaSet } from "../flows/schema-set.ts";
import type { Clock } from "../platform/clock.ts";
import type { AppConfig } from "../platform/config.ts";
import type { DeliveryRequest, Outcome, Target } from "../targets/target.ts";
import { buildEvent } from "./build-event.ts";
import { decideTargets } from "./decide-targets.ts";
import { enrichInvoices, type Enriched } from "./enrich-invoices.ts";
import { parseBusinessEvent, type InvoiceEvent } from "./parse-business-event.ts";

export interface IntakeTargetOptions {
  readonly finance: FinanceClient;
  readonly flows: readonly LoadedFlow[];
  readonly schemas: SchemaSet;
  readonly config: AppConfig;
  readonly ledger: IntakeLedger;
  readonly publisher: Publisher;
  readonly clock: Clock;
  /** Reachable tries for which F&O may lag behind its own event; then SOURCE_NOT_FOUND is final. */
  readonly notFoundTries?: number;
}

/**
 * About 50 minutes: three tries at once, then by the delivery schedule (10 s, 30 s, 1, 5, 15, 30 min) at
 * 10 s, 40 s, 100 s, 400 s, 22 min and 52 min.
 */
const defaultNotFoundTries = 9;

interface Work {
  readonly request: DeliveryRequest<unknown>;
  /** Places in the batch: two doors may bring the same event at once. */
  readonly indexes: number[];
  readonly event: InvoiceEvent;
  readonly flow: LoadedFlow;
}

/**
 * The pseudo-target `intake`: business events in, canonical events accepted and published. For each
 * event: parse → read from F&O → decide targets → `accept` (durable) → `publish`. Every step may be
 * run again for the same event, so a crash between any two of them loses and doubles nothing. Throws
 * only what the ledger or the publisher throws: then nothing of the batch is settled. Creating it throws
 * FLOW_INVALID when the stack's target settings are wrong.
 */
export function createIntakeTarget(options: IntakeTargetOptions): Target<unknown> {
  checkTargetSettings(options.config.targets, options.flows, options.schemas);
  const knownEvents = options.flows.flatMap(({ flow }) => flow.businessEvents);
  // Of this process's last read: while F&O is away a probe is one request, not one for each entity set.
  let wasAway = false;
  const enrich: Enrich = async (events, signal) => {
    const enriched = await enrichInvoices(options.finance, events, signal, { isCareful: wasAway });
    // An aborted read says nothing about F&O.
    if (!isAborted(signal)) wasAway = enriched.some(isAway);
    return enriched;
  };
  return {
    name: "intake",
    deliver: async (requests, signal) => {
      const outcomes: Outcomes = requests.map(() => null);
      const work = new Map<string, Work>();
      requests.forEach((request, index) => {
        const parsed = parseBusinessEvent(request.body, { schemas: options.schemas, knownEvents });
        // It ends in the trigger: no row is ever made for one.
        if (parsed.kind === "test") throw new RangeError("an endpoint test is no delivery");
        if (parsed.kind === "failure") {
          const { code, reason } = parsed;
          outcomes[index] = { kind: "reject", code, reason, asked: false };
        }
        if (parsed.kind !== "invoice") return;
        const { event } = parsed;
        const flow = findFlow(options.flows, event.businessEventId);
        const same = work.get(event.eventId);
        if (same !== undefined) same.indexes.push(index);
        else if (flow !== undefined) {
          work.set(event.eventId, { request, indexes: [index], event, flow });
        }
      });
      await takeIn([...work.values()], outcomes, { ...options, enrich }, signal);
      return outcomes;
    },
  };
}

type Enrich = (
  events: readonly InvoiceEvent[],
  signal: AbortSignal,
) => Promise<readonly Enriched[]>;

function isAway(enriched: Enriched): boolean {
  if (enriched.kind !== "failed") return false;
  return enriched.error.unreachable || enriched.error.code === "FINANCE_TIMEOUT";
}

type Outcomes = (Outcome | null)[];

async function takeIn(
  work: readonly Work[],
  outcomes: Outcomes,
  options: IntakeTargetOptions & { readonly enrich: Enrich },
  signal: AbortSignal,
): Promise<void> {
  if (work.length === 0 || isAborted(signal)) return;
  const events = work.map(({ event }) => event);
  const enriched = await options.enrich(events, signal);
  // An aborted read says nothing about F&O: the engine sends these again as they were.
  if (isAborted(signal)) return;
  const accepted: { readonly work: Work; readonly item: AcceptItem }[] = [];
  for (const [position, each] of work.entries()) {
    const decided = await decide(each, enriched[position], options);
    if ("kind" in decided) settle(each, decided, outcomes);
    else accepted.push({ work: each, item: decided });
  }
  await acceptAndPublish(accepted, outcomes, options);
}

/** An item to accept, or why there is none. */
async function decide(
  work: Work,
  enriched: Enriched | undefined,
  options: IntakeTargetOptions,
): Promise<AcceptItem | Outcome> {
  if (enriched?.kind !== "found") return toOutcome(work.request, enriched, options);
  const built = buildEvent(work.event, enriched.source, {
    flow: work.flow.name,
    defaultDoor: options.config.defaultDoor,
    traceparent: work.request.traceparent,
    schemas: options.schemas,
  });
  if (built.kind === "invalid") {
    return { kind: "reject", code: "SOURCE_INVALID", reason: built.reason };
  }
  const { event, invoice } = built;
  try {
    const now = options.clock.now();
    const targets = await decideTargets(work.flow, event, invoice, options.config, now);
    return { event, targets, customerAccount: invoice.customer.account };
  } catch (error) {
    // An expression of the flow: this event's fault alone.
    const reason = error instanceof Error ? error.message : "a flow's expression failed";
    return { kind: "reject", code: "SOURCE_INVALID", reason: reason.slice(0, 300) };
  }
}

function toOutcome(
  request: DeliveryRequest<unknown>,
  enriched: Exclude<Enriched, { readonly kind: "found" }> | undefined,
  options: IntakeTargetOptions,
): Outcome {
  if (enriched?.kind === "mismatch") {
    return { kind: "reject", code: "SOURCE_MISMATCH", reason: enriched.reason };
  }
  if (enriched?.kind === "failed") return toFinanceOutcome(enriched.error);
  const reason = `${enriched?.missing ?? "F&O"} has no row for the document`;
  const isFinal = request.attempts + 1 >= (options.notFoundTries ?? defaultNotFoundTries);
  return { kind: isFinal ? "reject" : "retry", code: "SOURCE_NOT_FOUND", reason };
}

function toFinanceOutcome(error: FinanceError): Outcome {
  const detail = error.detail === "" ? "" : `: ${error.detail}`;
  const reason = `${error.message}${detail}`;
  return {
    kind: "retry",
    code: error.code,
    reason,
    ...(error.unreachable ? { unreachable: true } : {}),
    ...(error.code === "FINANCE_TIMEOUT" ? { silent: true } : {}),
    ...(error.afterMs === undefined ? {} : { afterMs: error.afterMs }),
  };
}

async function acceptAndPublish(
  accepted: readonly { readonly work: Work; readonly item: AcceptItem }[],
  outcomes: Outcomes,
  options: IntakeTargetOptions,
): Promise<void> {
  if (accepted.length === 0) return;
  const results = await options.ledger.accept(accepted.map(({ item }) => item));
  // What the ledger has goes out, not what was made now: F&O may have changed between two runs.
  const open = results
    .filter(({ openTargets }) => openTargets.length > 0)
    .map(({ event, openTargets }) => ({ event, targets: openTargets }));
  if (open.length > 0) await options.publisher.publish(open);
  for (const { work, item } of accepted) {
    settle(work, { kind: "delivered", reference: item.event.subject }, outcomes);
  }
}

function settle(work: Work, outcome: Outcome, outcomes: Outcomes): void {
  for (const index of work.indexes) outcomes[index] = outcome;
}

/** Read anew: it changes while we wait. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
