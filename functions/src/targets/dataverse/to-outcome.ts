import { DataverseError } from "../../dynamics/dataverse-failure.ts";
import type { DataverseFailure } from "../../dynamics/dataverse-failure.ts";
import type { Outcome } from "../target.ts";

/** What CE answers in the runbook's words. */
export type CeCode =
  /** A service protection limit; Retry-After closes the gate. */
  | "CE_THROTTLED"
  /** Nobody answers, or the identity may not enter: an outage for everybody. */
  | "CE_UNREACHABLE"
  | "CE_DENIED"
  /** The call was sent and not answered; the next try reads by key before it writes. */
  | "CE_TIMEOUT"
  /** Deadlock, version conflict, server error. */
  | "CE_TEMPORARY"
  /** Our columns or keys are not there (yet): `causeway ce install`. */
  | "CE_NOT_INSTALLED"
  /** A row that the record points at went away between reading and writing. */
  | "CE_RECORD_GONE"
  /** Dataverse refuses the data. */
  | "CE_REJECTED"
  /** The row is paid or canceled and says something else. */
  | "CE_ROW_CLOSED"
  | "CE_CUSTOMER_MISSING"
  | "CE_CUSTOMER_AMBIGUOUS"
  | "CE_CURRENCY_MISSING"
  | "CE_OWNER_TEAM_MISSING"
  | "CE_RECORD_MISSING"
  | "CE_BODY_MISSING"
  | "CE_MAPPING_FAILED";

/** One outcome for everything that a failed request was about. */
export function toOutcome(failure: DataverseFailure): Outcome {
  const { kind, code, message } = failure;
  const reason = shorten(`${message} (${code})`);
  const after = failure.afterMs === undefined ? {} : { afterMs: failure.afterMs };
  switch (kind) {
    case "throttled":
      return retry("CE_THROTTLED", reason, { afterMs: failure.afterMs ?? defaultThrottleMs });
    case "unreachable":
      return retry("CE_UNREACHABLE", reason, { ...after, unreachable: true });
    case "denied":
      return retry("CE_DENIED", reason, { unreachable: true });
    case "unsure":
      return retry("CE_TIMEOUT", reason, {});
    case "transient":
      return retry("CE_TEMPORARY", reason, after);
    case "gone":
      return retry("CE_RECORD_GONE", reason, {});
    case "permanent":
      return isNotInstalled(message)
        ? retry("CE_NOT_INSTALLED", reason, {})
        : { kind: "reject", code: "CE_REJECTED" satisfies CeCode, reason };
  }
}

/** For one document: what it may not do is its own trouble, not an outage. */
export function toDocumentOutcome(failure: DataverseFailure): Outcome {
  if (failure.kind !== "denied") return toOutcome(failure);
  return retry("CE_DENIED", shorten(`${failure.message} (${failure.code})`), {});
}

/**
 * For a read, which changes nothing: that CE took the connection and gave no answer is an outage. An
 * answer that came and could not be used is none.
 */
export function toReadFailure(failure: DataverseFailure): DataverseFailure {
  if (failure.kind !== "unsure") return failure;
  const cameBack = failure.code === "RESPONSE_TOO_LARGE" || failure.code === "RESPONSE_UNREADABLE";
  return { ...failure, kind: cameBack ? "transient" : "unreachable" };
}

/** Throttled or away: it concerns every other document just as well. */
export function isForEverybody(outcome: Outcome | null): boolean {
  return (
    outcome?.kind === "retry" && (outcome.unreachable === true || outcome.afterMs !== undefined)
  );
}

/** Decided by what was known without CE: it proves nothing about CE. */
export function toUnasked(outcome: Outcome | null): Outcome | null {
  switch (outcome?.kind) {
    case "skipped":
    case "reject":
    case "wait":
      return { ...outcome, asked: false };
    default:
      return outcome;
  }
}

/** Everything but Dataverse's own errors is a fault of ours and thrown on. */
export function toFailureOf(error: unknown): DataverseFailure {
  if (error instanceof DataverseError) return error.failure;
  throw error;
}

/** Without Retry-After: a tenth of the window of five minutes. */
const defaultThrottleMs = 30_000;

function retry(
  code: CeCode,
  reason: string,
  more: { readonly afterMs?: number; readonly unreachable?: boolean },
): Outcome {
  return { kind: "retry", code, reason, ...more };
}

/** Unknown column or key of ours. */
function isNotInstalled(message: string): boolean {
  return /'cwy_\w+'/.test(message) || /key in the request URI is not valid/.test(message);
}

function shorten(text: string): string {
  return text.length > 400 ? `${text.slice(0, 399)}…` : text;
}
