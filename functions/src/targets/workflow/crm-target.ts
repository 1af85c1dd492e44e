import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import type { CompiledMapping } from "../../flows/compile-mapping.ts";
import { mapEvent } from "../../flows/map-event.ts";
import type { DeliveryRequest, Outcome, Target } from "../target.ts";
import { toReject, toRetry } from "./to-outcome.ts";
import type { WorkflowCall } from "./workflow-call.ts";

export interface CrmTargetOptions {
  readonly name: string;
  readonly call: WorkflowCall;
  readonly mappingOf: (event: CanonicalEvent) => CompiledMapping;
  /** `dryRun`: everything but the call. */
  readonly modeOf: (event: CanonicalEvent) => "dryRun" | "live";
}

/**
 * The CRM behind the workflow `invoice-to-crm`. Its write is an upsert by external id (the effect key),
 * so a call that may or may not have happened is simply made again.
 */
export function createCrmTarget(options: CrmTargetOptions): Target<CanonicalEvent> {
  const deliver = async (
    request: DeliveryRequest<CanonicalEvent>,
    signal: AbortSignal,
  ): Promise<Outcome | null> => {
    if (signal.aborted) return null;
    const { body: event } = request;
    const { record } = await mapEvent(options.mappingOf(event), event, noLookups);
    const message = { effectKey: event.effectkey, ...record };
    if (options.modeOf(event) === "dryRun") {
      return { kind: "skipped", rule: "DRY_RUN", wouldSend: message, asked: false };
    }
    const answer = await options.call(message, {
      traceparent: request.traceparent,
      eventId: request.eventId,
      signal,
    });
    // Our own time was up: what an upsert did is found again, so the call is simply still to be made.
    if (answer.kind === "noAnswer" && answer.code === "ABORTED") return null;
    if (answer.kind !== "answered") return toRetry(answer, "CRM");
    if (answer.body.status === "delivered" && answer.body.reference !== undefined) {
      return { kind: "delivered", reference: answer.body.reference };
    }
    return answer.body.status === "reject" ? toReject(answer.body, "CRM") : toRetry(answer, "CRM");
  };
  return {
    name: options.name,
    deliver: (requests, signal) => Promise.all(requests.map((each) => deliver(each, signal))),
  };
}

/** A CRM mapping has no lookups: the workflow's system has no tables that we could ask. */
const noLookups = (requests: readonly unknown[]): Promise<null[]> =>
  Promise.resolve(requests.map(() => null));
