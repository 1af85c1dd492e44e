/*
 * What follows from a target's answer (design 8): a row, the answer and the time give the next row. Pure, as
 * all of the policy (policy.ts).
 */
import type { Outcome } from "../targets/target.ts";
import { reachableNow } from "./ledger-rows.ts";
import type { DeliveryRow, DeliveryState } from "./ledger-rows.ts";
import { fail, later, noWorries, onPark, onSkip, withProblem } from "./policy.ts";
import type { Decision, GateReport, Moment } from "./policy.ts";

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/** Tried again inside the same invocation, this many times, before anything is written. */
const quickAttempts = 2;
const ladderMs = [10_000, 30_000, 1, 5, 15, 30].map((step) =>
  step < 1_000 ? step * minuteMs : step,
);
/** A new customer is often minutes behind its invoice; after that hourly, together. */
const earlyWaitsMs = [20 * secondMs, 2 * minuteMs, 15 * minuteMs];
const checksMs = [5, 10, 30, 60, 300, 900].map((seconds) => seconds * secondMs);
const undecidedLimitMs = hourMs;
const longestPatienceMs = hourMs;
const unreadablePatienceMs = 30 * secondMs;

/** A retry that is worth repeating at once: answered, not told to wait, and not yet tried that often. */
export function isQuickRetry(outcome: Outcome, tried: number, earlierAttempts: number): boolean {
  return (
    outcome.kind === "retry" &&
    outcome.afterMs === undefined &&
    outcome.silent !== true &&
    tried <= quickAttempts &&
    earlierAttempts === 0
  );
}

/** Full jitter, so that two instances do not knock together. */
export function quickDelayMs(random: number): number {
  return Math.round(100 + random * 400);
}

export interface CallResult {
  readonly outcome: Outcome;
  readonly how: "deliver" | "confirm";
  /** Calls made for this result: quick attempts count. */
  readonly calls: number;
}

/** What follows from an answer. One for which the target was not called says nothing to its gate. */
export function onOutcome(row: DeliveryRow, result: CallResult, moment: Moment): Decision {
  const decision = toDecision(row, result, moment);
  return wasAsked(result.outcome) ? decision : { ...decision, gate: null };
}

export function wasAsked(outcome: Outcome): boolean {
  const { asked = true }: { readonly kind: string; readonly asked?: boolean } = outcome;
  return asked;
}

function toDecision(row: DeliveryRow, result: CallResult, moment: Moment): Decision {
  const { outcome } = result;
  // A question is no attempt.
  const attempts = result.how === "deliver" ? result.calls : 0;
  switch (outcome.kind) {
    case "delivered":
    case "superseded":
    case "skipped":
      return onSuccess(tried(row, attempts, moment.now), outcome, moment);
    case "wait":
      return onWait(reached(row, moment.now), outcome, moment);
    case "unsure":
      return heard(onUnsure(tried(row, attempts, moment.now), outcome, moment), outcome);
    case "reject":
      return fail(tried(row, attempts, moment.now), outcome.code, outcome.reason, moment, {
        kind: "reached",
      });
    case "retry":
      // A question that nobody answered says nothing about the effect.
      if (outcome.silent === true && result.how === "confirm") {
        const unheard = { kind: "unsure", code: outcome.code } as const;
        return heard(onUnsure(reached(row, moment.now), unheard, moment), outcome);
      }
      if (outcome.unreachable === true) return onUnreachable(row, outcome, moment);
      if (outcome.afterMs !== undefined) {
        return onThrottled(row, outcome, toPatienceMs(outcome.afterMs), moment);
      }
      return heard(onRetry(tried(row, attempts, moment.now), outcome, moment), outcome);
  }
}

/** Without an answer nobody can say that the target was reached. */
function heard(decision: Decision, { silent }: { readonly silent?: boolean }): Decision {
  if (silent !== true) return decision;
  return { ...decision, gate: { kind: "silent", eventId: decision.row.eventId } };
}

type SuccessOutcome = Extract<Outcome, { kind: "delivered" | "superseded" | "skipped" }>;

function onSuccess(row: DeliveryRow, outcome: SuccessOutcome, { now }: Moment): Decision {
  const settled = { ...row, ...noWorries, settledAt: now, code: null, reason: null };
  const gate: GateReport = { kind: "reached" };
  switch (outcome.kind) {
    case "delivered": {
      // The pseudo-target intake has delivered an event when it is published.
      const state: DeliveryState = row.target === "intake" ? "published" : "delivered";
      const { reference, url = null } = outcome;
      return { row: { ...settled, state, reference, url }, then: "settle", gate };
    }
    case "superseded":
      return {
        row: { ...settled, state: "superseded", reference: outcome.reference },
        then: "settle",
        gate,
      };
    case "skipped":
      return onSkip(row, outcome.rule, now, outcome.wouldSend, gate);
  }
}

