import { randomUUID } from "node:crypto";
import type { LocalClock } from "../clock.ts";
import { toAttributes } from "./delivery-attributes.ts";
import type { DeliveryAttempt } from "./delivery.ts";
import type { DeliveryOutcome } from "./delivery-outcome.ts";
import { EventGridError } from "./event-grid-error.ts";
import type { AttributeMapping } from "./event-subscription.ts";
import type { EventSchema, GridEvent } from "./grid-event.ts";
import { toAegProperties } from "./service-bus-destination.ts";

export interface Webhook {
  readonly url: string;
  readonly schema: EventSchema;
  readonly subscriptionName: string;
  readonly mappings: readonly AttributeMapping[];
  readonly topicId: string;
  readonly clock: LocalClock;
  readonly fetch: typeof fetch;
}

/** https://learn.microsoft.com/azure/event-grid/delivery-and-retry: an answer later than this is none. */
const answerWithinMs = 30_000;
const requestOrigin = "eventgrid.azure.net";

/** Event Grid counts these as success and nothing else, not even other 2xx. */
const successStatuses = [200, 201, 202, 203, 204];

const statusOutcomes: Readonly<Record<number, DeliveryOutcome>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  408: "TimedOut",
  413: "PayloadTooLarge",
  429: "Busy",
  503: "Busy",
};

export async function deliverToWebhook(
  webhook: Webhook,
  attempt: DeliveryAttempt<GridEvent>,
): Promise<DeliveryOutcome> {
  const { event, deliveryCount } = attempt;
  const isCloudEvent = event.schema === "CloudEventSchemaV1_0";
  const headers = new Headers(toAegProperties(event, webhook.subscriptionName, deliveryCount));
  for (const [name, value] of Object.entries(toAttributes(webhook.mappings, event))) {
    headers.set(name, String(value));
  }
  headers.set(
    "content-type",
    `application/${isCloudEvent ? "cloudevents+json" : "json"}; charset=utf-8`,
  );
  const body = JSON.stringify(isCloudEvent ? event.body : [event.body]);
  const answer = await request(webhook, { method: "POST", headers, body });
  if (typeof answer === "string") return answer;
  await answer.body?.cancel();
  if (successStatuses.includes(answer.status)) return "Delivered";
  return statusOutcomes[answer.status] ?? "Aborted";
}

/** The handshake that keeps Event Grid from being turned against others; throws without consent. */
export async function validateWebhook(webhook: Webhook): Promise<void> {
  const consents =
    webhook.schema === "CloudEventSchemaV1_0"
      ? await allowsOrigin(webhook)
      : await returnsValidationCode(webhook);
  if (consents) return;
  throw new EventGridError(
    "ENDPOINT_VALIDATION_FAILED",
    `${webhook.url} did not answer the validation handshake of ${webhook.subscriptionName}`,
  );
}

async function returnsValidationCode(webhook: Webhook): Promise<boolean> {
  const validationCode = randomUUID();
  const event = {
    id: randomUUID(),
    topic: webhook.topicId,
    subject: "",
    eventType: "Microsoft.EventGrid.SubscriptionValidationEvent",
    eventTime: new Date(webhook.clock.now()).toISOString(),
    metadataVersion: "1",
    dataVersion: "2",
    data: { validationCode },
  };
  const answer = await request(webhook, {
    method: "POST",
    headers: {
      "content-type": "application/json; charset=utf-8",
      "aeg-event-type": "SubscriptionValidation",
      "aeg-subscription-name": webhook.subscriptionName.toUpperCase(),
    },
    body: JSON.stringify([event]),
  });
  // Exactly 200: Azure takes a 202 for "not yet".
  if (typeof answer === "string" || answer.status !== 200) return false;
  const body: unknown = await answer.json().catch(() => undefined);
  return (
    typeof body === "object" &&
    body !== null &&
    "validationResponse" in body &&
    body.validationResponse === validationCode
  );
}

async function allowsOrigin(webhook: Webhook): Promise<boolean> {
  const answer = await request(webhook, {
    method: "OPTIONS",
    headers: { "webhook-request-origin": requestOrigin },
  });
  if (typeof answer === "string") return false;
  await answer.body?.cancel();
  const allowed = answer.headers.get("webhook-allowed-origin");
  return answer.ok && (allowed === "*" || allowed === requestOrigin);
}

async function request(webhook: Webhook, init: RequestInit): Promise<Response | DeliveryOutcome> {
  const timeout = new AbortController();
  const timer = webhook.clock.setTimer(() => timeout.abort(), answerWithinMs);
  try {
    return await webhook.fetch(webhook.url, {
      ...init,
      redirect: "manual",
      signal: timeout.signal,
    });
  } catch {
    return timeout.signal.aborted ? "TimedOut" : "SocketError";
  } finally {
    timer.cancel();
  }
}
