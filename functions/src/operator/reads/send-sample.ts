import { randomUUID } from "node:crypto";
import { toStableId } from "../../platform/effect-key.ts";
import type { Clock } from "../../platform/clock.ts";
import { entities } from "../../platform/messages.ts";
import type { Sender } from "../../platform/messages.ts";
import type { SampleAnswer } from "./answers.ts";
import { sampleEvents } from "./sample-documents.ts";

export interface SampleRequest {
  /** Name of a sample, or a business event as F&O would send it. */
  readonly event: string | Readonly<Record<string, unknown>>;
  readonly legalEntity?: string;
  readonly number?: string;
}

/** Undefined: there is no sample of that name. */
export async function sendSample(
  on: { readonly sender: Sender; readonly clock: Clock },
  request: SampleRequest,
): Promise<SampleAnswer | undefined> {
  const { event, legalEntity, number } = request;
  const sample = typeof event === "string" ? sampleEvents[event] : event;
  if (sample === undefined) return undefined;
  const time = new Date(on.clock.now()).toISOString();
  const eventId = randomUUID();
  const sent = {
    ...sample,
    // Always new ones: a sample never stands for an event that F&O raised.
    EventId: eventId.toUpperCase(),
    EventTimeIso8601: time,
    EventTime: `/Date(${on.clock.now()})/`,
    ...(legalEntity === undefined
      ? {}
      : { BusinessEventLegalEntity: legalEntity, LegalEntity: legalEntity }),
    ...(number === undefined ? {} : { InvoiceId: number }),
  };
  const body = JSON.stringify(sent);
  const messageId = toStableId("sample", body);
  await on.sender.send(entities.businessEvents, [{ messageId, body, properties: {} }]);
  const businessEventId = sample["BusinessEventId"];
  return {
    eventId,
    businessEventId: typeof businessEventId === "string" ? businessEventId : "",
    time,
  };
}
