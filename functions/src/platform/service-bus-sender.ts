import { isServiceBusError, ServiceBusClient } from "@azure/service-bus";
import type { ServiceBusMessage, ServiceBusReceiver, ServiceBusSender } from "@azure/service-bus";
import type { TokenCredential } from "@azure/identity";
import { mendLostLinks } from "./mend-lost-links.ts";
import { MessagingError } from "./messages.ts";
import type { OldestActive, OutgoingMessage, Sender } from "./messages.ts";

export interface ServiceBus {
  readonly sender: Sender;
  readonly oldestActive: OldestActive;
  /** Throws MESSAGING_UNAVAILABLE when the queue does not answer or we may not read it. */
  ping(queue: string): Promise<void>;
  /**
   * Hands over what lies in the queue's own dead-letter queue, page by page, and completes each page
   * after `work` has returned. Gives the number of messages.
   */
  drainDeadLetters(
    queue: string,
    work: (messages: readonly DrainedMessage[]) => Promise<void>,
  ): Promise<number>;
  close(): Promise<void>;
}

interface DrainedMessage {
  /** The text on the wire; no parsing was tried. */
  readonly body: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly source: string | null;
}

const drainSize = 100;
const drainPages = 50;
const drainWaitMs = 1_000;

/** Scheduled messages are peeked too, and an outage leaves thousands of them before the active ones. */
const peekSize = 250;
const peekPages = 40;

/**
 * A client whose connection is cut while it opens waits for its whole time-out, and so do its retries. The
 * time is shorter than the 10 s for which F&O waits at the HTTPS door, and the second try is ours: over a
 * new connection.
 */
const retryOptions = { maxRetries: 0, timeoutInMs: 4_000 };

/** One connection for everything; `namespace` is a host name, with a port when it is local. */
export function createServiceBus(namespace: string, credential: TokenCredential): ServiceBus {
  return createServiceBusOver(() => new ServiceBusClient(namespace, credential, { retryOptions }));
}

interface Connection {
  readonly client: ServiceBusClient;
  readonly senders: Map<string, ServiceBusSender>;
}

/**
 * `open`: a new client each time. One is kept until something fails over it; others then share the next one. A
 * client whose link for peeking hangs goes on sending, so it is not only sends that tell.
 */
export function createServiceBusOver(open: () => ServiceBusClient): ServiceBus {
  mendLostLinks();
  let current: Connection = { client: open(), senders: new Map() };
  const leave = (failed: Connection): void => {
    if (failed !== current) return;
    current = { client: open(), senders: new Map() };
    // It may hang as well; nobody waits for it.
    failed.client.close().catch(() => undefined);
  };
  /** The work over the connection of now, which is left when it fails for what a new one may mend. */
  const once = async <T>(
    work: (connection: Connection) => Promise<T>,
    isMendable: (error: unknown) => boolean,
  ): Promise<T> => {
    const connection = current;
    try {
      return await work(connection);
    } catch (error) {
      if (isMendable(error)) leave(connection);
      throw error;
    }
  };
  const twice = <T>(
    work: (connection: Connection) => Promise<T>,
    isMendable: (error: unknown) => boolean,
  ): Promise<T> =>
    once(work, isMendable).catch((error: unknown) => {
      if (!isMendable(error)) throw error;
      return once(work, isMendable);
    });
  return {
    sender: {
      // The same messages under the same ids: the copies of any that had arrived do nothing.
      send: (entity, messages) =>
        twice((to) => sendAll(senderOf(to, entity), entity, messages), isUnavailable),
    },
    oldestActive: (entity, subscription) =>
      twice(({ client }) => {
        // A new receiver peeks from the beginning, and goes on from call to call.
        const receiver =
          subscription === null
            ? client.createReceiver(entity)
            : client.createReceiver(entity, subscription);
        return closeAfter(receiver, peekOldestActive);
      }, always),
    ping: (queue) =>
      once(
        ({ client }) => closeAfter(client.createReceiver(queue), (each) => each.peekMessages(1)),
        always,
      ).then(
        () => undefined,
        (cause: unknown) => {
          throw new MessagingError("MESSAGING_UNAVAILABLE", queue, cause);
        },
      ),
    drainDeadLetters: (queue, work) =>
      // Once: part of them may be done, and the others come with the next call.
      once(({ client }) => {
        const receiver = client.createReceiver(queue, {
          subQueueType: "deadLetter",
          // Bytes as they are: what lies here is not known to be JSON.
          skipParsingBodyAsJson: true,
        });
        return closeAfter(receiver, (each) => drain(each, work));
        // Trouble of `work` is not the connection's.
      }, isServiceBusError),
    close: () => current.client.close(),
  };
}

const always = (): boolean => true;

function senderOf({ client, senders }: Connection, entity: string): ServiceBusSender {
  const known = senders.get(entity) ?? client.createSender(entity);
  senders.set(entity, known);
  return known;
}

async function closeAfter<T>(
  receiver: ServiceBusReceiver,
  work: (receiver: ServiceBusReceiver) => Promise<T>,
): Promise<T> {
  try {
    return await work(receiver);
  } finally {
    await receiver.close();
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof MessagingError && error.code === "MESSAGING_UNAVAILABLE";
}

async function drain(
  receiver: ServiceBusReceiver,
  work: (messages: readonly DrainedMessage[]) => Promise<void>,
): Promise<number> {
  let count = 0;
  for (let page = 0; page < drainPages; page += 1) {
    const received = await receiver.receiveMessages(drainSize, { maxWaitTimeInMs: drainWaitMs });
    if (received.length === 0) break;
    await work(
      received.map((message) => ({
        body: toText(message.body),
        properties: message.applicationProperties ?? {},
        source: message.deadLetterSource ?? null,
      })),
    );
    for (const message of received) await receiver.completeMessage(message);
    count += received.length;
  }
  return count;
}

function toText(body: unknown): string {
  if (typeof body === "string") return body;
  return body instanceof Uint8Array ? Buffer.from(body).toString("utf8") : JSON.stringify(body);
}

async function peekOldestActive(receiver: ServiceBusReceiver): Promise<number | null> {
  for (let page = 0; page < peekPages; page += 1) {
    const peeked = await receiver.peekMessages(peekSize);
    const active = peeked.filter((message) => message.state === "active");
    const times = active.map((message) => message.enqueuedTimeUtc?.getTime() ?? 0);
    if (times.length > 0) return Math.min(...times);
    if (peeked.length === 0) return null;
  }
  // That many and none active: better to wait than to wake what may be waiting behind them.
  return 0;
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
