import { CausewayError } from "../platform/causeway-error.ts";

/** Everything that the operator API says no with. */
export type OperatorErrorCode =
  | "OPERATOR_NOT_CONFIGURED"
  | "ADDRESS_NOT_ALLOWED"
  | "NOT_SIGNED_IN"
  | "ROLE_MISSING"
  | "ROUTE_UNKNOWN"
  | "REQUEST_INVALID"
  | "CONFIRMATION_MISSING"
  | "NOTHING_SELECTED"
  | "FAILURE_UNKNOWN"
  | "JOURNEY_UNKNOWN"
  | "TARGET_UNKNOWN"
  | "FLOW_UNKNOWN"
  | "REPLAY_UNKNOWN"
  | "REPLAY_ENDED"
  | "EDITS_NOT_ENABLED"
  | "EDIT_PROTECTED"
  | "EDIT_INVALID"
  | "EDIT_UNKNOWN"
  | "EDIT_OWN"
  | "EDIT_DECIDED"
  | "FAILURE_DECIDED"
  | "BODY_RETENTION_OVER"
  | "VERIFICATION_UNKNOWN"
  | "PROBE_UNKNOWN"
  | "PROBE_RUNNING"
  | "LEDGER_UNAVAILABLE"
  | "OPERATOR_FAILED";

const statusOf: Readonly<Record<OperatorErrorCode, number>> = {
  OPERATOR_NOT_CONFIGURED: 503,
  ADDRESS_NOT_ALLOWED: 403,
  NOT_SIGNED_IN: 401,
  ROLE_MISSING: 403,
  ROUTE_UNKNOWN: 404,
  REQUEST_INVALID: 400,
  CONFIRMATION_MISSING: 409,
  NOTHING_SELECTED: 404,
  FAILURE_UNKNOWN: 404,
  JOURNEY_UNKNOWN: 404,
  TARGET_UNKNOWN: 404,
  FLOW_UNKNOWN: 404,
  REPLAY_UNKNOWN: 404,
  REPLAY_ENDED: 409,
  EDITS_NOT_ENABLED: 403,
  EDIT_PROTECTED: 400,
  EDIT_INVALID: 400,
  EDIT_UNKNOWN: 404,
  EDIT_OWN: 403,
  EDIT_DECIDED: 409,
  FAILURE_DECIDED: 409,
  BODY_RETENTION_OVER: 409,
  VERIFICATION_UNKNOWN: 404,
  PROBE_UNKNOWN: 404,
  PROBE_RUNNING: 409,
  LEDGER_UNAVAILABLE: 503,
  OPERATOR_FAILED: 500,
};

/** A refusal as the caller sees it. `fix` says what to do about it. */
export class OperatorError extends CausewayError<OperatorErrorCode> {
  readonly status: number;
  readonly fix: string;

  constructor(code: OperatorErrorCode, message: string, fix: string, cause?: unknown) {
    const status = statusOf[code];
    super(code, message, { fate: status >= 500 ? "transient" : "permanent", cause });
    this.name = "OperatorError";
    this.status = status;
    this.fix = fix;
  }
}
