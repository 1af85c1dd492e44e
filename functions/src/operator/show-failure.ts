import { meaningOf } from "../recovery/failure-codes.ts";
import type { FailureNote, FailureSummary, StoredFailure } from "../recovery/failure.ts";
import type { FailureGroup } from "../recovery/group-failures.ts";
import { maskPersons } from "./mask-persons.ts";
import { mayActAs } from "./operator-role.ts";
import type { Caller } from "./operator-role.ts";

/** Instants as text: the API speaks ISO 8601 only. */
export function showSummary(summary: FailureSummary): Record<string, unknown> {
  return {
    failureId: summary.failureId,
    target: summary.target,
    status: summary.status,
    statusAt: iso(summary.statusAt),
    group: summary.group,
    code: summary.code,
    meaning: meaningOf(summary.code).meaning,
    reason: summary.reason,
    stage: summary.stage,
    owner: summary.owner,
    fixIn: summary.fixIn,
    attempts: summary.attempts,
    firstAt: iso(summary.firstAt),
    lastAt: iso(summary.lastAt),
    eventId: summary.eventId,
    eventTime: summary.time,
    traceId: summary.traceId,
    flow: summary.flow,
    legalEntity: summary.legalEntity,
    businessKey: summary.businessKey,
    missing: summary.missing,
  };
}

export function showGroup(group: FailureGroup): Record<string, unknown> {
  const { meaning } = meaningOf(group.code);
  return { ...group, meaning, firstAt: iso(group.firstAt), lastAt: iso(group.lastAt) };
}

/** The whole story. Names and addresses in the body are for those who may act on it. */
export function showFailure(
  failure: StoredFailure,
  notes: readonly FailureNote[],
  caller: Caller,
): Record<string, unknown> {
  const isMasked = !mayActAs(caller, "Operator");
  return {
    ...showSummary(failure),
    generation: failure.generation,
    effectKey: failure.effectKey,
    replaces: failure.replaces,
    replacedBy: failure.replacedBy,
    replayId: failure.replayId,
    outcome: failure.outcome,
    properties: failure.properties,
    body: isMasked ? maskPersons(failure.body) : failure.body,
    bodyIsMasked: isMasked,
    /** Not null: there was a body, and its retention is over. */
    bodyTakenAt: failure.bodyTakenAt === null ? null : iso(failure.bodyTakenAt),
    notes: notes.map((note) => ({ ...note, at: iso(note.at) })),
  };
}

function iso(instant: number): string {
  return Number.isFinite(instant) ? new Date(instant).toISOString() : "";
}
