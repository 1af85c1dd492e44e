import { CausewayError } from "./causeway-error.ts";

export interface OutgoingMessage {
  /** Never used again for a different message: duplicate detection would drop that one silently. */
  readonly messageId: string;
  /** The exact text on the wire, JSON in all our own messages. */
  readonly body: string;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  /** Epoch ms; now or past sends at once. */
  readonly enqueueAt?: number;
}

/** Resolves once Service Bus has acknowledged every message; throws MESSAGING_UNAVAILABLE otherwise. */
export interface Sender {
  send(entity: string, messages: readonly OutgoingMessage[]): Promise<void>;
}

export type MessagingErrorCode = "MESSAGING_UNAVAILABLE" | "MESSAGE_TOO_LARGE";

export class MessagingError extends CausewayError<MessagingErrorCode> {
  constructor(code: MessagingErrorCode, entity: string, cause?: unknown) {
    super(
      code,
      code === "MESSAGE_TOO_LARGE"
        ? `A message for ${entity} is over the namespace's size limit.`
        : `Service Bus did not acknowledge a send to ${entity}.`,
      {
        fate: code === "MESSAGE_TOO_LARGE" ? "permanent" : "transient",
        ids: { entity },
        cause,
      },
    );
    this.name = "MessagingError";
  }
}

/** When the oldest message that a consumer could take now was enqueued (epoch ms); null when none waits. */
export type OldestActive = (entity: string, subscription: string | null) => Promise<number | null>;

/** Names that infra, triggers and code agree on. */
export const entities = {
  businessEvents: "business-events",
  integrationEvents: "integration-events",
  deadLetters: "dead-letters",
} as const;

/** What routes a message to a target's subscription. */
export function routingProperty(target: string): string {
  return `to_${target}`;
}
