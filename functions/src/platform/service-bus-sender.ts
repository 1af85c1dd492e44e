import { ServiceBusClient } from "@azure/service-bus";
import type { ServiceBusMessage, ServiceBusReceiver, ServiceBusSender } from "@azure/service-bus";
import type { TokenCredential } from "@azure/identity";
import { MessagingError } from "./messages.ts";
import type { OldestActive, OutgoingMessage, Sender } from "./messages.ts";

export interface ServiceBus {
  readonly sender: Sender;
  readonly oldestActive: OldestActive;
  close(): Promise<void>;
}

/** Scheduled and locked messages are peeked too; this many are looked through for an active one. */
const peekLimit = 250;

/** One connection for everything; `namespace` is a host name, with a port when it is local. */
export function createServiceBus(namespace: string, credential: TokenCredential): ServiceBus {
  // A function's message lock is running: fail within seconds, the trigger has its own rule for it.
  const client = new ServiceBusClient(namespace, credential, {
    retryOptions: { maxRetries: 2, retryDelayInMs: 300, timeoutInMs: 20_000 },
  });
  return createServiceBusOver(client);
}

export function createServiceBusOver(client: ServiceBusClient): ServiceBus {
  const senders = new Map<string, ServiceBusSender>();
  const receivers = new Map<string, ServiceBusReceiver>();
  const senderOf = (entity: string): ServiceBusSender => {
    const known = senders.get(entity) ?? client.createSender(entity);
    senders.set(entity, known);
    return known;
  };
  const receiverOf = (entity: string, subscription: string | null): ServiceBusReceiver => {
    const path = `${entity}/${subscription ?? ""}`;
    const known =
      receivers.get(path) ??
      (subscription === null
        ? client.createReceiver(entity)
        : client.createReceiver(entity, subscription));
    receivers.set(path, known);
    return known;
  };
  return {
    sender: { send: (entity, messages) => sendAll(senderOf(entity), entity, messages) },
    oldestActive: async (entity, subscription) => {
      const peeked = await receiverOf(entity, subscription).peekMessages(peekLimit);
      const active = peeked.filter((message) => message.state === "active");
      const times = active.map((message) => message.enqueuedTimeUtc?.getTime() ?? 0);
      return times.length === 0 ? null : Math.min(...times);
    },
    close: () => client.close(),
  };
}

async function sendAll(
  sender: ServiceBusSender,
  entity: string,
  messages: readonly OutgoingMessage[],
): Promise<void> {
  try {
    const [only] = messages;
    if (only !== undefined && messages.length === 1) {
      await sender.sendMessages(toServiceBusMessage(only));
      return;
    }
    let batch = await sender.createMessageBatch();
    for (const message of messages.map(toServiceBusMessage)) {
      if (batch.tryAddMessage(message)) continue;
      if (batch.count === 0) throw new MessagingError("MESSAGE_TOO_LARGE", entity);
      await sender.sendMessages(batch);
      batch = await sender.createMessageBatch();
      if (!batch.tryAddMessage(message)) throw new MessagingError("MESSAGE_TOO_LARGE", entity);
    }
    if (batch.count > 0) await sender.sendMessages(batch);
  } catch (error) {
    if (error instanceof MessagingError) throw error;
    const tooLarge =
      error instanceof Error && "code" in error && error.code === "MessageSizeExceeded";
    throw new MessagingError(
      tooLarge ? "MESSAGE_TOO_LARGE" : "MESSAGING_UNAVAILABLE",
      entity,
      error,
    );
  }
}

function toServiceBusMessage(message: OutgoingMessage): ServiceBusMessage {
  return {
    messageId: message.messageId,
    // Bytes, so that the client does not encode the text as JSON once more.
    body: Buffer.from(message.body, "utf8"),
    contentType: "application/json",
    applicationProperties: { ...message.properties },
    ...(message.enqueueAt === undefined
      ? {}
      : { scheduledEnqueueTimeUtc: new Date(message.enqueueAt) }),
  };
}
