import type { Failure } from "../../functions/src/recovery/failure.ts";
import { startOfTime } from "./delivery-world.ts";
import { numberedEvent } from "./numbered-event.ts";

/** A refused delivery to CE; tests say only what they are about. */
export function failureOf(n = 1, changes: Partial<Failure> = {}): Failure {
  const event = numberedEvent(n);
  return {
    failureId: `f0000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
    code: "CE_ROW_CLOSED",
    reason: `the row of CIV-${n} is paid`,
    stage: "delivery",
    target: "ce",
    attempts: 1,
    firstAt: startOfTime + n * 1_000,
    lastAt: startOfTime + n * 1_000,
    eventId: event.id,
    time: event.time,
    traceId: "0".repeat(32),
    flow: event.flow,
    legalEntity: "usmf",
    businessKey: event.subject,
    effectKey: event.effectkey,
    generation: 0,
    replaces: "",
    missing: [],
    body: JSON.stringify(event),
    properties: {},
    ...changes,
  };
}
