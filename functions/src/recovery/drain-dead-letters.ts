import type { DeadLetterBlobs } from "../platform/dead-letter-blobs.ts";
import { entities } from "../platform/messages.ts";
import type { ServiceBus } from "../platform/service-bus-sender.ts";
import { recordFailures } from "./record-failure.ts";
import type { DeadLetter, RecordFailureDependencies } from "./record-failure.ts";

export interface DrainDependencies extends RecordFailureDependencies {
  readonly serviceBus: Pick<ServiceBus, "drainDeadLetters">;
  readonly blobs: DeadLetterBlobs;
}

/** Brings what nobody reads into the failure store: dead letters of the dead letters, Event Grid's blobs. */
export async function drainDeadLetters(
  on: DrainDependencies,
): Promise<{ readonly messages: number; readonly blobs: number }> {
  const messages = await on.serviceBus.drainDeadLetters(entities.deadLetters, async (found) => {
    const letters = found.map((message) => ({ ...message, body: parse(message.body) }));
    await recordFailures(on, letters);
  });
  const blobs = await on.blobs.drain(async (text) => {
    await recordFailures(on, toLetters(text));
  });
  return { messages, blobs };
}

/**
 * A blob holds a list of events, each with deadLetterReason, deliveryAttempts, lastDeliveryOutcome,
 * publishTime and lastDeliveryAttemptTime beside its own members.
 * https://learn.microsoft.com/azure/event-grid/manage-event-delivery
 */
function toLetters(text: string): readonly DeadLetter[] {
  const parsed = parse(text);
  const events: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed];
  return events.map((event) => ({
    body: event,
    properties: { code: "EVENT_GRID_UNDELIVERED", reason: reasonOf(event) },
    source: "event-grid",
  }));
}

function reasonOf(event: unknown): string {
  if (typeof event !== "object" || event === null) return "Event Grid gave no reason";
  const { deadLetterReason, lastDeliveryOutcome } = event as Record<string, unknown>;
  const parts = [deadLetterReason, lastDeliveryOutcome].filter((part) => typeof part === "string");
  return parts.length === 0 ? "Event Grid gave no reason" : parts.join(", ");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
