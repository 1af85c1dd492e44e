import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { ServiceBusReceiver, ServiceBusSender } from "@azure/service-bus";

import { only, startWorld, type ServiceBusWorld } from "./service-bus-world.ts";

let world: ServiceBusWorld;
let queue: string;
let sender: ServiceBusSender;
let receiver: ServiceBusReceiver;
let queueCount = 0;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => world.close());

/** Each test has a queue of its own. */
function openQueue(props: Readonly<Record<string, unknown>> = {}): void {
  queueCount += 1;
  queue = `queue-${queueCount}`;
  world.broker.createQueue(queue, { lockDuration: "PT1M", ...props });
  sender = world.client.createSender(queue);
  receiver = world.client.createReceiver(queue);
}

describe("the client on a queue", () => {
  beforeEach(() => openQueue());

  it("receives what was sent, with its properties, and completes it", async () => {
    await sender.sendMessages({
      body: { invoice: "INV/1", amount: 5.5 },
      messageId: "m1",
      subject: "s",
      correlationId: "c",
      contentType: "application/json",
      applicationProperties: { text: "é", whole: 5, flag: true },
    });
    const message = only(await receiver.receiveMessages(1));
    expect(message).toMatchObject({
      body: { invoice: "INV/1", amount: 5.5 },
      messageId: "m1",
      subject: "s",
      correlationId: "c",
      contentType: "application/json",
      applicationProperties: { text: "é", whole: 5, flag: true },
      deliveryCount: 0,
    });
    await receiver.completeMessage(message);
    expect(world.broker.counts(queue).active).toBe(0);
  });

  it("gets an abandoned message again with a higher count and the properties it set", async () => {
    await sender.sendMessages({ body: "a" });
    await receiver.abandonMessage(only(await receiver.receiveMessages(1)), { tries: 1 });
    const again = only(await receiver.receiveMessages(1));
    expect(again).toMatchObject({ deliveryCount: 1, applicationProperties: { tries: 1 } });
  });

  it("loses a lock that expires, and cannot settle with it", async () => {
    await sender.sendMessages({ body: "a" });
    const message = only(await receiver.receiveMessages(1));
    await world.clock.advance(60_000);
    await expect(receiver.completeMessage(message)).rejects.toMatchObject({
      code: "MessageLockLost",
    });
    expect(only(await receiver.receiveMessages(1)).deliveryCount).toBe(1);
  });

  it("keeps a lock that it renews", async () => {
    await sender.sendMessages({ body: "a" });
    const message = only(await receiver.receiveMessages(1));
    await world.clock.advance(50_000);
    const until = await receiver.renewMessageLock(message);
    expect(until.getTime()).toBe(world.clock.now() + 60_000);
    await world.clock.advance(50_000);
    await receiver.completeMessage(message);
    expect(world.broker.counts(queue).active).toBe(0);
  });

  it("defers a message and gets it by its number", async () => {
    await sender.sendMessages({ body: "a" });
    const message = only(await receiver.receiveMessages(1));
    await receiver.deferMessage(message, { why: "later" });
    const number = message.sequenceNumber;
    if (number === undefined) throw new Error("The message has no sequence number.");
    const deferred = only(await receiver.receiveDeferredMessages(number));
    expect(deferred).toMatchObject({ state: "deferred", applicationProperties: { why: "later" } });
    await receiver.completeMessage(deferred);
    await expect(receiver.receiveDeferredMessages(number)).rejects.toMatchObject({
      code: "MessageNotFound",
    });
  });

  it("dead-letters with a reason and properties, and reads the dead letter", async () => {
    await sender.sendMessages({ body: "a", applicationProperties: { kept: "yes" } });
    await receiver.deadLetterMessage(only(await receiver.receiveMessages(1)), {
      deadLetterReason: "CE_ROW_CLOSED",
      deadLetterErrorDescription: "The row is closed.",
      stage: "deliver",
    });
    const letters = world.client.createReceiver(queue, { subQueueType: "deadLetter" });
    const letter = only(await letters.receiveMessages(1));
    expect(letter).toMatchObject({
      body: "a",
      deadLetterReason: "CE_ROW_CLOSED",
      deadLetterErrorDescription: "The row is closed.",
      applicationProperties: { kept: "yes", stage: "deliver" },
    });
    await letters.completeMessage(letter);
    expect(world.broker.counts(queue).deadLetter).toBe(0);
  });

  it("settles by the management link after the receiver's link was closed", async () => {
    await sender.sendMessages({ body: "a" });
    const message = only(await receiver.receiveMessages(1));
    await receiver.close();
    await world.client.createReceiver(queue).completeMessage(message);
    expect(world.broker.counts(queue).active).toBe(0);
  });

  it("schedules a message and cancels another", async () => {
    const soon = new Date(world.clock.now() + 60_000);
    const [, cancelled] = await sender.scheduleMessages([{ body: "kept" }, { body: "gone" }], soon);
    if (cancelled === undefined) throw new Error("No sequence number was answered.");
    await sender.cancelScheduledMessages(cancelled);
    expect(world.broker.counts(queue)).toMatchObject({ active: 0, scheduled: 1 });
    await expect(sender.cancelScheduledMessages(cancelled)).rejects.toMatchObject({
      code: "MessageNotFound",
    });
    await world.clock.advance(60_000);
    const message = only(await receiver.receiveMessages(1));
    expect(message.body).toBe("kept");
    expect(message.scheduledEnqueueTimeUtc).toEqual(soon);
  });

  it("sends a message with a time of its own for later", async () => {
    const scheduledEnqueueTimeUtc = new Date(world.clock.now() + 30_000);
    await sender.sendMessages({ body: "a", scheduledEnqueueTimeUtc });
    expect(world.broker.counts(queue)).toMatchObject({ active: 0, scheduled: 1 });
  });

  it("peeks at ready, locked and scheduled messages without taking them", async () => {
    await sender.sendMessages([{ body: 1 }, { body: 2 }]);
    await receiver.receiveMessages(1);
    await sender.scheduleMessages({ body: 3 }, new Date(world.clock.now() + 60_000));
    const peeked = await receiver.peekMessages(10);
    expect(peeked.map(({ body, state }) => [body as number, state])).toEqual([
      [1, "active"],
      [2, "active"],
      [3, "scheduled"],
    ]);
    expect(await receiver.peekMessages(10)).toEqual([]);
  });

  it("answers an empty receive at its time and loses nothing that comes afterwards", async () => {
    const started = performance.now();
    expect(await receiver.receiveMessages(5, { maxWaitTimeInMs: 100 })).toEqual([]);
    // The client's own time, when none is given, is a minute.
    expect(performance.now() - started).toBeLessThan(30_000);
    await sender.sendMessages({ body: "after" });
    expect(only(await receiver.receiveMessages(1)).body).toBe("after");
  });

  it("sends a full batch in one piece and refuses a message above the limit", async () => {
    const batch = await sender.createMessageBatch();
    expect(batch.maxSizeInBytes).toBe(262_144);
    while (batch.tryAddMessage({ body: "x".repeat(1000) })) continue;
    await sender.sendMessages(batch);
    expect(world.broker.counts(queue).active).toBe(batch.count);
    await expect(sender.sendMessages({ body: "x".repeat(263_000) })).rejects.toMatchObject({
      code: "MessageSizeExceeded",
    });
  });

  it("receives and deletes", async () => {
    await sender.sendMessages([{ body: 1 }, { body: 2 }]);
    const deleting = world.client.createReceiver(queue, { receiveMode: "receiveAndDelete" });
    const messages = await deleting.receiveMessages(2);
    expect(messages.map(({ body }) => body as number)).toEqual([1, 2]);
    expect(world.broker.counts(queue).active).toBe(0);
  });
});

