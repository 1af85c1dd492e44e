import type { DeliveryAttempt } from "./delivery.ts";
import type { DeliveryOutcome } from "./delivery-outcome.ts";
import { toAttributes } from "./delivery-attributes.ts";
import type { AttributeValues } from "./delivery-attributes.ts";
import type { AttributeMapping } from "./event-subscription.ts";
import type { GridEvent } from "./grid-event.ts";

/** What Event Grid puts on a queue or topic: one event as its JSON, the facts of the delivery as properties. */
export interface ServiceBusDelivery {
  /** Event Grid's own id of the delivery: the same over redeliveries, so duplicate detection works. */
  readonly messageId: string;
  readonly body: string;
  readonly contentType: string;
  readonly applicationProperties: AttributeValues;
  readonly sessionId?: string;
  readonly correlationId?: string;
  readonly subject?: string;
  readonly to?: string;
  readonly replyTo?: string;
}

type BrokerField = "messageId" | "sessionId" | "correlationId" | "subject" | "to" | "replyTo";

/** Mapped names that set the message's own properties instead of application properties. */
const brokerFields: Readonly<Record<string, BrokerField>> = {
  MessageId: "messageId",
  SessionId: "sessionId",
  CorrelationId: "correlationId",
  Label: "subject",
  To: "to",
  ReplyTo: "replyTo",
};

export function toServiceBusDelivery(
  { event, deliveryId, deliveryCount }: DeliveryAttempt<GridEvent>,
  subscriptionName: string,
  mappings: readonly AttributeMapping[],
): ServiceBusDelivery {
  const mapped = toAttributes(mappings, event);
  const fields: Partial<Record<BrokerField, string>> = {};
  const applicationProperties: Record<string, string | number | boolean> = {
    ...toAegProperties(event, subscriptionName, deliveryCount),
  };
  for (const [name, value] of Object.entries(mapped)) {
    const field = brokerFields[name];
    if (field === undefined) applicationProperties[name] = value;
    else fields[field] = String(value);
  }
  return {
    messageId: deliveryId,
    body: JSON.stringify(event.body),
    contentType:
      event.schema === "EventGridSchema"
        ? "application/json; charset=utf-8"
        : "application/cloudevents+json; charset=utf-8",
    ...fields,
    applicationProperties,
  };
}

/** Also the headers of a webhook's request. */
export function toAegProperties(
  { schema, body }: GridEvent,
  subscriptionName: string,
  deliveryCount: number,
): Readonly<Record<string, string>> {
  const text = (name: string): string => (typeof body[name] === "string" ? body[name] : "");
  return {
    "aeg-event-type": "Notification",
    "aeg-subscription-name": subscriptionName.toUpperCase(),
    "aeg-delivery-count": String(deliveryCount),
    "aeg-output-event-id": text("id"),
    ...(schema === "EventGridSchema"
      ? {
          "aeg-metadata-version": text("metadataVersion"),
          "aeg-data-version": text("dataVersion"),
        }
      : { "aeg-metadata-version": text("specversion") }),
  };
}

/** AMQP conditions of a refused send, as Event Grid names what happened. */
const outcomes: Readonly<Record<string, DeliveryOutcome>> = {
  "amqp:not-found": "NotFound",
  "amqp:unauthorized-access": "Unauthorized",
  "amqp:not-allowed": "SessionQueueNotSupported",
  "amqp:link:message-size-exceeded": "PayloadTooLarge",
  "amqp:decode-error": "BadRequest",
  "amqp:resource-limit-exceeded": "Full",
  "com.microsoft:entity-disabled": "Disabled",
  "com.microsoft:argument-error": "BadRequest",
  "com.microsoft:server-busy": "Busy",
  "com.microsoft:timeout": "TimedOut",
};

/** What a failed send to the broker means; anything unknown is tried again. */
export function toServiceBusOutcome(thrown: unknown): DeliveryOutcome {
  if (typeof thrown !== "object" || thrown === null) return "Aborted";
  const condition = "condition" in thrown ? thrown.condition : undefined;
  return (typeof condition === "string" ? outcomes[condition] : undefined) ?? "Aborted";
}
