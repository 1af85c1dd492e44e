/*
 * What the read routes answer: shared by the console and the command line as types only, so this file
 * imports nothing but types. Instants are ISO 8601 UTC.
 */
import type { Verification } from "../../recovery/verify/verification.ts";

export type DeliveryStateName =
  | "received"
  | "accepted"
  | "published"
  | "pending"
  | "delivered"
  | "superseded"
  | "skipped"
  | "failed"
  | "discarded";

export type StepHealth = "fine" | "behind" | "throttled" | "paused" | "outage" | "off";

export interface GateView {
  readonly state: "open" | "throttled" | "outage" | "paused";
  readonly since: string;
  /** Outage: when somebody asks the target again. Throttled: when calls go on. */
  readonly until: string | null;
  readonly probes: number;
  readonly pause: { readonly at: string; readonly by: string; readonly reason: string } | null;
}

export interface Backlog {
  /** Unsettled deliveries; counted up to a limit. */
  readonly count: number;
  readonly isMore: boolean;
  /** EventTime of the oldest. */
  readonly oldest: string | null;
}

export interface StepView {
  /** "intake" or a target's name. */
  readonly name: string;
  readonly health: StepHealth;
  /** Settled per minute over the last five minutes. */
  readonly perMinute: number;
  /** EventTime to effect over the last hour; null when nothing was settled. */
  readonly lag: { readonly medianMs: number; readonly p95Ms: number } | null;
  readonly backlog: Backlog;
  readonly openFailures: number;
  /** There are more than were counted. */
  readonly hasMoreFailures: boolean;
  readonly mode: string;
  readonly gate: GateView;
}

export interface MinuteCounts {
  /** Start of the minute. */
  readonly minute: string;
  /** By step: settled well, failed, put off. */
  readonly steps: Readonly<
    Record<string, { readonly settled: number; readonly failed: number; readonly later: number }>
  >;
}

/** One thing that a person should look at. */
export type Attention =
  | {
      readonly kind: "failures";
      readonly target: string;
      readonly group: string;
      readonly code: string;
      readonly meaning: string;
      readonly owner: string;
      readonly fixIn: string;
      readonly count: number;
      readonly isAtLeast: boolean;
      readonly since: string;
    }
  | {
      readonly kind: "outage" | "paused" | "behind";
      readonly target: string;
      readonly since: string;
      readonly text: string;
    }
  | {
      /** F&O and the targets differ, or nobody knows whether they do. */
      readonly kind: "verification";
      readonly verification: string;
      readonly title: string;
      readonly text: string;
      /** What to do, as a command. */
      readonly fix: string;
      readonly since: string;
    };

/** What F&O posted, compared with the ledger and the targets. */
export interface LastVerification {
  readonly id: string;
  /** When it ended. */
  readonly at: string;
  /** Of posting. */
  readonly since: string;
  readonly until: string;
  readonly compared: number;
  readonly missing: number;
  readonly doubled: number;
  readonly differing: number;
}

export interface OverviewAnswer {
  readonly at: string;
  readonly environmentKind: string;
  readonly steps: readonly StepView[];
  /** The last hour, oldest first; minutes in which nothing happened are there too. */
  readonly minutes: readonly MinuteCounts[];
  /** Most urgent first. */
  readonly attention: readonly Attention[];
  /** Null: there has been none yet. */
  readonly lastVerification: LastVerification | null;
}

export interface JourneySummary {
  readonly eventId: string;
  readonly time: string;
  readonly legalEntity: string;
  readonly number: string;
  readonly customerAccount: string;
  readonly flow: string;
  /** State by step; "intake" among them. */
  readonly states: Readonly<Record<string, DeliveryStateName>>;
}

export interface JourneysAnswer {
  readonly journeys: readonly JourneySummary[];
  /** Present: there may be more, further back. */
  readonly continuation?: string;
  /** Too many numbers begin like this: not all were looked at, and newer ones may be among the rest. */
  readonly isCut?: boolean;
}

export interface TrailView {
  readonly at: string;
  readonly hop: number;
  readonly attempts: number;
  readonly state: DeliveryStateName;
  readonly code: string | null;
  readonly reason: string | null;
  readonly dueAt: string | null;
}

