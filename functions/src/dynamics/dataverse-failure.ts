import { CausewayError } from "../platform/causeway-error.ts";
import { HttpError } from "../platform/http.ts";
import type { HttpResponse } from "../platform/http.ts";
import { readRetryAfter } from "../platform/read-retry-after.ts";

/**
 * What a call that did not succeed means for the caller:
 * `throttled` a service protection limit, everybody waits; `unreachable` nobody answers; `unsure` sent
 * but unanswered, so it may have happened; `denied` the identity may not (yet); `transient` trying again
 * can help; `gone` something that the request names is not there; `permanent` it will fail again.
 */
type DataverseFailureKind =
  "throttled" | "unreachable" | "unsure" | "denied" | "transient" | "gone" | "permanent";

export interface DataverseFailure {
  readonly kind: DataverseFailureKind;
  /** Dataverse's own code (`0x80060892`), HTTP status, or how the connection failed. */
  readonly code: string;
  readonly message: string;
  readonly afterMs?: number;
}

export type DataverseErrorCode = "DATAVERSE_CALL_FAILED";

export class DataverseError extends CausewayError<DataverseErrorCode> {
  readonly failure: DataverseFailure;

  constructor(failure: DataverseFailure, cause?: unknown) {
    super("DATAVERSE_CALL_FAILED", `Dataverse: ${failure.kind} ${failure.code}`, {
      fate: failure.kind === "permanent" ? "permanent" : "transient",
      ids: { kind: failure.kind, code: failure.code },
      cause,
    });
    this.name = "DataverseError";
    this.failure = failure;
  }
}

/** https://learn.microsoft.com/power-apps/developer/data-platform/api-limits */
const throttleCodes = new Set(["0x80072321", "0x80072322", "0x80072326"]);

/** SQL timeouts and deadlocks, version conflicts, and keys that two writers took at once. */
const transientCodes = new Set([
  "0x80044150",
  "0x80044151",
  "0x80040264",
  "0x80060882",
  "0x80060892",
  "0x80040237",
]);

/** A refusal by its status and body; the body may be empty or no JSON at all. `afterMs`: its Retry-After. */
export function toFailure(
  status: number,
  body: string,
  afterMs: number | undefined,
): DataverseFailure {
  const { code, message } = readError(status, body);
  const failure = (kind: DataverseFailureKind): DataverseFailure => ({
    kind,
    code,
    message,
    ...(afterMs === undefined ? {} : { afterMs }),
  });
  if (status === 429 || throttleCodes.has(code)) return failure("throttled");
  if (status === 401 || status === 403) return failure("denied");
  if (status === 502 || status === 503 || status === 504) return failure("unreachable");
  if (status === 408 || status === 409 || status === 412 || status >= 500) {
    return failure("transient");
  }
  if (transientCodes.has(code)) return failure("transient");
  return failure(status === 404 ? "gone" : "permanent");
}

/** An exchange that ended without an answer; anything else is thrown on. */
export function toConnectionError(error: unknown): DataverseError {
  if (!(error instanceof HttpError)) throw error;
  const kind = error.sent ? "unsure" : "unreachable";
  return new DataverseError({ kind, code: error.code, message: error.message }, error);
}

function readError(
  status: number,
  body: string,
): { readonly code: string; readonly message: string } {
  try {
    const value: unknown = JSON.parse(body);
    const error = isObject(value) ? value["error"] : undefined;
    if (isObject(error)) {
      return { code: String(error["code"]), message: String(error["message"]) };
    }
  } catch {
    // Proxies answer with HTML.
  }
  return { code: String(status), message: `HTTP status ${status}` };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** For callers that hold a response. */
export function failureOf(response: HttpResponse, now: number): DataverseFailure {
  return toFailure(response.status, response.body, readRetryAfter(response, now));
}
