import { type WdlValue, toPlain } from "./wdl/values.ts";

export type ActionStatus = "Succeeded" | "Failed" | "Skipped" | "TimedOut" | "Cancelled";

export interface WorkflowError {
  readonly code: string;
  readonly message: string;
}

/** What the history says about one action. Secured inputs and outputs are left out. */
export interface ActionRecord {
  readonly name: string;
  readonly type: string;
  readonly status: ActionStatus;
  readonly code: string;
  readonly inputs?: unknown;
  readonly outputs?: unknown;
  readonly error?: WorkflowError;
  readonly startTime: string;
  readonly endTime: string;
  readonly trackingId: string;
  readonly clientTrackingId: string;
  readonly secureData?: readonly string[];
  readonly trackedProperties?: unknown;
  readonly retryHistory?: readonly RetryRecord[];
  /** Of a loop: how many iterations ran. */
  readonly iterationCount?: number;
  /** Of an action inside a loop: one record per iteration; `status` is then the worst of them. */
  readonly repetitions?: readonly RepetitionRecord[];
}

export interface RepetitionRecord extends ActionRecord {
  readonly repetitionIndexes: readonly { readonly scopeName: string; readonly itemIndex: number }[];
}

export interface RetryRecord {
  readonly startTime: string;
  readonly endTime: string;
  readonly code: string;
}

export interface WorkflowResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface RunRecord {
  readonly id: string;
  readonly name: string;
  readonly status: "Succeeded" | "Failed" | "Cancelled" | "TimedOut";
  readonly code?: string;
  readonly error?: WorkflowError;
  readonly startTime: string;
  readonly endTime: string;
  readonly correlation: { readonly clientTrackingId: string };
  readonly trigger: Readonly<Record<string, unknown>>;
  /** What the definition's `outputs` came to: `{name: {type, value}}`. */
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly response?: WorkflowResponse;
  readonly actions: Readonly<Record<string, ActionRecord>>;
}

/** An action while its run goes on: everything is there, exact numbers too, whatever the history may show. */
export interface LiveRecord {
  readonly name: string;
  readonly type: string;
  readonly status: ActionStatus;
  readonly code: string;
  readonly inputs?: WdlValue;
  readonly outputs?: WdlValue;
  readonly error?: WorkflowError;
  readonly startTime: string;
  readonly endTime: string;
  readonly trackingId: string;
  readonly clientTrackingId: string;
  readonly secureData?: readonly string[];
  readonly trackedProperties?: WdlValue;
  readonly retryHistory?: readonly RetryRecord[];
  readonly iterationCount?: number;
}

/** What the history shows of a live record. */
export function toHistory(record: LiveRecord): ActionRecord {
  const { inputs, outputs, secureData, error, retryHistory, iterationCount } = record;
  const { trackedProperties } = record;
  const shown: { -readonly [Part in keyof ActionRecord]: ActionRecord[Part] } = {
    name: record.name,
    type: record.type,
    status: record.status,
    code: record.code,
    startTime: record.startTime,
    endTime: record.endTime,
    trackingId: record.trackingId,
    clientTrackingId: record.clientTrackingId,
  };
  const isHidden = (part: string): boolean => secureData?.includes(part) === true;
  if (inputs !== undefined && !isHidden("inputs")) shown.inputs = toPlain(inputs);
  if (outputs !== undefined && !isHidden("outputs")) shown.outputs = toPlain(outputs);
  if (error !== undefined) shown.error = error;
  if (secureData !== undefined) shown.secureData = secureData;
  if (trackedProperties !== undefined) shown.trackedProperties = toPlain(trackedProperties);
  if (retryHistory !== undefined) shown.retryHistory = retryHistory;
  if (iterationCount !== undefined) shown.iterationCount = iterationCount;
  return shown;
}

const severity: Readonly<Record<ActionStatus, number>> = {
  Skipped: 0,
  Succeeded: 1,
  Cancelled: 2,
  TimedOut: 3,
  Failed: 4,
};

/** Failed counts more than TimedOut, that more than Cancelled, that more than Succeeded. */
export function worstStatus(statuses: readonly ActionStatus[]): ActionStatus {
  return statuses.reduce<ActionStatus>(
    (worst, status) => (severity[status] > severity[worst] ? status : worst),
    "Skipped",
  );
}
