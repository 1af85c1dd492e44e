import type { DeadLetter } from "./delivery.ts";
import type { GridEvent } from "./grid-event.ts";

/** `<SUBSCRIPTION>/<yyyy>/<M>/<d>/<H>/<id>.json`, UTC and without leading zeros. */
export function toDeadLetterPath(subscriptionName: string, nowMs: number, id: string): string {
  const date = new Date(nowMs);
  const parts = [
    date.getUTCFullYear(),
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCHours(),
  ];
  return `${subscriptionName.toUpperCase()}/${parts.join("/")}/${id}.json`;
}

/** A JSON array with the event and why it was given up, in the names of its schema. */
export function toDeadLetterBody({ event, ...facts }: DeadLetter<GridEvent>): string {
  const { lastAttemptAt } = facts;
  const story: Readonly<Record<string, string | number>> = {
    deadLetterReason: facts.reason,
    deliveryAttempts: facts.attempts,
    lastDeliveryOutcome: facts.lastOutcome,
    publishTime: new Date(facts.publishedAt).toISOString(),
    ...(lastAttemptAt !== undefined && {
      lastDeliveryAttemptTime: new Date(lastAttemptAt).toISOString(),
    }),
  };
  const isCloudEvent = event.schema === "CloudEventSchemaV1_0";
  // Names of CloudEvents extensions have lower-case letters only.
  const named = Object.entries(story).map(([name, value]) => [
    isCloudEvent ? name.toLowerCase() : name,
    value,
  ]);
  return JSON.stringify([{ ...event.body, ...Object.fromEntries(named) }]);
}
