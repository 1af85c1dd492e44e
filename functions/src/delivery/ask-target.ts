import { asError, CausewayError } from "../platform/causeway-error.ts";
import { MessagingError } from "../platform/messages.ts";
import { TableError } from "../platform/table-store.ts";
import { NotCalledError } from "../targets/not-called-error.ts";
import type { DeliveryRequest, Outcome } from "../targets/target.ts";
import { inParallel } from "./batch-writes.ts";
import type { CallOptions, Claimed } from "./call-items.ts";
import type { Answered } from "./claim-items.ts";
import type { EngineDependencies } from "./engine.ts";
import type { Lane } from "./lane.ts";
import { isQuickRetry, quickDelayMs } from "./on-outcome.ts";

/** Calls for what is to be delivered, questions for what may have been; an answer for every item. */
export async function askTarget<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  claimed: readonly Claimed<Body>[],
  options: CallOptions,
): Promise<readonly Answered<Body>[]> {
  const delivers = claimed.filter((item) => item.how === "deliver");
  const confirms = claimed.filter((item) => item.how === "confirm");
  // What must not repeat is called alone: then a throw tells whose call it was.
  const groups = lane.repeatable ? [delivers] : delivers.map((item) => [item]);
  const answers: Answered<Body>[] = [];
  const isAlone = !lane.repeatable;
  await inParallel(groups, isAlone ? parallelCalls : 1, async (group) => {
    if (group.length > 0) answers.push(...(await deliverAll(on, lane, group, options)));
  });
  return [...answers, ...(await confirmAll(on, lane, confirms, options))];
}

const parallelCalls = 8;

/** Later than that somebody else may have found the target away, and a repeat would be a probe too many. */
const quickWithinMs = 5_000;

async function deliverAll<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  items: readonly Claimed<Body>[],
  options: CallOptions,
): Promise<readonly Answered<Body>[]> {
  const answered = new Map<Claimed<Body>, Answered<Body>>();
  const lastCalls = new Map<Claimed<Body>, string>();
  const startedAt = on.clock.now();
  let left = items;
  for (let calls = 1; left.length > 0; calls += 1) {
    const outcomes = await deliverOnce(on, lane, left, lastCalls, options.signal);
    const again: Claimed<Body>[] = [];
    for (const [index, item] of left.entries()) {
      const outcome = outcomes[index] ?? null;
      if (outcome === null) {
        // Not reached in a repeat: the answer of the call before stands.
        if (!answered.has(item)) answered.set(item, { item, result: { kind: "notReached" } });
        continue;
      }
      const how = "deliver" as const;
      const result = { kind: "answered", outcome, how, calls, madeFor: null } as const;
      answered.set(item, { item, result });
      const { attempts } = item.row;
      const isEarly = on.clock.now() - startedAt <= quickWithinMs;
      const quick = isEarly && !options.asProbe && !options.signal.aborted;
      if (quick && isQuickRetry(outcome, calls, attempts)) again.push(item);
    }
    left = again;
    if (left.length > 0) await on.clock.sleep(quickDelayMs(on.random()));
  }
  return [...answered.values()].map((each) => withLastCall(each, lastCalls.get(each.item)));
}

async function deliverOnce<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  items: readonly Claimed<Body>[],
  lastCalls: Map<Claimed<Body>, string>,
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
    if (!lane.repeatable && !(error instanceof NotCalledError)) {
      return requests.map(() => toThrownUnsure(on, lane, error));
    }
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
  items: readonly Claimed<Body>[],
  options: CallOptions,
): Promise<readonly Answered<Body>[]> {
  const called: Answered<Body>[] = [];
  await inParallel(items, 8, async (item) => {
    if (options.signal.aborted) {
      called.push({ item, result: { kind: "notReached" } });
      return;
    }
    const hop = startHop(on, lane, item, "confirm");
    const request = toRequest(item, hop.traceparent);
    const answer = await confirmOne(on, lane, request, options.signal);
    hop.end({ success: isFine(answer.outcome), code: answer.outcome.kind });
    const madeFor = item.held?.eventId ?? null;
    const result = { kind: "answered", ...answer, calls: 1, madeFor } as const;
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
    return { outcome: toThrownUnsure(on, lane, error), how: "confirm" };
  }
}

function startHop<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  item: Claimed<Body>,
  how: "deliver" | "confirm",
  lastCall: string | null = item.row.lastCall,
): ReturnType<EngineDependencies["telemetry"]["startHop"]> {
  const { eventId, hop, traceparent } = item.row;
  const target = lane.target.name;
  return on.telemetry.startHop({
    name: `${how} ${target}`,
    parent: traceparent,
    follows: lastCall,
    // The name has the target.
    attributes: { eventId, hop },
  });
}

/** The row's next call is linked to this one. */
function withLastCall<Body>(
  answered: Answered<Body>,
  lastCall: string | undefined,
): Answered<Body> {
  if (lastCall === undefined) return answered;
  const { item } = answered;
  return { ...answered, item: { ...item, row: { ...item.row, lastCall } } };
}

function toRequest<Body>(item: Claimed<Body>, traceparent: string): DeliveryRequest<Body> {
  const { eventId, target, attempts, code, hop, acceptedAt } = item.row;
  return {
    eventId,
    target,
    attempts,
    lastCode: code,
    hop,
    generation: item.held?.generation ?? item.row.generation,
    memo: item.row.memo ?? item.held?.memo ?? null,
    acceptedAt,
    traceparent,
    body: item.body,
  };
}

/** It may have thrown before its call or after it. */
function toThrownUnsure<Body>(on: EngineDependencies, lane: Lane<Body>, thrown: unknown): Outcome {
  on.telemetry.error(asError(thrown), { target: lane.target.name });
  return { kind: "unsure", code: "TARGET_THREW", asked: false };
}

function toThrownOutcome<Body>(on: EngineDependencies, lane: Lane<Body>, thrown: unknown): Outcome {
  const error = asError(thrown instanceof NotCalledError ? thrown.cause : thrown);
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
