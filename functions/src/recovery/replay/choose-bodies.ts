import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import { inParallel } from "../../delivery/batch-writes.ts";
import { isWithoutBody } from "../../delivery/ledger-bodies.ts";
import { intakeTarget } from "../../delivery/ledger-keys.ts";
import type { DeliveryId } from "../../delivery/ledger-rows.ts";
import type { Ledger } from "../../delivery/ledger.ts";
import { restOf } from "../../delivery/stored-delivery.ts";
import type { EventRest, StoredDelivery } from "../../delivery/stored-delivery.ts";
import { allRead, diffEvents } from "./diff-events.ts";
import { readChanges } from "./read-changes.ts";
import { rebuildEvents } from "./rebuild-events.ts";
import type { Rebuilt } from "./rebuild-events.ts";
import type { EventChange, ReplayJob } from "./replay-job.ts";
import { parallel } from "./replay-work.ts";
import type { BeginDependencies, Work } from "./replay-work.ts";

export type Body =
  | {
      readonly kind: "event";
      readonly event: CanonicalEvent;
      /** Against what was accepted, for people to see. */
      readonly changes: readonly EventChange[];
      /** Whoever sends it again would read something else in the ledger. */
      readonly mustKeep: boolean;
    }
  | {
      readonly kind: "raw";
      readonly raw: unknown;
      readonly identity: Pick<DeliveryId, "eventId" | "time">;
    }
  /** The accepted event's retention is over: F&O has to be read for it. */
  | { readonly kind: "rest"; readonly rest: EventRest }
  | Exclude<Rebuilt, { readonly kind: "event" }>;

export interface HowToRead {
  readonly signal: AbortSignal;
  /** One document is asked for, and that F&O gives no answer is that document's own matter. */
  readonly isItsOwnMatter: boolean;
}

/** What is sent for each: as it was accepted, or as F&O has it now. */
export async function chooseBodies(
  on: BeginDependencies,
  job: ReplayJob,
  works: readonly Work[],
  how: HowToRead,
): Promise<ReadonlyMap<Work, Body>> {
  const bodies = new Map<Work, Body>();
  const known = new Map<Work, CanonicalEvent | EventRest>();
  await inParallel(works, parallel, async (work) => {
    const body = await readBody(on, job, work);
    if (body.kind === "event") known.set(work, body.event);
    if (body.kind === "rest") known.set(work, body.rest);
    bodies.set(work, body);
  });
  if (job.options.asStored || known.size === 0) return bodies;
  const old = [...known].map(([{ stored }, event]) => ({ event, stored }));
  const rebuilt = await rebuildEvents(on, old, how.signal);
  await inParallel([...[...known].entries()], parallel, async ([index, [work, before]]) => {
    const after = rebuilt[index];
    if (after?.kind === "event") bodies.set(work, await toChanged(on, work, before, after.event));
    else if (after !== undefined) bodies.set(work, decide(after, how));
  });
  return bodies;
}

/** Away is away for everybody; no answer in the time that there is may be one document's matter. */
function decide(body: Exclude<Body, { readonly kind: "event" }>, how: HowToRead): Body {
  if (!how.isItsOwnMatter || body.kind !== "later") return body;
  if (!how.signal.aborted && body.code !== "FINANCE_TIMEOUT") return body;
  const reason = "F&O answers for other documents, and not for this one in the time that it has";
  return { kind: "refused", code: "FINANCE_TIMEOUT", reason };
}

/** `before` may be what an earlier replay sent, or what this one kept before a crash. */
async function toChanged(
  { ledger }: BeginDependencies,
  { stored }: Work,
  before: CanonicalEvent | EventRest,
  event: CanonicalEvent,
): Promise<Body> {
  if (!("data" in before)) {
    return { kind: "event", event, changes: allRead, mustKeep: true };
  }
  const changes = await readChanges(ledger, stored, before.id, event);
  return { kind: "event", event, changes, mustKeep: diffEvents(before, event).length > 0 };
}

/** As the ledger has it; a failure whose event never came that far has it itself. */
async function readBody(on: BeginDependencies, job: ReplayJob, work: Work): Promise<Body> {
  const { item, id, stored } = work;
  try {
    if (item.target === intakeTarget) return await readRaw(on, work);
    if (id === null)
      return { kind: "refused", code: "UNREADABLE_MESSAGE", reason: "it names no event" };
    const event = await on.ledger.carriedBy(stored, id.eventId);
    return { kind: "event", event, changes: [], mustKeep: false };
  } catch (error) {
    if (!isWithoutBody(error)) throw error;
    const isAsked = !job.options.asStored && item.target !== intakeTarget;
    const rest = isAsked && id !== null ? restOf(stored, id) : undefined;
    if (rest !== undefined) return { kind: "rest", rest };
    return { kind: "refused", code: error.code, reason: error.message };
  }
}

async function readRaw(on: BeginDependencies, work: Work): Promise<Body> {
  const { item, id, stored, version } = work;
  if (id !== null && version !== undefined) return readStoredRaw(on.ledger, id, stored);
  const failure = await on.failures.get(item.target, item.failureId);
  if (failure !== undefined && failure.bodyTakenAt !== null) {
    const reason = "the retention of its body is over; send the event again from F&O";
    return { kind: "refused", code: "BODY_RETENTION_OVER", reason };
  }
  const raw = parseOr(failure?.body ?? "");
  const parsed = on.parse(raw);
  // Intake would acknowledge it and make no row: nothing would ever say how it ended.
  if (parsed.kind === "test") {
    const reason = "an endpoint test of F&O has nothing to deliver; discard it";
    return { kind: "refused", code: "ENDPOINT_TEST", reason };
  }
  if (parsed.kind === "invoice") return { kind: "raw", raw, identity: parsed.event };
  const { code, identity, reason } = parsed;
  if (identity === null) return { kind: "refused", code, reason };
  return { kind: "raw", raw, identity };
}

export async function readStoredRaw(
  ledger: Pick<Ledger, "rawOf">,
  id: DeliveryId,
  stored: StoredDelivery,
): Promise<Extract<Body, { readonly kind: "raw" }>> {
  const raw = JSON.parse(await ledger.rawOf(stored, id.eventId)) as unknown;
  return { kind: "raw", raw, identity: id };
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
