/** What the failure and replay routes answer (docs/decisions/0003-operator-api.md). */

export interface FailureGroup {
  readonly group: string;
  readonly target: string;
  readonly code: string;
  readonly meaning: string;
  readonly reason: string;
  readonly owner: string;
  readonly fixIn: string;
  readonly count: number;
  readonly isAtLeast: boolean;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly legalEntities: readonly string[];
  readonly missing: readonly string[];
}

export interface FailureSummary {
  readonly failureId: string;
  readonly target: string;
  readonly status: string;
  readonly code: string;
  readonly meaning: string;
  readonly reason: string;
  readonly stage: string;
  readonly owner: string;
  readonly fixIn: string;
  readonly attempts: number;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly eventId: string;
  readonly eventTime: string;
  readonly traceId: string;
  readonly legalEntity: string;
  readonly businessKey: string;
  readonly missing: readonly string[];
}

export interface Failure extends FailureSummary {
  readonly body: string;
  readonly bodyIsMasked: boolean;
  readonly bodyTakenAt: string | null;
  readonly notes: readonly { readonly at: string; readonly by: string; readonly text: string }[];
}

/** Failures of the list, ids, or everything of a group. */
export type Selection =
  | { readonly ids: readonly { readonly target: string; readonly failureId: string }[] }
  | { readonly filter: { readonly group: string } };
