/** What F&O has posted, as far as it is compared. */
export interface PostedDocument {
  readonly legalEntity: string;
  readonly number: string;
  /** `YYYY-MM-DD` */
  readonly date: string;
  readonly voucher: string;
  readonly account: string;
  readonly salesOrder: string;
  /** Without an order only a guess until F&O is asked: a consolidated invoice names none either. */
  readonly kind: "sales" | "freeText";
  /** As F&O has it, in the document's currency. */
  readonly amount: number;
  /** Epoch ms of posting. */
  readonly postedAt: number;
  readonly effectKey: string;
}

/** One event's delivery to one target, as the ledger has it. */
export interface LedgerDelivery {
  readonly eventId: string;
  readonly time: string;
  readonly state: string;
  /** Of a delivery that is skipped. */
  readonly rule?: string;
  /** Epoch ms; null or left out: it is not settled. */
  readonly settledAt?: number | null;
}

/** Everything that the ledger knows of a document. */
export interface LedgerDocument {
  readonly events: readonly LedgerDelivery[];
  readonly deliveries: Readonly<Record<string, readonly LedgerDelivery[]>>;
}

/** What a target holds under a document's key. */
export interface TargetRecords {
  readonly count: number;
  /** Null where the target's record tells none. */
  readonly amount: number | null;
  /** Where the target tells them. */
  readonly ids?: readonly string[];
  /** Records beside the key, of its number and customer: its doubles if no other document has the number. */
  readonly suspects?: readonly string[];
}

/**
 * Cause of a finding: a newer version went to the target, by an event that came later than those compared. Sending the
 * old one again would write nothing.
 */
export const newerVersionGone = "NEWER_VERSION_GONE";

export type FindingKind = "missing" | "doubled" | "differing";

export interface Finding {
  readonly kind: FindingKind;
  readonly target: string;
  readonly legalEntity: string;
  readonly number: string;
  readonly effectKey: string;
  /** NO_EVENT, NOT_REPAIRED, NEVER_ATTEMPTED, GONE, NEWER_VERSION_GONE, or what is different. */
  readonly cause: string;
  /** Empty when F&O raised none. */
  readonly eventId: string;
  readonly time: string;
  readonly document: PostedDocument;
  /** When the delivery that it is about was settled, epoch ms; null for none. */
  readonly settledAt: number | null;
}

export interface VerifyCounts {
  readonly legalEntity: string;
  readonly target: string;
  /** Without those that the target does not take. */
  readonly compared: number;
  readonly good: number;
  readonly missing: number;
  readonly doubled: number;
  readonly differing: number;
  /** Told by the ledger: not settled yet, an open failure, a rule or a person's decision. */
  readonly underWay: number;
  readonly failed: number;
  /** Those too that the target does not take. */
  readonly skipped: number;
  /** The target was asked; else only the ledger speaks for it. */
  readonly isAsked: boolean;
}

export type VerificationState = "running" | "done" | "failed";

export interface Verification {
  readonly id: string;
  readonly state: VerificationState;
  /** Epoch ms of posting; `until` is not part of it. */
  readonly since: number;
  readonly until: number;
  readonly repair: boolean;
  readonly include: readonly string[];
  readonly by: string;
  readonly createdAt: number;
  readonly endedAt: number | null;
  /** ISO 8601; everything posted before it is compared. Reports of a version before this one do not say it. */
  readonly comparedTo?: string;
  readonly counts: readonly VerifyCounts[];
  /** The first of them; `counts` has all. */
  readonly findings: readonly Omit<Finding, "document" | "settledAt">[];
  /** What was done about it, or why nothing was. */
  readonly note: string;
  /** The replay that repairs; empty for none. */
  readonly replayId: string;
  readonly repaired: number;
}

/** A report without its findings: what a list and the overview need. */
export interface VerificationSummary extends Pick<
  Verification,
  "id" | "state" | "since" | "until" | "by" | "createdAt" | "endedAt" | "note" | "repaired"
> {
  readonly compared: number;
  /** Counts of the companies and targets where something is missing, doubled or differing. */
  readonly differences: readonly VerifyCounts[];
}
