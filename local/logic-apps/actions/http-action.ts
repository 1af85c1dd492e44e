import {
  type ActionCall,
  ActionFailure,
  type ActionHandler,
  type ActionResult,
} from "../action-call.ts";
import { hasOption } from "../definition.ts";
import { omit } from "../omit.ts";
import type { WorkflowHttpRequest, WorkflowHttpResponse } from "../run-ports.ts";
import { toText } from "../wdl/content.ts";
import { parseDurationMs } from "../wdl/date-time.ts";
import {
  type WdlObject,
  type WdlValue,
  buildObject,
  getMember,
  isObject,
  memberOf,
} from "../wdl/values.ts";
import { evaluateInputs } from "./data-actions.ts";
import { readCredentials } from "./http-authentication.ts";
import { headerOf, toHttpOutputs, toWireBody } from "./http-content.ts";
import { readRetryPolicy } from "./retry-policy.ts";
import { statusName } from "./status-names.ts";

/** https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-configuration#http-limits (Consumption). */
const outboundTimeoutMs = 120_000;
const pollMs = 20_000;

export const runHttp: ActionHandler = async (call) => {
  const inputs = evaluateInputs(call);
  const http = call.run.ports.http;
  if (http === undefined)
    throw new ActionFailure("HttpNotAvailable", "The run was given no http port.");
  call.inputs = hideSecrets(inputs);
  const timeoutMs = actionTimeoutMs(call);
  const deadline = new AbortController();
  const timer =
    timeoutMs === undefined
      ? undefined
      : call.run.clock.setTimer(() => deadline.abort(), timeoutMs);
  try {
    const request = await createRequest(call, inputs);
    return await sendWithRetries(call, inputs, request, { http, deadline: deadline.signal });
  } finally {
    timer?.cancel();
  }
};

interface Sending {
  readonly http: (request: WorkflowHttpRequest) => Promise<WorkflowHttpResponse>;
  readonly deadline: AbortSignal;
}

type Request = Omit<WorkflowHttpRequest, "timeoutMs" | "signal">;

function actionTimeoutMs(call: ActionCall): number | undefined {
  const timeout = call.action.limit?.timeout;
  return typeof timeout === "string" ? parseDurationMs(timeout) : undefined;
}

/** Credentials never reach the history. */
function hideSecrets(inputs: WdlObject): WdlObject {
  const authentication = getMember(inputs, "authentication");
  if (authentication === undefined || !isObject(authentication)) return inputs;
  const shown = Object.entries(authentication).filter(([name]) =>
    ["type", "audience", "identity", "tenant", "clientId", "authority"].includes(name),
  );
  return { ...inputs, authentication: buildObject(shown) };
}

async function createRequest(call: ActionCall, inputs: WdlObject): Promise<Request> {
  const uri = withQueries(toText(memberOf(inputs, "uri")), memberOf(inputs, "queries"));
  if (!URL.canParse(uri)) {
    throw new ActionFailure(
      "InvalidTemplate",
      `The action '${call.name}' needs an absolute URI, not '${uri}'.`,
    );
  }
  const headers: Record<string, string> = hasOption(call.action, "SuppressWorkflowHeaders")
    ? {}
    : traceHeaders(call);
  const given = memberOf(inputs, "headers");
  if (isObject(given)) {
    for (const [name, value] of Object.entries(given)) {
      if (value !== null) headers[name.toLowerCase()] = toText(value);
    }
  }
  const wire = toWireBody(getMember(inputs, "body"));
  if (wire !== undefined) headers["content-type"] ??= wire.contentType;
  const credentials = await readCredentials(call.run, memberOf(inputs, "authentication"));
  if (credentials.authorization !== undefined) headers["authorization"] = credentials.authorization;
  return {
    method: (toText(memberOf(inputs, "method")) || "GET").toUpperCase(),
    uri,
    headers,
    ...(wire === undefined ? {} : { body: wire.body }),
    ...(credentials.authentication === undefined
      ? {}
      : { authentication: credentials.authentication }),
  };
}

