import { randomUUID } from "node:crypto";
import type { Clock } from "../platform/clock.ts";
import { limitTime } from "../platform/limit-time.ts";
import type { OutgoingMessage, Sender } from "../platform/messages.ts";
import { TableError } from "../platform/table-store.ts";
import type { Telemetry } from "../platform/telemetry.ts";

/** A message as a trigger got it. */
export interface Arrived {
  /** What the host made of the body: parsed JSON, or text that is none. */
  readonly body: unknown;
  /** 1 on the first delivery; null when the host's arrays do not line up. */
  readonly deliveryCount: number | null;
}

export interface RunBatchDependencies {
  readonly sender: Sender;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
}

export interface BatchPlace {
  readonly name: string;
  readonly entity: string;
  /** What brings a copy back to this function: the subscription's filter property. */
  readonly routing: Readonly<Record<string, string>>;
}

/** Of the lock's five minutes; the rest is for writing down what was done. */
const workMs = 4 * 60_000;
/** Deliveries of a message after which it is suspected of bringing its whole batch down. */
const sharedDeliveries = 2;
const firstCopyMs = 30_000;
const copySpreadMs = 90_000;

/**
 * Runs a trigger's batch: whatever was delivered more than twice alone, the rest together, all of it for
 * at most four minutes: the messages' locks began together. When the ledger is away an unchanged copy goes 30–120 s ahead and the message is
 * completed. Throws only when Service Bus itself fails, or for a fault of our own: then the host
 * abandons the messages and Service Bus brings them again.
 */
export async function runBatch(
  on: RunBatchDependencies,
  place: BatchPlace,
  arrived: readonly Arrived[],
  work: (batch: readonly Arrived[], signal: AbortSignal) => Promise<unknown>,
): Promise<void> {
  const isSuspect = (message: Arrived): boolean => (message.deliveryCount ?? 1) > sharedDeliveries;
  const together = arrived.filter((message) => !isSuspect(message));
  const batches = [
    ...(together.length === 0 ? [] : [together]),
    ...arrived.filter(isSuspect).map((message) => [message]),
  ];
  const failures: unknown[] = [];
  const deadline = on.clock.now() + workMs;
  for (const batch of batches) {
    try {
      // A part without time still runs: it sends its deliveries on as their own hops and calls nobody.
      await limitTime(on.clock, deadline - on.clock.now(), (signal) => work(batch, signal));
    } catch (error) {
      if (isLedgerAway(error)) await sendAhead(on, place, batch);
      else failures.push(error);
    }
  }
  // One that fails must not keep the others from being tried.
  if (failures.length > 0) throw failures[0];
}

function isLedgerAway(error: unknown): boolean {
  return error instanceof TableError && error.code === "UNAVAILABLE";
}

async function sendAhead(
  on: RunBatchDependencies,
  place: BatchPlace,
  batch: readonly Arrived[],
): Promise<void> {
  const now = on.clock.now();
  await on.sender.send(
    place.entity,
    batch.map(({ body }): OutgoingMessage => ({
      // Never used before: duplicate detection must not take the copy for its original.
      messageId: randomUUID(),
      body: typeof body === "string" ? body : JSON.stringify(body),
      properties: place.routing,
      enqueueAt: now + firstCopyMs + Math.round(on.random() * copySpreadMs),
    })),
  );
  on.telemetry.event("ledgerAway", { name: place.name, messages: batch.length });
}
