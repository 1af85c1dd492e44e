import { CausewayError } from "../platform/causeway-error.ts";

/** Everything that the operator API says no with. */
export type OperatorErrorCode =
  | "OPERATOR_NOT_CONFIGURED"
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
  | "VERIFICATION_UNKNOWN"
  | "LEDGER_UNAVAILABLE"
  | "OPERATOR_FAILED";

const statusOf: Readonly<Record<OperatorErrorCode, number>> = {
  OPERATOR_NOT_CONFIGURED: 503,
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
  VERIFICATION_UNKNOWN: 404,
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
