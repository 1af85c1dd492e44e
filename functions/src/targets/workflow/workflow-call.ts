import { HttpError, type Http, type HttpResponse } from "../../platform/http.ts";
import { readRetryAfter } from "../../platform/read-retry-after.ts";
import type { GetToken } from "../../platform/token.ts";

/** What a workflow of ours answers; anything else is told by its HTTP status. */
export type WorkflowAnswer =
  | { readonly kind: "answered"; readonly status: number; readonly body: WorkflowBody }
  /** No answer. `sent`: the workflow may have run. */
  | { readonly kind: "noAnswer"; readonly code: string; readonly sent: boolean }
  /** The platform in front of the workflow said no, in a way that proves that nothing of it ran. */
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly reason: string;
      readonly afterMs: number | undefined;
    };

export interface WorkflowBody {
  readonly status?: string;
  readonly reference?: string;
  readonly operationId?: string;
  readonly code?: string;
  readonly reason?: string;
  readonly retryAfterSeconds?: number;
  /** Of `invoice-to-crm`, step `read`. */
  readonly records?: readonly { readonly effectKey: string; readonly amount?: number | null }[];
}

export interface WorkflowCallOptions {
  readonly http: Http;
  readonly getToken: GetToken;
  /** The Logic App's access endpoint, without its trigger's path. */
  readonly accessEndpoint: string;
  readonly audience: string;
}

export type WorkflowCall = (
  body: unknown,
  context: {
    readonly traceparent: string;
    readonly eventId: string;
    readonly signal: AbortSignal;
  },
) => Promise<WorkflowAnswer>;

/** Workflows answer within 60 s (their HTTP actions within 30); the caller waits a little longer. */
const timeoutMs = 100_000;

/**
 * Calls a workflow's Request trigger with the function app's token, never with a `sig`: the workflow's
 * access policy checks who calls. Never throws.
 */
export function createWorkflowCall(options: WorkflowCallOptions): WorkflowCall {
  const url = `${options.accessEndpoint.replace(/\/+$/, "")}/triggers/manual/paths/invoke?api-version=2016-10-01`;
  return async (body, { traceparent, eventId, signal }) => {
    try {
      const token = await options.getToken(options.audience.replace(/\/+$/, ""));
      const response = await options.http({
        method: "POST",
        url,
        timeoutMs,
        signal,
        headers: {
          authorization: `Bearer ${token}`,
          "content-type": "application/json",
          "x-ms-client-tracking-id": eventId,
          traceparent,
        },
        body: JSON.stringify(body),
      });
      return toAnswer(response);
    } catch (error) {
      if (error instanceof HttpError) {
        return { kind: "noAnswer", code: error.code, sent: error.sent };
      }
      return { kind: "noAnswer", code: "TOKEN_UNAVAILABLE", sent: false };
    }
  };
}

/** Answers of the platform in front of a workflow that prove that no run was started. */
const neverRan: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 413, 415, 429]);

/**
 * A body with a `status` of ours came from the workflow. Without one, only a few statuses prove that
 * nothing ran: a run that ended without its Response (502), a gateway's time-out or a changed Response
 * may all stand behind an effect.
 */
function toAnswer(response: HttpResponse): WorkflowAnswer {
  const body = parse(response.body);
  if (body?.status !== undefined) return { kind: "answered", status: response.status, body };
  if (!neverRan.has(response.status)) {
    return { kind: "noAnswer", code: `HTTP_${response.status}`, sent: true };
  }
  return {
    kind: "refused",
    status: response.status,
    reason: `the workflow's endpoint answered ${response.status}`,
    afterMs: readRetryAfter(response),
  };
}

function parse(text: string): WorkflowBody | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
