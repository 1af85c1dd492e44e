import type { FailureMeaning, FailureOwner } from "./failure-codes.ts";

export interface Failure {
  readonly failureId: string;
  readonly code: string;
  readonly reason: string;
  readonly stage: "intake" | "delivery" | "transport";
  readonly target: string;
  readonly attempts: number;
  /** Epoch ms of the first and the last call that failed. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** Empty when the message names no event. */
  readonly eventId: string;
  readonly time: string;
  readonly traceId: string;
  /** Empty when none is known: no flow takes the event, or the message cannot be read. */
  readonly flow: string;
  readonly legalEntity: string;
  /** What people call it: the document's number, or the best that is known. */
  readonly businessKey: string;
  readonly effectKey: string;
  readonly generation: number;
  /** The failure whose replay ended in this one; empty for a first one. */
  readonly replaces: string;
  readonly missing: readonly string[];
  /** The message's body and properties as they were found. */
  readonly body: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/**
 * open ──replay──► replaying ──► resolved (delivered, superseded, or skipped by a rule)
 *   ▲                  │ └─────► replaced (failed again: a new failure is open, each names the other)
 *   └── given back ◄───┘ (the replay was cancelled before it was sent)
 *   ├──────────────► replaced (of an event that intake saw after all: undelivered.ts)
 *   └──────────────► discarded (a person decided)
 */
export type FailureStatus = "open" | "replaying" | "resolved" | "replaced" | "discarded";

export const failureStatuses: readonly FailureStatus[] = [
  "open",
  "replaying",
  "resolved",
  "replaced",
  "discarded",
];

/** What lists show, and all that deciding about many failures needs. */
export interface FailureSummary extends Pick<
  Failure,
  | "failureId"
  | "target"
  | "code"
  | "reason"
  | "stage"
  | "attempts"
  | "firstAt"
  | "lastAt"
  | "eventId"
  | "time"
  | "traceId"
  | "flow"
  | "legalEntity"
  | "businessKey"
  | "missing"
> {
  readonly group: string;
  readonly owner: FailureOwner;
  readonly fixIn: FailureMeaning["fixIn"];
  readonly status: FailureStatus;
  /** When the status was last changed, epoch ms. */
  readonly statusAt: number;
}

export interface StoredFailure extends Failure, FailureSummary {
  /** When its body was taken because its retention was over, epoch ms; null: it has it. */
  readonly bodyTakenAt: number | null;
  /** The replay that has it or had it last; empty for none. */
  readonly replayId: string;
  /** The failure that its replay ended in; empty for none. */
  readonly replacedBy: string;
  /** How the replay ended, or why it was discarded; empty for none. */
  readonly outcome: string;
}

export interface FailureNote {
  readonly at: number;
  readonly by: string;
  readonly text: string;
}
