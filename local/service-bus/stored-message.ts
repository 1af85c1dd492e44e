import { toDeliveredBytes } from "./delivered-message.ts";
import type { RawMessage } from "./raw-message.ts";

/** A message on its way into an entity: from a sender, a schedule, a topic or another entity. */
export interface Arrival {
  readonly raw: RawMessage;
  /** Times that it was forwarded from entity to entity; more than four is refused. */
  readonly hops: number;
  readonly wasScheduled?: boolean;
  /** The number that it had where it was first sent; absent for a first arrival. */
  readonly enqueuedSequenceNumber?: number;
  /** The entity that dead-lettered it, when it came from there by forwarding. */
  readonly deadLetterSource?: string;
}

/** A message's record in one queue, subscription or dead-letter queue; only that entity changes it. */
export interface StoredMessage {
  raw: RawMessage;
  readonly sequenceNumber: number;
  readonly enqueuedSequenceNumber: number;
  readonly enqueuedAtMs: number;
  readonly timeToLiveMs: number;
  readonly expiresAtMs: number;
  readonly wasScheduled: boolean;
  readonly hops: number;
  readonly deadLetterSource: string | undefined;
  deliveryCount: number;
  /** Deferred messages stay so while they are locked. */
  deferred: boolean;
  place: "ready" | "locked" | "deferred" | "gone";
  lockedUntilMs: number | undefined;
}

export interface StoredMessageOptions {
  readonly sequenceNumber: number;
  readonly enqueuedAtMs: number;
  /** The entity's; a message's own may only shorten it. */
  readonly timeToLiveMs: number;
  readonly expires: boolean;
}

export function toStoredMessage(arrival: Arrival, options: StoredMessageOptions): StoredMessage {
  const { sequenceNumber, enqueuedAtMs } = options;
  const timeToLiveMs = Math.min(arrival.raw.timeToLiveMs ?? Infinity, options.timeToLiveMs);
  return {
    raw: arrival.raw,
    sequenceNumber,
    enqueuedSequenceNumber: arrival.enqueuedSequenceNumber ?? sequenceNumber,
    enqueuedAtMs,
    timeToLiveMs,
    expiresAtMs: options.expires ? enqueuedAtMs + timeToLiveMs : Infinity,
    wasScheduled: arrival.wasScheduled ?? false,
    hops: arrival.hops,
    deadLetterSource: arrival.deadLetterSource,
    deliveryCount: 0,
    deferred: false,
    place: "ready",
    lockedUntilMs: undefined,
  };
}

/** The message as it arrives elsewhere: its record here is not part of it. */
export function toArrival(message: StoredMessage): Arrival {
  return {
    raw: message.raw,
    hops: message.hops,
    wasScheduled: message.wasScheduled,
    enqueuedSequenceNumber: message.enqueuedSequenceNumber,
    ...(message.deadLetterSource === undefined
      ? {}
      : { deadLetterSource: message.deadLetterSource }),
  };
}

export type PeekedState = "active" | "deferred" | "scheduled";

export function toPeekedState(message: StoredMessage): PeekedState {
  if (message.deferred) return "deferred";
  return message.wasScheduled ? "scheduled" : "active";
}

const stateCodes = { active: 0, deferred: 1, scheduled: 2 } as const;

/** The bytes that a receiver gets; a locked message says until when. */
export function toBytes(message: StoredMessage): Buffer {
  return toDeliveredBytes(message.raw, {
    deliveryCount: message.deliveryCount,
    sequenceNumber: message.sequenceNumber,
    enqueuedSequenceNumber: message.enqueuedSequenceNumber,
    enqueuedAtMs: message.enqueuedAtMs,
    timeToLiveMs: message.timeToLiveMs === Infinity ? undefined : message.timeToLiveMs,
    lockedUntilMs: message.lockedUntilMs,
    state: stateCodes[toPeekedState(message)],
    deadLetterSource: message.deadLetterSource,
  });
}
