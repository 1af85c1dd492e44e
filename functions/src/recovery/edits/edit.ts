import type { EventChange } from "../replay/replay-job.ts";

/**
 * proposed ──another person says yes──► approved (its replay is begun)
 *     └─────a person says no──────────► rejected
 */
export type EditState = "proposed" | "approved" | "rejected";

/** What one failed delivery is to carry in place of the accepted event, which stays as it is. */
export interface Edit {
  readonly id: string;
  readonly state: EditState;
  readonly target: string;
  readonly failureId: string;
  readonly eventId: string;
  readonly time: string;
  readonly businessKey: string;
  readonly changes: readonly EventChange[];
  readonly reason: string;
  /** Whoever wrote it; the object id decides whether somebody else approves. */
  readonly by: string;
  readonly byId: string;
  readonly at: number;
  readonly decidedBy: string;
  readonly decidedAt: number | null;
  /** Why it was rejected; empty else. */
  readonly decision: string;
  /** Chosen when it was approved, before the replay is begun; empty before. */
  readonly replayId: string;
}

/** What a person wants to stand in one place of the event. */
export interface WantedChange {
  /** `customer.email`, `lines.0.description`: below the event's `data`. */
  readonly path: string;
  readonly value: string | null;
}
