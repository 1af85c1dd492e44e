/*
 * The policy of design 8 as pure functions: a row, what happened and the time give the next row and
 * what has to follow. Nothing here reads a clock, draws a number or writes; docs/decisions/0002 has the
 * table state × event → writes, next state. What follows from a target's answer is in on-outcome.ts.
 *
 *   pending ──wake-up──► called ──► delivered | superseded | skipped
 *      ▲                   │  └───► failed (dead letter, failure store)
 *      └── hop+1, dueAt ◄──┘ retry, wait, unsure, parked, not reached, swept
 */
import { toStableId } from "../platform/effect-key.ts";
import { toleratedLagMs } from "./clock-lag.ts";
import { isTerminal, reachableNow } from "./ledger-rows.ts";
import type { DeliveryId, DeliveryRow } from "./ledger-rows.ts";

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

const downLimitMs = 7 * dayMs;
const sweepGraceMs = 15 * minuteMs;
const sweepLimit = 3;

export type Arrival =
  /** Service Bus's clock is ahead of ours: not its turn yet. */
  | { readonly kind: "early" }
  /** Settled, or not ours to do any more. */
  | { readonly kind: "complete" }
  /** An old copy: make sure that the row's own wake-up exists. */
  | { readonly kind: "resendWakeUp" }
  /** Settled as failed; its message to dead-letters may not have been sent. */
  | { readonly kind: "resendFailure" }
  | { readonly kind: "call"; readonly how: "deliver" | "confirm" };

/**
 * What a wake-up means for its row. Whoever sends one early on purpose (the sweep, the end of a pause, a
 * replay) makes the row due then; the first one has no time of its own.
 */
export function onArrival(row: DeliveryRow, hop: number, now: number): Arrival {
  if (row.state === "failed") return { kind: "resendFailure" };
  if (isTerminal(row)) return { kind: "complete" };
  if (hop < row.hop) return { kind: "resendWakeUp" };
  if (hop > 1 && row.dueAt - now > toleratedLagMs) return { kind: "early" };
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
  /** The time to ask Service Bus for, where its clock and ours differ; else when the row is due. */
  readonly askFor?: number;
}

export interface Moment {
  readonly now: number;
  /** 0 ≤ random < 1. */
  readonly random: number;
  readonly settings: PolicySettings;
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

/** Its wake-up came before its time: nothing happens but that it comes again. */
export function onEarly(row: DeliveryRow, askFor: number): Decision {
  return { ...later(row, row.dueAt, null), askFor };
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
export const noWorries = {
  awaySince: null,
  retryingSince: null,
  waitingSince: null,
  unsureSince: null,
  missing: [],
  slotAt: null,
  sweeps: 0,
} as const;

export function later(row: DeliveryRow, dueAt: number, gate: GateReport | null): Decision {
  return { row: { ...row, hop: row.hop + 1, dueAt: Math.round(dueAt) }, then: "later", gate };
}

export function fail(
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

export function withProblem(
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