export interface DeliveryView {
  readonly target: string;
  readonly state: DeliveryStateName;
  readonly hop: number;
  readonly attempts: number;
  readonly acceptedAt: string;
  readonly dueAt: string | null;
  readonly settledAt: string | null;
  readonly code: string | null;
  readonly reason: string | null;
  /** Why it was skipped, or whose duplicate it is. */
  readonly rule: string | null;
  readonly missing: readonly string[];
  readonly reference: string | null;
  /** The record in the target. */
  readonly url: string | null;
  readonly failureId: string | null;
  readonly trail: readonly TrailView[];
  /** A dry run's record, masked by role. */
  readonly wouldSend: unknown;
}

export interface JourneyAnswer {
  readonly eventId: string;
  readonly time: string;
  readonly legalEntity: string;
  readonly number: string;
  readonly customerAccount: string;
  readonly flow: string;
  readonly effectKey: string;
  readonly traceId: string;
  /** F&O, the company's view. */
  readonly sourceUrl: string | null;
  readonly deliveries: readonly DeliveryView[];
  /** The canonical event, masked by role; null when it was never made or its retention is over. */
  readonly body: unknown;
  /** When its body was taken because its retention was over; null: it was not. */
  readonly bodyTakenAt: string | null;
}

export interface ActivityItem {
  readonly at: string;
  readonly eventId: string;
  readonly time: string;
  readonly target: string;
  readonly state: DeliveryStateName;
  readonly hop: number;
  readonly attempts: number;
  readonly code: string | null;
  /** `<legalEntity>/<number>` when it is known. */
  readonly subject: string | null;
}

export interface ActivityAnswer {
  /** Oldest first. */
  readonly items: readonly ActivityItem[];
  /** Outcomes of this time that were counted and not kept one by one. */
  readonly omitted: number;
  /** `since` of the next call. */
  readonly next: string;
}

export interface TargetView {
  readonly name: string;
  readonly kind: "intake" | "dataverse" | "workflow";
  readonly mode: string;
  /** By company, where it differs. */
  readonly companies: Readonly<Record<string, string>>;
  readonly gate: GateView;
  readonly backlog: Backlog;
  /** Empty: no limit is kept here, and the target says itself when to wait. */
  readonly quota: readonly QuotaView[];
}

/** One limit of a target, and what is left of it as far as that is known. */
export interface QuotaView {
  /** What is limited, in words: "calls a minute". */
  readonly what: string;
  /** Null: the target tells only what is left. */
  readonly limit: number | null;
  readonly used: number | null;
  readonly left: number | null;
  /** Calls that have their place later, because nothing was left for them. */
  readonly ahead: number | null;
  /** When that was so. */
  readonly at: string | null;
}

export interface TargetsAnswer {
  readonly targets: readonly TargetView[];
}

export interface ResumeAnswer {
  readonly target: TargetView;
  readonly woken: number;
  /** False: the rest wakes by itself within half an hour. */
  readonly isComplete: boolean;
}

export interface MappingFieldView {
  readonly to: string;
  readonly kind: "path" | "expression" | "value" | "lookup" | "each";
  /** Paths of the canonical event that it reads. */
  readonly reads: readonly string[];
  /** The expression, value, or what happens when a lookup finds nothing. */
  readonly detail: string | null;
  readonly fields: readonly MappingFieldView[];
}

export interface FlowTargetView {
  readonly name: string;
  readonly kind: "dataverse" | "workflow";
  readonly mode: string;
  readonly writes: string;
  readonly when: string | null;
  readonly companies: readonly string[];
  readonly mapping: readonly MappingFieldView[];
}

export interface FlowView {
  readonly name: string;
  readonly businessEvents: readonly string[];
  readonly canonical: string;
  readonly targets: readonly FlowTargetView[];
  /** Names for `try`. */
  readonly samples: readonly string[];
}

export interface FlowsAnswer {
  readonly flows: readonly FlowView[];
}

export interface TryAnswer {
  /** What the mapping read. */
  readonly event: unknown;
  /** False: the flow's `when` does not want this document there. */
  readonly isWanted: boolean;
  readonly record: unknown;
  /** Rows that would be looked up. */
  readonly lookups: readonly string[];
  readonly rejected: string | null;
}

export interface SampleAnswer {
  readonly eventId: string;
  readonly businessEventId: string;
  readonly time: string;
}

/** As it is stored, with instants as text. */
export type VerificationView = Omit<Verification, "since" | "until" | "createdAt" | "endedAt"> & {
  readonly since: string;
  readonly until: string;
  readonly createdAt: string;
  readonly endedAt: string | null;
};