describe("a queue's own settings, through the client", () => {
  it("drop duplicates silently", async () => {
    openQueue({ requiresDuplicateDetection: true });
    await sender.sendMessages([
      { messageId: "m", body: 1 },
      { messageId: "m", body: 2 },
    ]);
    await sender.sendMessages({ messageId: "m", body: 3 });
    expect(world.broker.counts(queue).active).toBe(1);
  });

  it("forward dead letters to another queue, saying where they come from", async () => {
    world.broker.createQueue("dead-letters");
    openQueue({ forwardDeadLetteredMessagesTo: "dead-letters", maxDeliveryCount: 1 });
    await sender.sendMessages({ body: { a: 1 }, applicationProperties: { kept: 1 } });
    await receiver.abandonMessage(only(await receiver.receiveMessages(1)));
    const letters = world.client.createReceiver("dead-letters");
    expect(only(await letters.receiveMessages(1))).toMatchObject({
      body: { a: 1 },
      deliveryCount: 0,
      deadLetterSource: queue,
      deadLetterReason: "MaxDeliveryCountExceeded",
      applicationProperties: { kept: 1 },
    });
  });

  it("refuse senders when it is disabled", async () => {
    openQueue({ status: "SendDisabled" });
    await expect(sender.sendMessages({ body: 1 })).rejects.toMatchObject({
      code: "MessagingEntityDisabled",
    });
  });
});

describe("many messages", () => {
  it("pass through one peek-lock receiver beyond its window of 2048", async () => {
    openQueue();
    const bodies = Array.from({ length: 2500 }, (_, index) => ({ body: index }));
    await sender.sendMessages(bodies);
    let received = 0;
    while (received < 2500) {
      const messages = await receiver.receiveMessages(Math.min(500, 2500 - received));
      await Promise.all(messages.map((message) => receiver.completeMessage(message)));
      received += messages.length;
    }
    expect(world.broker.counts(queue).active).toBe(0);
  });

  it("are peeked at more often than a session has places for answers", async () => {
    openQueue();
    await sender.sendMessages({ body: "here" });
    const { sequenceNumber } = only(await receiver.peekMessages(1));
    if (sequenceNumber === undefined) throw new Error("a message without a number");
    let found = 0;
    for (let round = 0; round < 7; round += 1) {
      const peeks = Array.from({ length: 300 }, () =>
        receiver.peekMessages(1, { fromSequenceNumber: sequenceNumber }),
      );
      found += (await Promise.all(peeks)).flat().length;
    }
    expect(found).toBe(2100);
  });
});
