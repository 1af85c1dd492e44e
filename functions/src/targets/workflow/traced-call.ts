import type { Telemetry } from "../../platform/telemetry.ts";
import type { WorkflowCall } from "./workflow-call.ts";

/** The same call as a hop of its own: the workflow's run goes on from it. */
export function traceCall(call: WorkflowCall, target: string, telemetry: Telemetry): WorkflowCall {
  return async (body, options) => {
    const { eventId, traceparent } = options;
    const hop = telemetry.startHop({
      name: `call ${target} workflow`,
      parent: traceparent,
      kind: "call",
      attributes: { eventId },
    });
    const answer = await call(body, { ...options, traceparent: hop.traceparent });
    const success = answer.kind === "answered" && answer.status < 400;
    hop.end({ success, code: answer.kind === "noAnswer" ? answer.code : String(answer.status) });
    return answer;
  };
}
