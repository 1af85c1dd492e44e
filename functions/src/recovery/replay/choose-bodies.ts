import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import { inParallel } from "../../delivery/batch-writes.ts";
import { isWithoutBody } from "../../delivery/ledger-bodies.ts";
import { intakeTarget } from "../../delivery/ledger-keys.ts";
import type { DeliveryId } from "../../delivery/ledger-rows.ts";
import type { EventRest, Versioned } from "../../delivery/ledger.ts";
import { allRead, diffEvents } from "./diff-events.ts";
import { rebuildEvents } from "./rebuild-events.ts";
import type { Rebuilt } from "./rebuild-events.ts";
import type { EventChange, ReplayItem, ReplayJob } from "./replay-job.ts";
import { parallel } from "./replay-work.ts";
import type { BeginDependencies, Work } from "./replay-work.ts";

export type Body =
  | {
      readonly kind: "event";
      readonly event: CanonicalEvent;
      readonly changes: readonly EventChange[];
    }
  | { readonly kind: "raw"; readonly raw: unknown }
  /** The accepted event's retention is over: F&O has to be read for it. */
  | { readonly kind: "rest"; readonly rest: EventRest }
  | Exclude<Rebuilt, { readonly kind: "event" }>;

/** What is sent for each: as it was accepted, or as F&O has it now. */
export async function chooseBodies(
  on: BeginDependencies,
  job: ReplayJob,
  works: readonly Work[],
  signal: AbortSignal,
): Promise<ReadonlyMap<Work, Body>> {
  const bodies = new Map<Work, Body>();
  const stored = new Map<Work, CanonicalEvent | EventRest>();
  await inParallel(works, parallel, async (work) => {
    const body = await readBody(on, job, work);
    if (body.kind === "event") stored.set(work, body.event);
    if (body.kind === "rest") stored.set(work, body.rest);
    bodies.set(work, body);
  });
  if (job.options.asStored || stored.size === 0) return bodies;
  const rebuilt = await rebuildEvents(on, [...stored.values()], signal);
  for (const [index, [work, before]] of [...stored].entries()) {
    const after = rebuilt[index];
    if (after?.kind === "event") {
      const changes = "data" in before ? diffEvents(before, after.event) : allRead;
      bodies.set(work, { ...after, changes });
    } else if (after !== undefined) bodies.set(work, after);
  }
  return bodies;
}

/** As the ledger has it; a failure whose event never came that far has it itself. */
async function readBody(
  on: BeginDependencies,
  job: ReplayJob,
  { item, id, version }: Work,
): Promise<Body> {
  try {
    if (item.target === intakeTarget) return await readRaw(on, item, id, version);
    if (id === null)
      return { kind: "refused", code: "UNREADABLE_MESSAGE", reason: "it names no event" };
    return { kind: "event", event: await on.ledger.loadDeliveryBody(id), changes: [] };
  } catch (error) {
    if (!isWithoutBody(error)) throw error;
    const isAsked = !job.options.asStored && item.target !== intakeTarget;
    const rest = isAsked && id !== null ? await on.ledger.loadRest(id.eventId, id.time) : undefined;
    if (rest !== undefined) return { kind: "rest", rest };
    return { kind: "refused", code: error.code, reason: error.message };
  }
}

async function readRaw(
  on: BeginDependencies,
  item: ReplayItem,
  id: DeliveryId | null,
  version: Versioned | undefined,
): Promise<Body> {
  if (id !== null && version !== undefined) {
    return {
      kind: "raw",
      raw: JSON.parse(await on.ledger.loadRaw(id.eventId, id.time)) as unknown,
    };
  }
  const failure = await on.failures.get(item.target, item.failureId);
  if (failure !== undefined && failure.bodyTakenAt !== null) {
    const reason = "the retention of its body is over; send the event again from F&O";
    return { kind: "refused", code: "BODY_RETENTION_OVER", reason };
  }
  const raw = parseOr(failure?.body ?? "");
  const parsed = on.parse(raw);
  if (parsed.kind !== "failure" || parsed.identity !== null) return { kind: "raw", raw };
  return { kind: "refused", code: parsed.code, reason: parsed.reason };
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
