import { asError, CausewayError } from "../platform/causeway-error.ts";
import { MessagingError } from "../platform/messages.ts";
import { TableError } from "../platform/table-store.ts";
import type { DeliveryRequest, Outcome } from "../targets/target.ts";
import { inParallel } from "./batch-writes.ts";
import type { ClaimId } from "./claims.ts";
import type { EngineDependencies, Ready } from "./engine.ts";
import type { Lane } from "./lane.ts";
import { isQuickRetry, quickDelayMs } from "./policy.ts";

export interface Called<Body> {
  readonly item: Ready<Body>;
  readonly result:
    | {
        readonly kind: "answered";
        readonly outcome: Outcome;
        readonly how: "deliver" | "confirm";
        readonly calls: number;
      }
    /** Time ran out before its turn. */
    | { readonly kind: "notReached" }
    /** The document's effect exists: made for this event or for another one. */
    | { readonly kind: "duplicate"; readonly of: string; readonly reference: string }
    /** No place in the budget, or somebody else is at it. */
    | { readonly kind: "later"; readonly dueAt: number; readonly slotAt: number | null };
}

export interface CallOptions {
  readonly signal: AbortSignal;
  /** One call and no quick repeats: the target is probably away. */
  readonly asProbe: boolean;
}

/** A place this near is worth holding the message for. */
const placeToleranceMs = 250;
const askAgainSpreadMs = 3_600_000;

/** Calls the target for what budgets and claims allow; a result for every item. */
export async function callItems<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  ready: readonly Ready<Body>[],
  options: CallOptions,
): Promise<readonly Called<Body>[]> {
  const results: Called<Body>[] = [];
  const placed = await reservePlaces(on, lane, ready, results);
  const claimed = await takeClaims(on, lane, placed, results);
  const confirms = claimed.filter((item) => item.how === "confirm");
  const delivers = claimed.filter((item) => item.how === "deliver");
  const answers = [
    ...(delivers.length === 0 ? [] : await deliverAll(on, lane, delivers, options)),
    ...(await confirmAll(on, lane, confirms, options)),
  ];
  await settleClaims(on, lane, answers);
  return [...results, ...answers];
}

/** Those whose turn it is; the others get their time. Questions (`confirm`) use up no budget. */
async function reservePlaces<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  ready: readonly Ready<Body>[],
  results: Called<Body>[],
): Promise<readonly Ready<Body>[]> {
  const needing = ready.filter((item) => item.how === "deliver" && item.row.slotAt === null);
  if (needing.length === 0) return ready;
  const places = await on.budgets.reserve(lane.target.name, lane.budget, needing.length);
  const soon = on.clock.now() + placeToleranceMs;
  const late = new Set<Ready<Body>>();
  for (const [index, item] of needing.entries()) {
    const place = places[index];
    if (place === undefined || (place.isReserved && place.at <= soon)) continue;
    late.add(item);
    const { at, isReserved } = place;
    // Without a reservation all get the same time; they must not all ask again at it.
    const dueAt = isReserved ? at : at + on.random() * askAgainSpreadMs;
    results.push({ item, result: { kind: "later", dueAt, slotAt: isReserved ? at : null } });
  }
  return ready.filter((item) => !late.has(item));
}

async function takeClaims<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  placed: readonly Ready<Body>[],
  results: Called<Body>[],
): Promise<readonly Ready<Body>[]> {
  if (lane.repeatable) return placed;
  const claimed: Ready<Body>[] = [];
  await inParallel(placed, 8, async (item) => {
    if (item.how === "confirm") {
      claimed.push(item);
      return;
    }
    const claim = await on.claims.take(toClaimId(lane, item), on.clock.now());
    switch (claim.kind) {
      case "taken":
        claimed.push(item);
        break;
      case "lapsed":
        claimed.push({ ...item, how: "confirm" });
        break;
      case "done": {
        const { eventId: of, reference } = claim;
        results.push({ item, result: { kind: "duplicate", of, reference } });
        break;
      }
      case "busy": {
        const { slotAt } = item.row;
        results.push({ item, result: { kind: "later", dueAt: claim.until + 1_000, slotAt } });
      }
    }
  });
  return claimed;
}

