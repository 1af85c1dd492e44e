import type { FailureSummary } from "../failure.ts";
import type { FailureFilter } from "../find-failures.ts";

/**
 * planning ──► running ⇄ paused ──► done
 *    │            ├── too large a share of a step failed again, or F&O's answers forbid it ──► stopped
 *    └────────────┴── a person said so ──► cancelled
 *
 * What was sent before a replay stopped or was cancelled is still followed until it settles (`isFollowed`).
 */
export type ReplayState = "planning" | "running" | "paused" | "done" | "stopped" | "cancelled";

export function isEnded(state: ReplayState): boolean {
  return state === "done" || state === "stopped" || state === "cancelled";
}

export interface WindowSelection {
  /** Epoch ms of the business event's time; `to` is not part of it. */
  readonly from: number;
  readonly to: number;
  readonly target: string;
  /** Deliveries that a rule skipped too, for when the rule has changed since. */
  readonly includeSkipped: boolean;
}

export type Selection =
  | { readonly kind: "ids"; readonly ids: readonly { target: string; failureId: string }[] }
  | { readonly kind: "filter"; readonly filter: FailureFilter }
  | { readonly kind: "all" }
  | ({ readonly kind: "window" } & WindowSelection);

export interface ReplayOptions {
  /** Sends the event as it was accepted instead of reading F&O again. */
  readonly asStored: boolean;
  readonly perSecond: number;
  /** How many are sent before the outcome is looked at; the last one repeats. */
  readonly steps: readonly number[];
  /** 0 to 1: more of a step than this failing again stops the replay. */
  readonly stopShare: number;
}

/** How the items of a step, or of the whole replay, stand. */
export interface ReplayCounts {
  readonly planned: number;
  /** Sent, and the target has not answered for good. */
  readonly underWay: number;
  readonly delivered: number;
  readonly skipped: number;
  readonly failedAgain: number;
  /** Not sent at all; the failure says why. */
  readonly refused: number;
}

export interface ReplayStep extends ReplayCounts {
  readonly number: number;
  readonly size: number;
  readonly startedAt: number;
  readonly endedAt: number | null;
}

export interface ReplayJob {
  readonly id: string;
  readonly state: ReplayState;
  /** Something of it is still under way. */
  readonly isFollowed: boolean;
  readonly selection: Selection;
  readonly options: ReplayOptions;
  readonly reason: string;
  readonly by: string;
  readonly byId: string;
  readonly createdAt: number;
  readonly endedAt: number | null;
  /** Failures that are part of it; grows while it is planned. */
  readonly total: number;
  /** Where planning goes on after a crash. */
  readonly planCursor: string | null;
  /** Number of the first item of the step that is under way. */
  readonly position: number;
  /** Of steps that have ended. */
  readonly ended: ReplayCounts;
  /** The newest ones, the one under way last. */
  readonly steps: readonly ReplayStep[];
  /** Why it stopped, or what it is waiting for. */
  readonly note: string;
  /** Now; below `options.perSecond` while Service Bus asks for less. */
  readonly perSecondNow: number;
  /** Epoch ms: F&O asked not to be read before; absent: it never did. */
  readonly readAfter?: number;
  /** Epoch ms: when F&O last answered for a document; absent: not yet. */
  readonly readAt?: number;
}

export const noCounts: ReplayCounts = {
  planned: 0,
  underWay: 0,
  delivered: 0,
  skipped: 0,
  failedAgain: 0,
  refused: 0,
};

/** A replay that has not begun to look for what it is to send. */
export function toNewReplay(
  wanted: Pick<ReplayJob, "id" | "selection" | "options" | "reason" | "by" | "byId" | "createdAt">,
): ReplayJob {
  return {
    ...wanted,
    state: "planning",
    isFollowed: false,
    endedAt: null,
    total: 0,
    planCursor: "",
    position: 0,
    ended: noCounts,
    steps: [],
    note: "",
    perSecondNow: wanted.options.perSecond,
  };
}

export function addCounts(a: ReplayCounts, b: ReplayCounts): ReplayCounts {
  return {
    planned: a.planned + b.planned,
    underWay: a.underWay + b.underWay,
    delivered: a.delivered + b.delivered,
    skipped: a.skipped + b.skipped,
    failedAgain: a.failedAgain + b.failedAgain,
    refused: a.refused + b.refused,
  };
}

export type ItemState = "planned" | "sent" | "delivered" | "skipped" | "failedAgain" | "refused";

/** One delivery of a replay. */
export interface ReplayItem {
  readonly number: number;
  readonly target: string;
  /** Empty for a delivery that has no failure (never attempted, skipped). */
  readonly failureId: string;
  /** As it was when the replay was planned. */
  readonly failure: FailureSummary | null;
  /** Sent although it was delivered: its record is gone from the target. */
  readonly isRepair: boolean;
  /** When that delivery was settled, epoch ms: one that was settled since has been repaired by somebody else. */
  readonly settledAt: number | null;
  readonly eventId: string;
  readonly time: string;
  readonly businessKey: string;
  readonly state: ItemState;
  /** Of the delivery that the replay began; -1 before. */
  readonly generation: number;
  /** Reference, rule, new failure id, or why it was refused. */
  readonly outcome: string;
  /** Paths in the event that F&O answers differently now, with both values. */
  readonly changes: readonly EventChange[];
  /** Epoch ms: when F&O last gave no answer for it in the time that it had; absent: it never came to that. */
  readonly lateAt?: number;
}

export interface EventChange {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}