function withQueries(uri: string, queries: WdlValue): string {
  if (!isObject(queries)) return uri;
  const pairs = Object.entries(queries)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(toText(value))}`);
  if (pairs.length === 0) return uri;
  return `${uri}${uri.includes("?") ? "&" : "?"}${pairs.join("&")}`;
}

/** The caller's trace goes on: same trace id, a span of its own per call. */
function traceHeaders(call: ActionCall): Record<string, string> {
  const { run } = call;
  return {
    "user-agent": "azure-logic-apps/1.0",
    traceparent: `00-${run.traceId}-${toSpanId(call.trackingId)}-01`,
    "x-ms-client-tracking-id": run.clientTrackingId,
    "x-ms-tracking-id": call.trackingId,
    "x-ms-correlation-id": call.trackingId,
    "x-ms-workflow-id": toText(memberOf(run.workflow, "name")),
    "x-ms-workflow-run-id": toText(memberOf(memberOf(run.workflow, "run"), "name")),
    "x-ms-workflow-operation-name": call.name,
  };
}

/** The action's own id in 16 hex digits: its random end, which is never all zero. */
function toSpanId(trackingId: string): string {
  return trackingId.slice(19).replace("-", "");
}

type Attempt =
  | { readonly kind: "answer"; readonly response: WorkflowHttpResponse }
  | { readonly kind: "failure"; readonly code: string; readonly message: string }
  | { readonly kind: "timedOut" };

async function sendWithRetries(
  call: ActionCall,
  inputs: WdlObject,
  request: Request,
  sending: Sending,
): Promise<ActionResult> {
  const policy = readRetryPolicy(memberOf(inputs, "retryPolicy"));
  for (let retry = 0; ; retry += 1) {
    const startTime = call.run.nowText();
    let attempt = await send(call, request, sending);
    if (attempt.kind === "answer" && isAsynchronous(call, attempt.response)) {
      attempt = await poll(call, request, attempt.response, sending);
    }
    if (attempt.kind === "timedOut") return timedOut(call);
    if (retry >= policy.count || !isRetryable(attempt)) return toResult(attempt);
    call.retries.push({ startTime, endTime: call.run.nowText(), code: codeOf(attempt) });
    await call.run.sleep(
      retryAfterMs(attempt) ?? policy.delayMs(retry + 1, Math.random),
      sending.deadline,
    );
    if (sending.deadline.aborted) return timedOut(call);
  }
}

/** One request, cut off by the action's own limit or the limit for any outgoing request. */
async function send(call: ActionCall, request: Request, sending: Sending): Promise<Attempt> {
  const { run } = call;
  const cut = new AbortController();
  let abort = (): void => undefined;
  const whenCut = new Promise<undefined>((resolve) => {
    abort = () => {
      cut.abort();
      resolve(undefined);
    };
  });
  sending.deadline.addEventListener("abort", abort);
  const forget = run.onStop(abort);
  const timer = run.clock.setTimer(abort, outboundTimeoutMs);
  if (sending.deadline.aborted || run.stopReason !== undefined) abort();
  try {
    const response = await Promise.race([
      sending.http({ ...request, timeoutMs: outboundTimeoutMs, signal: cut.signal }),
      whenCut,
    ]);
    if (response !== undefined) return { kind: "answer", response };
    if (sending.deadline.aborted) return { kind: "timedOut" };
    return {
      kind: "failure",
      code: "GatewayTimeout",
      message: "The request was not answered within 120 seconds.",
    };
  } catch (error) {
    if (sending.deadline.aborted) return { kind: "timedOut" };
    const message = error instanceof Error ? error.message : String(error);
    return { kind: "failure", code: "BadGateway", message: `Http request failed: ${message}` };
  } finally {
    timer.cancel();
    sending.deadline.removeEventListener("abort", abort);
    forget();
  }
}

function isAsynchronous(call: ActionCall, response: WorkflowHttpResponse): boolean {
  return (
    response.statusCode === 202 &&
    headerOf(response.headers ?? {}, "location") !== undefined &&
    !hasOption(call.action, "DisableAsyncPattern")
  );
}

/** Asks the place that a 202 named until it answers something else. */
async function poll(
  call: ActionCall,
  request: Request,
  first: WorkflowHttpResponse,
  sending: Sending,
): Promise<Attempt> {
  const withoutBody = omit(request, "body");
  let response = first;
  let uri = request.uri;
  while (isAsynchronous(call, response)) {
    uri = new URL(headerOf(response.headers ?? {}, "location") ?? uri, uri).href;
    const pauseMs = parseRetryAfter(response) ?? pollMs;
    await call.run.sleep(pauseMs, sending.deadline);
    if (sending.deadline.aborted) return { kind: "timedOut" };
    const attempt = await send(call, { ...withoutBody, method: "GET", uri }, sending);
    if (attempt.kind !== "answer") return attempt;
    response = attempt.response;
  }
  return { kind: "answer", response };
}

function isRetryable(attempt: Attempt): boolean {
  if (attempt.kind !== "answer") return attempt.kind === "failure";
  const { statusCode } = attempt.response;
  return statusCode === 408 || statusCode === 429 || statusCode >= 500;
}

function retryAfterMs(attempt: Attempt): number | undefined {
  return attempt.kind === "answer" ? parseRetryAfter(attempt.response) : undefined;
}

/** Only seconds: a date would need the wall clock, which is not the run's. */
function parseRetryAfter(response: WorkflowHttpResponse): number | undefined {
  const text = headerOf(response.headers ?? {}, "retry-after");
  return text !== undefined && /^\d+$/.test(text) ? Number(text) * 1000 : undefined;
}

function codeOf(attempt: Attempt): string {
  if (attempt.kind === "answer") return statusName(attempt.response.statusCode);
  return attempt.kind === "failure" ? attempt.code : "ActionTimedOut";
}

function timedOut(call: ActionCall): ActionResult {
  const message = `The execution of template action '${call.name}' timed out after '${String(call.action.limit?.timeout)}'.`;
  return { status: "TimedOut", code: "ActionTimedOut", error: { code: "ActionTimedOut", message } };
}

function toResult(attempt: Attempt): ActionResult {
  if (attempt.kind === "answer") return answerResult(attempt.response);
  const message = attempt.kind === "failure" ? attempt.message : "";
  const code = codeOf(attempt);
  return { status: "Failed", code, error: { code, message } };
}

/** 2xx is a success; anything else fails the action and still gives its outputs. */
export function answerResult(response: WorkflowHttpResponse): ActionResult {
  const outputs = toHttpOutputs(response);
  const code = statusName(response.statusCode);
  if (response.statusCode >= 200 && response.statusCode < 300)
    return { status: "Succeeded", code, outputs };
  const message = `The request was answered with the status ${response.statusCode}.`;
  return { status: "Failed", code, outputs, error: { code, message } };
}
