/*
 * The policy of design 8 as pure functions: a row, what happened and the time give the next row and
 * what has to follow. Nothing here reads a clock, draws a number or writes; docs/decisions/0002 has the
 * table state × event → writes, next state.
 *
 *   pending ──wake-up──► called ──► delivered | superseded | skipped
 *      ▲                   │  └───► failed (dead letter, failure store)
 *      └── hop+1, dueAt ◄──┘ retry, wait, unsure, parked, not reached, swept
 */
import type { Outcome } from "../targets/target.ts";
import { toStableId } from "../platform/effect-key.ts";
import { isTerminal, reachableNow } from "./ledger-rows.ts";
import type { DeliveryId, DeliveryRow, DeliveryState } from "./ledger-rows.ts";

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

export interface PolicySettings {
  /** Reachable time after the first retry before RETRIES_EXHAUSTED. */
  readonly limitMs: number;
  /** Reachable time that a missing master record is waited for. */
  readonly waitForMs: number;
}

export const defaultSettings: PolicySettings = { limitMs: 24 * hourMs, waitForMs: 5 * dayMs };

/** Tried again inside the same invocation, this many times, before anything is written. */
const quickAttempts = 2;
const ladderMs = [10_000, 30_000, 1, 5, 15, 30].map((step) =>
  step < 1_000 ? step * minuteMs : step,
);
/** A new customer is often minutes behind its invoice; after that hourly, together. */
const earlyWaitsMs = [20 * secondMs, 2 * minuteMs, 15 * minuteMs];
const checksMs = [5, 10, 30, 60, 300, 900].map((seconds) => seconds * secondMs);
const undecidedLimitMs = hourMs;
const downLimitMs = 7 * dayMs;
const longestPatienceMs = hourMs;
const unreadablePatienceMs = 30 * secondMs;
const sweepGraceMs = 15 * minuteMs;
const sweepLimit = 3;

export type Arrival =
  /** Settled, or not ours to do any more. */
  | { readonly kind: "complete" }
  /** An old copy: make sure that the row's own wake-up exists. */
  | { readonly kind: "resendWakeUp" }
  /** Settled as failed; its message to dead-letters may not have been sent. */
  | { readonly kind: "resendFailure" }
  | { readonly kind: "call"; readonly how: "deliver" | "confirm" };

/** What a wake-up means for its row. */
export function onArrival(row: DeliveryRow, hop: number): Arrival {
  if (row.state === "failed") return { kind: "resendFailure" };
  if (isTerminal(row)) return { kind: "complete" };
  if (hop < row.hop) return { kind: "resendWakeUp" };
  return { kind: "call", how: row.unsureSince === null ? "deliver" : "confirm" };
}

/** What a decision tells everybody about the target. */
export type GateReport =
  | { readonly kind: "reached" }
  | { readonly kind: "throttled"; readonly until: number }
  /** This delivery's call arrived and was not answered. */
  | { readonly kind: "silent"; readonly eventId: string }
  | { readonly kind: "unreachable"; readonly probeAt: number | null };

export interface Decision {
  readonly row: DeliveryRow;
  /** `settle`: done, remove from `open`. `later`: send the row's wake-up. `fail`: send to dead-letters. */
  readonly then: "settle" | "later" | "fail";
  readonly gate: GateReport | null;
}

export interface Moment {
  readonly now: number;
  /** 0 ≤ random < 1. */
  readonly random: number;
  readonly settings: PolicySettings;
}

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