function onRetry(
  row: DeliveryRow,
  outcome: Extract<Outcome, { kind: "retry" }>,
  moment: Moment,
): Decision {
  const { now, random, settings } = moment;
  const clock = reachableNow(row, now);
  const retryingSince = row.retryingSince ?? clock;
  const leftMs = settings.limitMs - (clock - retryingSince);
  // `confirm` found that nothing happened: from here on it is an ordinary retry.
  const next = { ...withProblem(row, outcome, now), retryingSince, unsureSince: null, checks: 0 };
  if (leftMs <= 0) {
    return fail(next, "RETRIES_EXHAUSTED", `${outcome.code}: ${outcome.reason}`, moment, {
      kind: "reached",
    });
  }
  const step = ladderMs[Math.max(0, row.attempts - 1 - quickAttempts)] ?? hourMs;
  // The last try happens when the time is up, not up to an hour later.
  const delayMs = Math.min(jitter(step, random), Math.max(leftMs, secondMs));
  return later(next, now + delayMs, { kind: "reached" });
}

function onWait(
  row: DeliveryRow,
  outcome: Extract<Outcome, { kind: "wait" }>,
  moment: Moment,
): Decision {
  const { now, random, settings } = moment;
  const clock = reachableNow(row, now);
  const waitingSince = row.waitingSince ?? clock;
  const reason = `missing: ${outcome.missing.join(", ")}`;
  const next = {
    ...withProblem(row, { code: outcome.code, reason }, now),
    waitingSince,
    waits: row.waits + 1,
    missing: outcome.missing,
    retryingSince: null,
  };
  if (clock - waitingSince >= settings.waitForMs) {
    return fail(next, outcome.code, reason, moment, { kind: "reached" });
  }
  const earlyMs = earlyWaitsMs[row.waits];
  if (earlyMs !== undefined) {
    return later(next, now + jitter(earlyMs, random), { kind: "reached" });
  }
  // On the hour, within a minute: those who wait meet in one batch and share one query.
  const nextHour = (Math.floor(now / hourMs) + 1) * hourMs;
  return later(next, nextHour + random * minuteMs, { kind: "reached" });
}

function onUnsure(
  row: DeliveryRow,
  outcome: Extract<Outcome, { kind: "unsure" }>,
  moment: Moment,
): Decision {
  const { now, random } = moment;
  const { reason = "it may have happened" } = outcome;
  const clock = reachableNow(row, now);
  const unsureSince = row.unsureSince ?? clock;
  const next = {
    ...withProblem(row, { code: outcome.code, reason }, now),
    unsureSince,
    checks: row.checks + 1,
    memo: outcome.memo ?? row.memo,
  };
  if (clock - unsureSince >= undecidedLimitMs) {
    return fail(next, "OUTCOME_UNKNOWN", `${outcome.code}: undecided for an hour`, moment, {
      kind: "reached",
    });
  }
  const step = checksMs[row.checks] ?? checksMs.at(-1) ?? hourMs;
  const { checkAfterMs } = outcome;
  const delayMs = checkAfterMs === undefined ? jitter(step, random) : toPatienceMs(checkAfterMs);
  const leftMs = Math.max(undecidedLimitMs - (clock - unsureSince), secondMs);
  return later(next, now + Math.min(delayMs, leftMs), { kind: "reached" });
}

function onUnreachable(
  row: DeliveryRow,
  outcome: Extract<Outcome, { kind: "retry" }>,
  moment: Moment,
): Decision {
  const { now } = moment;
  const { afterMs } = outcome;
  const probeAt = afterMs === undefined ? null : now + toPatienceMs(afterMs);
  const gate: GateReport = { kind: "unreachable", probeAt };
  // The engine sets the time: only the gate knows when the next probe is.
  return onPark(withProblem(row, outcome, now), now, moment, gate);
}

function onThrottled(
  row: DeliveryRow,
  outcome: Extract<Outcome, { kind: "retry" }>,
  afterMs: number,
  moment: Moment,
): Decision {
  const until = moment.now + afterMs;
  const spreadMs = Math.max(secondMs, afterMs / 4) * moment.random;
  return onPark(withProblem(row, outcome, moment.now), until + spreadMs, moment, {
    kind: "throttled",
    until,
  });
}

/** The target answered: the stretch in which nothing counted is over. */
function reached(row: DeliveryRow, now: number): DeliveryRow {
  return {
    ...row,
    awayMs: now - reachableNow(row, now),
    awaySince: null,
    slotAt: null,
    sweeps: 0,
  };
}

function tried(row: DeliveryRow, calls: number, now: number): DeliveryRow {
  return { ...reached(row, now), attempts: row.attempts + calls };
}

/** What a target asks for, within reason: a wrong header must not put a target off for days. */
export function toPatienceMs(afterMs: number): number {
  if (Number.isNaN(afterMs)) return unreadablePatienceMs;
  return Math.min(Math.max(afterMs, 0), longestPatienceMs);
}

/** ±20 %. */
function jitter(ms: number, random: number): number {
  return ms * (0.8 + 0.4 * random);
}
