/*
 * Steps of the workflows that write nothing, asked about something that nobody has: an answer proves the
 * function app's token, the workflow's identity, its secret and the system behind it.
 */
import { toRootTraceparent } from "../../platform/trace.ts";
import type { AskBehind } from "../probe.ts";
import type { CrmPlace } from "./read-crm-keys.ts";
import { toReject, toRetry } from "./to-outcome.ts";
import type { WorkflowAnswer, WorkflowCall } from "./workflow-call.ts";

export function createAskCrm(call: WorkflowCall, place: CrmPlace): AskBehind {
  return async (id, signal) => {
    const question = { step: "read", ...place, effectKeys: [id] };
    const answer = await call(question, toContext(id, signal));
    if (answer.kind === "answered" && answer.body.status === "read") return reached;
    return toRetry(answer, "CRM");
  };
}

export function createAskMail(call: WorkflowCall): AskBehind {
  return async (id, signal) => {
    const question = { step: "status", operationId: id, generation: 0 };
    const answer = await call(question, toContext(id, signal));
    // Nothing was ever sent under this id.
    if (answer.kind === "answered" && answer.body.status === "absent") return reached;
    return isReject(answer) ? toReject(answer.body, "MAIL") : toRetry(answer, "MAIL");
  };
}

const reached = { kind: "skipped", rule: "DRY_RUN" } as const;

function isReject(answer: WorkflowAnswer): answer is Extract<WorkflowAnswer, { kind: "answered" }> {
  return answer.kind === "answered" && answer.body.status === "reject";
}

function toContext(
  eventId: string,
  signal: AbortSignal,
): { readonly eventId: string; readonly traceparent: string; readonly signal: AbortSignal } {
  return { eventId, traceparent: toRootTraceparent(eventId), signal };
}