function toClaimId<Body>(lane: Lane<Body>, item: Ready<Body>): ClaimId {
  const { eventId, generation } = item.row;
  const effectKey = lane.effectKeyOf(item.body);
  return { target: lane.target.name, effectKey, eventId, generation };
}

async function deliverAll<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  items: readonly Ready<Body>[],
  options: CallOptions,
): Promise<readonly Called<Body>[]> {
  const answered = new Map<Ready<Body>, Called<Body>>();
  const lastCalls = new Map<Ready<Body>, string>();
  let left = items;
  for (let calls = 1; left.length > 0; calls += 1) {
    const outcomes = await deliverOnce(on, lane, left, lastCalls, options.signal);
    const again: Ready<Body>[] = [];
    for (const [index, item] of left.entries()) {
      const outcome = outcomes[index] ?? null;
      if (outcome === null) {
        // Not reached in a repeat: the answer of the call before stands.
        if (!answered.has(item)) answered.set(item, { item, result: { kind: "notReached" } });
        continue;
      }
      const how = "deliver" as const;
      answered.set(item, { item, result: { kind: "answered", outcome, how, calls } });
      const { attempts } = item.row;
      const quick = !options.asProbe && !options.signal.aborted;
      if (quick && isQuickRetry(outcome, calls, attempts)) again.push(item);
    }
    left = again;
    if (left.length > 0) await on.clock.sleep(quickDelayMs(on.random()));
  }
  return [...answered.values()].map((called) => withLastCall(called, lastCalls.get(called.item)));
}

async function deliverOnce<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  items: readonly Ready<Body>[],
  lastCalls: Map<Ready<Body>, string>,
  signal: AbortSignal,
): Promise<readonly (Outcome | null)[]> {
  if (signal.aborted) return items.map(() => null);
  const hops = items.map((item) => {
    const hop = startHop(on, lane, item, "deliver", lastCalls.get(item));
    lastCalls.set(item, hop.traceparent);
    return hop;
  });
  const requests = items.map((item, index) =>
    toRequest(item, hops[index]?.traceparent ?? item.row.traceparent),
  );
  const outcomes = await on.budgets.inFlight(lane.target.name, lane.budget, () =>
    deliverGuarded(on, lane, requests, signal),
  );
  for (const [index, hop] of hops.entries()) {
    const outcome = outcomes[index] ?? null;
    hop.end({ success: isFine(outcome), code: outcome?.kind ?? "notReached" });
  }
  return outcomes;
}

/** A target that throws breaks its contract: the row at fault gets a retry, the others their answers. */
async function deliverGuarded<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  requests: readonly DeliveryRequest<Body>[],
  signal: AbortSignal,
): Promise<readonly (Outcome | null)[]> {
  try {
    return await lane.target.deliver(requests, signal);
  } catch (error) {
    if (isInfrastructure(error)) throw error;
    if (requests.length === 1) return [toThrownOutcome(on, lane, error)];
    const outcomes: (Outcome | null)[] = [];
    for (const request of requests) {
      const [outcome = null] = await deliverGuarded(on, lane, [request], signal);
      outcomes.push(outcome);
    }
    return outcomes;
  }
}

async function confirmAll<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  items: readonly Ready<Body>[],
  options: CallOptions,
): Promise<readonly Called<Body>[]> {
  const called: Called<Body>[] = [];
  await inParallel(items, 8, async (item) => {
    if (options.signal.aborted) {
      called.push({ item, result: { kind: "notReached" } });
      return;
    }
    const hop = startHop(on, lane, item, "confirm");
    const request = toRequest(item, hop.traceparent);
    const answer = await confirmOne(on, lane, request, options.signal);
    hop.end({ success: isFine(answer.outcome), code: answer.outcome.kind });
    const result = { kind: "answered", ...answer, calls: 1 } as const;
    called.push(withLastCall({ item, result }, hop.traceparent));
  });
  return called;
}

