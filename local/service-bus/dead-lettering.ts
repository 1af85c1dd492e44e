import { BrokerError } from "./broker-error.ts";
import type { QueueSettings } from "./entity-properties.ts";
import type { Namespace } from "./namespace.ts";
import { withApplicationProperties } from "./raw-message.ts";
import type { Arrival } from "./stored-message.ts";

/** Why a message is dead-lettered; becomes application properties of the same meaning. */
export interface DeadLetterCause {
  readonly reason: string | undefined;
  readonly description: string | undefined;
  /** Application properties that the receiver sets on the way. */
  readonly properties: Readonly<Record<string, unknown>>;
}

export const expired: DeadLetterCause = {
  reason: "TTLExpiredException",
  description: "The message expired and was dead lettered.",
  properties: {},
};

/** A copy for a session's subscription, or a forwarded message, that names no session. */
export const withoutSession: DeadLetterCause = {
  reason: "Session ID is null.",
  description: "Session enabled entity doesn't allow a message whose session identifier is null.",
  properties: {},
};

export function toWornOut(maxDeliveryCount: number): DeadLetterCause {
  return {
    reason: "MaxDeliveryCountExceeded",
    description: `Message could not be consumed after ${maxDeliveryCount} delivery attempts.`,
    properties: {},
  };
}

interface DeadLetterStore {
  admit(arrival: Arrival): void;
}

export interface DeadLetteringOptions {
  readonly namespace: Namespace;
  /** The entity whose letters these are. */
  readonly path: string;
  readonly settings: QueueSettings;
  readonly letters: DeadLetterStore;
  /** Where messages go that could not be forwarded. */
  readonly transferLetters: DeadLetterStore;
}

// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-auto-forwarding
const maxHops = 4;

/**
 * What leaves an entity other than to a receiver: its dead letters, which stay in its own dead-letter
 * queue or go on to another entity, and its messages when it forwards them.
 */
export class DeadLettering {
  readonly #options: DeadLetteringOptions;

  constructor(options: DeadLetteringOptions) {
    this.#options = options;
  }

  /** Body and properties stay as they are; the reason is added. */
  receive(arrival: Arrival, cause: DeadLetterCause): void {
    const { path, settings, letters, namespace } = this.#options;
    const letter = toLetter(arrival, cause);
    if (settings.forwardDeadLettersTo === undefined) {
      letters.admit(letter);
      return;
    }
    const forwarded = { ...letter, hops: arrival.hops + 1, deadLetterSource: path };
    const failure = this.#tryForward(settings.forwardDeadLettersTo, forwarded);
    if (failure === undefined) return;
    namespace.log(`${path}: a dead letter stays here: ${failure.message}`);
    letters.admit(letter);
  }

  /** A message that cannot be forwarded becomes a dead letter of this entity. */
  forward(targetPath: string, arrival: Arrival): void {
    if (arrival.hops >= maxHops) {
      this.#options.letters.admit(toLetter(arrival, tooManyHops));
      return;
    }
    const failure = this.#tryForward(targetPath, { ...arrival, hops: arrival.hops + 1 });
    if (failure === undefined) return;
    const cause = { reason: failure.condition, description: failure.message, properties: {} };
    this.#options.transferLetters.admit(toLetter(arrival, cause));
  }

  #tryForward(targetPath: string, arrival: Arrival): BrokerError | undefined {
    try {
      if (arrival.hops > maxHops) {
        throw new BrokerError("amqp:not-allowed", tooManyHops.description);
      }
      this.#options.namespace.forward(targetPath, arrival);
      return undefined;
    } catch (error) {
      if (error instanceof BrokerError) return error;
      throw error;
    }
  }
}

const tooManyHops = {
  reason: "MaxTransferHopCountExceeded",
  description: `A message may be forwarded at most ${maxHops} times.`,
  properties: {},
};

function toLetter(arrival: Arrival, cause: DeadLetterCause): Arrival {
  const reasons: Record<string, unknown> = {};
  if (cause.reason !== undefined) reasons["DeadLetterReason"] = cause.reason;
  if (cause.description !== undefined) reasons["DeadLetterErrorDescription"] = cause.description;
  return {
    ...arrival,
    raw: withApplicationProperties(arrival.raw, { ...cause.properties, ...reasons }),
  };
}