/** A named rule says that this target does not get the event. */
export function onSkip(
  row: DeliveryRow,
  rule: string,
  now: number,
  wouldSend?: unknown,
  gate: GateReport | null = null,
): Decision {
  return {
    row: {
      ...row,
      ...noWorries,
      state: "skipped",
      rule,
      wouldSend: wouldSend === undefined ? null : JSON.stringify(wouldSend),
      settledAt: now,
    },
    then: "settle",
    gate,
  };
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

/**
 * Put off because the target is away or told us to wait: costs no attempt and no time. Seven days of it
 * without a single answer is TARGET_DOWN.
 */
export function onPark(
  row: DeliveryRow,
  dueAt: number,
  moment: Moment,
  gate: GateReport | null = null,
): Decision {
  // Time spent waiting for a place in the budget says nothing about the target.
  const { awaySince: since } = row.slotAt === null ? row : { awaySince: null };
  const awaySince = since ?? moment.now;
  const awayMs = since === null ? moment.now - reachableNow(row, moment.now) : row.awayMs;
  const next = { ...row, awaySince, awayMs, slotAt: null };
  if (moment.now - awaySince >= downLimitMs) {
    const last = row.code === null ? "" : `, last answer ${row.code}`;
    return fail(next, "TARGET_DOWN", `not reached for seven days${last}`, moment, gate);
  }
  return later(next, dueAt, gate);
}

/**
 * Put off because it is not its turn: no place in the budget before `slotAt`, or (null) somebody else is
 * at the same document, the budget's places are all given away, or a person paused the target. Costs neither attempts nor time, and
 * no part of it is an outage's: the stretch begins anew.
 */
export function onHold(
  row: DeliveryRow,
  dueAt: number,
  slotAt: number | null,
  moment: Moment,
): Decision {
  const { now } = moment;
  const awayMs = now - reachableNow(row, now);
  return later({ ...row, slotAt, awayMs, awaySince: now }, dueAt, null);
}

const resumeSpreadMs = minuteMs;

/**
 * The target is called again after a person's pause: whoever was put off comes at once, spread out. Null
 * for one that waits for something else: its own retry, a place in the budget, or no long time any more.
 */
export function onResume(row: DeliveryRow, moment: Moment): Decision | null {
  const isPutOff = row.awaySince !== null && row.slotAt === null;
  if (isTerminal(row) || !isPutOff || row.dueAt <= moment.now + resumeSpreadMs) return null;
  return later(row, moment.now + moment.random * resumeSpreadMs, null);
}

/** The batch's time ran out before this one was called: at once again, as its own hop. */
export function onNotReached(row: DeliveryRow, now: number): Decision {
  return later(row, now, null);
}

export type SweepDecision =
  { readonly kind: "leave" } | { readonly kind: "act"; readonly decision: Decision };

/** A delivery whose wake-up is long overdue gets a new one; after three it is a failure. */
export function onSweep(row: DeliveryRow, moment: Moment): SweepDecision {
  const { now } = moment;
  if (isTerminal(row) || now - row.dueAt < sweepGraceMs) return { kind: "leave" };
  if (row.sweeps >= sweepLimit) {
    const reason = `no wake-up arrived, ${sweepLimit} new ones were sent`;
    return { kind: "act", decision: fail(row, "STUCK", reason, moment, null) };
  }
  return { kind: "act", decision: later({ ...row, sweeps: row.sweeps + 1 }, now, null) };
}

/** Service Bus gave up on the delivery's message. */
export function onDeadLettered(row: DeliveryRow, reason: string, moment: Moment): Decision {
  return fail(row, "DEAD_LETTERED", reason, moment, null);
}

/** The same failure has the same id however often it is told; a replay's is a new one. */
export function toFailureId(id: DeliveryId, generation: number): string {
  return toStableId("failure", id.eventId, id.target, generation);
}

/** Fields that a settled row does not need any more. */
const noWorries = {
  awaySince: null,
  retryingSince: null,
  waitingSince: null,
  unsureSince: null,
  missing: [],
  slotAt: null,
  sweeps: 0,
} as const;

function later(row: DeliveryRow, dueAt: number, gate: GateReport | null): Decision {
  return { row: { ...row, hop: row.hop + 1, dueAt: Math.round(dueAt) }, then: "later", gate };
}

function fail(
  row: DeliveryRow,
  code: string,
  reason: string,
  moment: Moment,
  gate: GateReport | null,
): Decision {
  const failureId = toFailureId(row, row.generation);
  return {
    row: {
      ...withProblem(row, { code, reason }, moment.now),
      awaySince: null,
      slotAt: null,
      state: "failed",
      failureId,
      settledAt: moment.now,
    },
    then: "fail",
    gate,
  };
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

function withProblem(
  row: DeliveryRow,
  problem: { readonly code: string; readonly reason: string },
  now: number,
): DeliveryRow {
  return {
    ...row,
    code: problem.code,
    reason: problem.reason.slice(0, 1_024),
    firstFailedAt: row.firstFailedAt ?? now,
    lastFailedAt: now,
  };
}

/** What a target asks for, within reason: a wrong header must not put a target off for days. */
function toPatienceMs(afterMs: number): number {
  if (Number.isNaN(afterMs)) return unreadablePatienceMs;
  return Math.min(Math.max(afterMs, 0), longestPatienceMs);
}

/** ±20 %. */
function jitter(ms: number, random: number): number {
  return ms * (0.8 + 0.4 * random);
}