async function confirmOne<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  request: DeliveryRequest<Body>,
  signal: AbortSignal,
): Promise<{ readonly outcome: Outcome; readonly how: "deliver" | "confirm" }> {
  try {
    if (lane.target.confirm !== undefined) {
      return { outcome: await lane.target.confirm(request, signal), how: "confirm" };
    }
    if (!lane.repeatable) {
      const outcome = { kind: "unsure", code: "NOT_CONFIRMABLE", asked: false } as const;
      return { outcome, how: "confirm" };
    }
    // A repeatable effect needs no question: doing it again decides.
    const [outcome = null] = await lane.target.deliver([request], signal);
    if (outcome !== null) return { outcome, how: "deliver" };
    const unreached = { kind: "unsure", code: "NOT_REACHED", checkAfterMs: 0 } as const;
    return { outcome: { ...unreached, asked: false }, how: "confirm" };
  } catch (error) {
    if (isInfrastructure(error)) throw error;
    on.telemetry.error(asError(error), { target: lane.target.name });
    return { outcome: { kind: "unsure", code: "TARGET_THREW", asked: false }, how: "confirm" };
  }
}

async function settleClaims<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  answers: readonly Called<Body>[],
): Promise<void> {
  if (lane.repeatable) return;
  await inParallel(answers, 8, async ({ item, result }) => {
    const id = toClaimId(lane, item);
    if (result.kind === "notReached" && item.how === "deliver") {
      await on.claims.settle(id, { state: "free" });
    }
    if (result.kind !== "answered") return;
    const { outcome, how } = result;
    if (outcome.kind === "delivered" || outcome.kind === "superseded") {
      await on.claims.settle(id, { state: "done", reference: outcome.reference });
    } else if (isSurelyAbsent(outcome, how)) {
      await on.claims.settle(id, { state: "free" });
    }
  });
}

/** A question that got no answer says nothing about the effect. */
function isSurelyAbsent(outcome: Outcome, how: "deliver" | "confirm"): boolean {
  if (outcome.kind === "unsure") return false;
  if (outcome.kind !== "retry" || how === "deliver") return true;
  return outcome.unreachable !== true && outcome.afterMs === undefined;
}

function startHop<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  item: Ready<Body>,
  how: "deliver" | "confirm",
  lastCall: string | null = item.row.lastCall,
): ReturnType<EngineDependencies["telemetry"]["startHop"]> {
  const { eventId, hop, traceparent } = item.row;
  const target = lane.target.name;
  return on.telemetry.startHop({
    name: `${how} ${target}`,
    parent: traceparent,
    follows: lastCall,
    attributes: { eventId, target, hop },
  });
}

/** The row's next call is linked to this one. */
function withLastCall<Body>(called: Called<Body>, lastCall: string | undefined): Called<Body> {
  if (lastCall === undefined) return called;
  return { ...called, item: { ...called.item, row: { ...called.item.row, lastCall } } };
}

function toRequest<Body>(item: Ready<Body>, traceparent: string): DeliveryRequest<Body> {
  const { eventId, target, attempts, hop, generation, memo, acceptedAt } = item.row;
  return {
    eventId,
    target,
    attempts,
    hop,
    generation,
    memo,
    acceptedAt,
    traceparent,
    body: item.body,
  };
}

function toThrownOutcome<Body>(on: EngineDependencies, lane: Lane<Body>, thrown: unknown): Outcome {
  const error = asError(thrown);
  on.telemetry.error(error, { target: lane.target.name });
  if (isPermanent(error)) {
    return { kind: "reject", code: error.code, reason: error.message, asked: false };
  }
  return toThrownRetry(error);
}

/** Something of ours threw; nobody knows whether the target was called, so its gate learns nothing. */
export function toThrownRetry(error: Error): Outcome {
  // The message may quote the document; the name does not.
  return { kind: "retry", code: "TARGET_THREW", reason: error.name, asked: false };
}

function isPermanent(error: Error): error is CausewayError {
  return error instanceof CausewayError && error.fate === "permanent";
}

/** Ours, not the target's: the trigger puts the whole message off. */
function isInfrastructure(error: unknown): boolean {
  return error instanceof TableError || error instanceof MessagingError;
}

function isFine(outcome: Outcome | null): boolean {
  return outcome !== null && outcome.kind !== "retry" && outcome.kind !== "reject";
}
