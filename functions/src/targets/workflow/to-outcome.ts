import type { Outcome } from "../target.ts";
import type { WorkflowAnswer } from "./workflow-call.ts";

/**
 * What a failed or refused call means when the effect may be repeated safely, or surely did not happen.
 * `prefix` makes the codes the target's own: CRM_…, MAIL_….
 */
export function toRetry(answer: WorkflowAnswer, prefix: "CRM" | "MAIL"): Outcome {
  switch (answer.kind) {
    case "noAnswer":
      return {
        kind: "retry",
        code: `${prefix}_UNREACHABLE`,
        reason: `the workflow gave no answer (${answer.code})`,
        // A call that arrived and was not answered is this document's own attempt: one invoice that is
        // always too slow must not close the gate for all.
        unreachable: !answer.sent,
        silent: answer.sent,
      };
    case "refused":
      return {
        kind: "retry",
        code: answer.status === 429 ? `${prefix}_THROTTLED` : `${prefix}_WORKFLOW_REFUSED`,
        reason: answer.reason,
        // Wrong rights or a disabled workflow are an outage for everybody, not this invoice's attempt.
        unreachable: answer.status !== 429,
        ...toAfter({ isThrottled: answer.status === 429, afterMs: answer.afterMs ?? 0 }),
      };
    case "answered": {
      const { code, reason, retryAfterSeconds } = answer.body;
      return {
        kind: "retry",
        code: code ?? `${prefix}_FAILED`,
        reason: reason ?? `the workflow answered ${answer.status}`,
        ...toAfter({
          isThrottled: code === `${prefix}_THROTTLED`,
          afterMs: (retryAfterSeconds ?? 0) * 1_000,
        }),
      };
    }
  }
}

/** A throttling that does not say for how long, or for no time at all, is one for half a minute. */
const defaultThrottleMs = 30_000;

function toAfter(told: { readonly isThrottled: boolean; readonly afterMs: number }): {
  readonly afterMs?: number;
} {
  if (told.afterMs > 0) return { afterMs: told.afterMs };
  return told.isThrottled ? { afterMs: defaultThrottleMs } : {};
}

/** A workflow's "reject" as an outcome. */
export function toReject(
  body: { readonly code?: string; readonly reason?: string },
  prefix: "CRM" | "MAIL",
): Outcome {
  return {
    kind: "reject",
    code: body.code ?? `${prefix}_REJECTED`,
    reason: body.reason ?? "the workflow gave no reason",
  };
}
