import { describe, expect, it } from "@jest/globals";

import { readApplicationProperties } from "../../../../local/service-bus/raw-message.ts";
import {
  createTestBroker,
  HandReceiver,
  messageIds,
  minuteMs,
  sendIds,
  startMs,
} from "./broker-harness.ts";

describe("a queue with peek-lock", () => {
  it("hands out messages in the order of sending and forgets them when completed", () => {
    const { broker } = createTestBroker();
    broker.createQueue("q");
    sendIds(broker, "q", "a", "b", "c");
    const receiver = new HandReceiver(broker, "q");
    const deliveries = receiver.take(3);
    expect(messageIds(deliveries)).toEqual(["a", "b", "c"]);
    for (const { lockToken } of deliveries) receiver.queue.complete(lockToken ?? "");
    expect(broker.counts("q")).toEqual({ active: 0, deadLetter: 0, scheduled: 0, deferred: 0 });
  });

  it("puts an abandoned message back to its place and counts the delivery", () => {
    const { broker } = createTestBroker();
    broker.createQueue("q");
    sendIds(broker, "q", "a", "b");
    const receiver = new HandReceiver(broker, "q");
    receiver.queue.abandon(receiver.takeOne().token, { note: "again" });
    const [first, second] = receiver.take(2);
    expect(messageIds(first && second ? [first, second] : [])).toEqual(["a", "b"]);
    expect(first?.message.deliveryCount).toBe(1);
    expect(second?.message.deliveryCount).toBe(0);
    expect(first && readApplicationProperties(first.message.raw).get("note")).toBe("again");
  });

  it("gives a message again when its lock expires, and refuses the old lock", async () => {
    const { broker, clock } = createTestBroker();
    broker.createQueue("q", { lockDuration: "PT30S" });
    sendIds(broker, "q", "a");
    const receiver = new HandReceiver(broker, "q");
    const { token } = receiver.takeOne();
    await clock.advance(29_999);
    expect(receiver.take()).toEqual([]);
    await clock.advance(1);
    expect(() => receiver.queue.complete(token)).toThrow(/lock supplied is invalid/);
    expect(receiver.takeOne().delivery.message.deliveryCount).toBe(1);
  });

  it("keeps a renewed lock for one more lock duration", async () => {
    const { broker, clock } = createTestBroker();
    broker.createQueue("q", { lockDuration: "PT1M" });
    sendIds(broker, "q", "a", "b");
    const receiver = new HandReceiver(broker, "q");
    const { token } = receiver.takeOne();
    const other = receiver.takeOne().token;
    await clock.advance(50_000);
    expect(receiver.queue.renewLock(token)).toBe(startMs + 110_000);
    await clock.advance(50_000);
    receiver.queue.complete(token);
    expect(() => receiver.queue.complete(other)).toThrow(/lock supplied is invalid/);
  });

  it("dead-letters a message whose deliveries reach the maximum", () => {
    const { broker } = createTestBroker();
    broker.createQueue("q", { maxDeliveryCount: 2 });
    sendIds(broker, "q", "a");
    const receiver = new HandReceiver(broker, "q");
    receiver.queue.abandon(receiver.takeOne().token);
    receiver.queue.abandon(receiver.takeOne().token);
    const [letter] = broker.peek("q/$DeadLetterQueue", 10);
    expect(letter?.applicationProperties).toEqual({
      DeadLetterReason: "MaxDeliveryCountExceeded",
      DeadLetterErrorDescription: "Message could not be consumed after 2 delivery attempts.",
    });
  });

  it("shares messages among its receivers in turn", () => {
    const { broker } = createTestBroker();
    broker.createQueue("q");
    const [one, two] = [new HandReceiver(broker, "q"), new HandReceiver(broker, "q")];
    sendIds(broker, "q", "a", "b", "c");
    expect(messageIds(one.take())).toEqual(["a"]);
    expect(messageIds(two.take())).toEqual(["b"]);
    one.stop();
    expect(messageIds(two.take(2))).toEqual(["c"]);
  });
});

describe("receive-and-delete", () => {
  it("removes a message as it is handed out", () => {
    const { broker } = createTestBroker();
    broker.createQueue("q");
    sendIds(broker, "q", "a");
    const [delivery] = new HandReceiver(broker, "q", "receiveAndDelete").take();
    expect(delivery?.lockToken).toBeUndefined();
    expect(broker.counts("q").active).toBe(0);
  });
});

describe("deferring", () => {
  it("keeps a message until it is asked for by its number, even when abandoned then", () => {
    const { broker } = createTestBroker();
    broker.createQueue("q");
    sendIds(broker, "q", "a");
    const receiver = new HandReceiver(broker, "q");
    receiver.queue.defer(receiver.takeOne().token);
    expect(receiver.take()).toEqual([]);
    const [first] = receiver.queue.receiveDeferred([1], "peekLock");
    receiver.queue.abandon(first?.lockToken ?? "");
    expect(broker.counts("q")).toMatchObject({ active: 0, deferred: 1 });
    const [second] = receiver.queue.receiveDeferred([1], "peekLock");
    expect(second?.message.deliveryCount).toBe(2);
    receiver.queue.complete(second?.lockToken ?? "");
    expect(broker.counts("q").deferred).toBe(0);
    expect(() => receiver.queue.receiveDeferred([1], "peekLock")).toThrow(/No deferred message/);
  });
});

describe("time to live", () => {
  it("dead-letters what nobody received in time when the queue says so", async () => {
    const { broker, clock } = createTestBroker();
    broker.createQueue("q", {
      defaultMessageTimeToLive: "PT10M",
      deadLetteringOnMessageExpiration: true,
    });
    sendIds(broker, "q", "a");
    await clock.advance(10 * minuteMs - 1);
    expect(broker.counts("q")).toMatchObject({ active: 1, deadLetter: 0 });
    await clock.advance(1);
    expect(broker.counts("q")).toMatchObject({ active: 0, deadLetter: 1 });
    const [letter] = broker.peek("q/$DeadLetterQueue", 1);
    expect(letter?.applicationProperties["DeadLetterReason"]).toBe("TTLExpiredException");
  });

  it("drops it otherwise, and lets a locked message live until its lock ends", async () => {
    const { broker, clock } = createTestBroker();
    broker.createQueue("q", { lockDuration: "PT5M", defaultMessageTimeToLive: "PT1M" });
    sendIds(broker, "q", "locked", "waiting");
    const receiver = new HandReceiver(broker, "q");
    receiver.takeOne();
    await clock.advance(2 * minuteMs);
    expect(broker.peek("q", 10).map((message) => message.messageId)).toEqual(["locked"]);
    expect(receiver.take()).toEqual([]);
    await clock.advance(3 * minuteMs);
    expect(broker.counts("q")).toMatchObject({ active: 0, deadLetter: 0 });
  });

  it("takes the shorter of a message's own and the queue's", async () => {
    const { broker, clock } = createTestBroker();
    broker.createQueue("q", { defaultMessageTimeToLive: "PT1H" });
    broker.send("q", { messageId: "short", body: "", timeToLiveMs: minuteMs });
    broker.send("q", { messageId: "long", body: "", timeToLiveMs: 1000 * minuteMs });
    await clock.advance(minuteMs);
    expect(broker.peek("q", 10).map((message) => message.messageId)).toEqual(["long"]);
    await clock.advance(59 * minuteMs);
    expect(broker.counts("q").active).toBe(0);
  });
});

describe("scheduled messages", () => {
  it("become active at their time, in the order of their times", async () => {
    const { broker, clock } = createTestBroker();
    broker.createQueue("q");
    broker.send("q", { messageId: "late", body: "", scheduledAtMs: startMs + 2 * minuteMs });
    broker.send("q", { messageId: "early", body: "", scheduledAtMs: startMs + minuteMs });
    const receiver = new HandReceiver(broker, "q");
    expect(broker.counts("q")).toMatchObject({ active: 0, scheduled: 2 });
    await clock.advance(minuteMs);
    expect(broker.counts("q")).toMatchObject({ active: 1, scheduled: 1 });
    await clock.advance(minuteMs);
    const deliveries = receiver.take(5);
    expect(messageIds(deliveries)).toEqual(["early", "late"]);
    expect(deliveries.map(({ message }) => message.sequenceNumber)).toEqual([3, 4]);
  });

  it("are sent at once when their time has passed", () => {
    const { broker } = createTestBroker();
    broker.createQueue("q");
    broker.send("q", { messageId: "a", body: "", scheduledAtMs: startMs });
    expect(broker.counts("q")).toMatchObject({ active: 1, scheduled: 0 });
  });
});

describe("duplicate detection", () => {
  it("drops a second message of the same id inside the window, and only there", async () => {
    const { broker, clock } = createTestBroker();
    broker.createQueue("q", {
      requiresDuplicateDetection: true,
      duplicateDetectionHistoryTimeWindow: "PT1H",
    });
    sendIds(broker, "q", "a", "a", "b");
    expect(broker.counts("q").active).toBe(2);
    await clock.advance(59 * minuteMs);
    sendIds(broker, "q", "a");
    expect(broker.counts("q").active).toBe(2);
    await clock.advance(minuteMs);
    sendIds(broker, "q", "a");
    expect(broker.counts("q").active).toBe(3);
  });

  it("can be switched off for fault runs", () => {
    const { broker } = createTestBroker();
    broker.createQueue("q", { requiresDuplicateDetection: true });
    broker.setDuplicateDetectionEnabled(false);
    sendIds(broker, "q", "a", "a");
    expect(broker.counts("q").active).toBe(2);
  });

  it("counts those that come in only because it is switched off, also of an id from before", () => {
    const { broker } = createTestBroker();
    broker.createQueue("q", { requiresDuplicateDetection: true });
    sendIds(broker, "q", "a", "a", "b");
    expect(broker.duplicatesLetIn).toBe(0);
    broker.setDuplicateDetectionEnabled(false);
    sendIds(broker, "q", "a", "c", "c");
    expect(broker.duplicatesLetIn).toBe(2);
    broker.setDuplicateDetectionEnabled(true);
    sendIds(broker, "q", "c");
    expect([broker.duplicatesLetIn, broker.counts("q").active]).toEqual([2, 5]);
  });
});

describe("a fault run", () => {
  it("is told how many locks it took away", () => {
    const { broker } = createTestBroker();
    broker.createQueue("q");
    broker.createQueue("other");
    sendIds(broker, "q", "a", "b", "c");
    sendIds(broker, "other", "d");
    new HandReceiver(broker, "q").take(2);
    new HandReceiver(broker, "other").take();

    expect([broker.loseLocks(), broker.loseLocks()]).toEqual([3, 0]);
  });

  it("waits for the next arrival in two places at once, each for itself", () => {
    const { broker } = createTestBroker();
    broker.createQueue("q");
    const told: string[] = [];
    broker.onNextArrival("q", () => told.push("one"));
    const stop = broker.onNextArrival("q", () => told.push("two"));
    broker.onNextArrival("q", () => told.push("three"));
    stop();
    sendIds(broker, "q", "a", "b");

    expect(told).toEqual(["one", "three"]);
  });
});

describe("forwarding", () => {
  it("carries dead letters to another queue with their story and their body untouched", () => {
    const { broker } = createTestBroker();
    broker.createQueue("dead-letters");
    broker.createTopic("events");
    broker.createSubscription("events", "ce", { forwardDeadLetteredMessagesTo: "dead-letters" });
    broker.send("events", { messageId: "a", body: '{"x":5.0}', applicationProperties: { n: 1 } });
    const receiver = new HandReceiver(broker, "events/Subscriptions/ce");
    receiver.queue.deadLetter(receiver.takeOne().token, {
      reason: "CRM_REJECTED",
      description: "no",
      properties: { stage: "deliver" },
    });
    const [letter] = broker.peek("dead-letters", 10);
    expect(letter?.body.toString()).toBe('{"x":5.0}');
    expect(letter?.deadLetterSource).toBe("events/Subscriptions/ce");
    expect(letter?.applicationProperties).toEqual({
      n: 1,
      stage: "deliver",
      DeadLetterReason: "CRM_REJECTED",
      DeadLetterErrorDescription: "no",
    });
    expect(broker.counts("events/Subscriptions/ce").deadLetter).toBe(0);
  });

  it("keeps dead letters where they are when their target refuses them", () => {
    const { broker } = createTestBroker();
    broker.createQueue("dead-letters", { status: "SendDisabled" });
    broker.createQueue("q", { forwardDeadLetteredMessagesTo: "dead-letters" });
    sendIds(broker, "q", "a");
    const receiver = new HandReceiver(broker, "q");
    receiver.queue.deadLetter(receiver.takeOne().token, {
      reason: "R",
      description: undefined,
      properties: {},
    });
    expect(broker.counts("q").deadLetter).toBe(1);
  });

  it("passes messages on and stops after four hops", () => {
    const { broker } = createTestBroker();
    for (let index = 0; index < 6; index += 1) {
      broker.createQueue(`q${index}`, index === 5 ? {} : { forwardTo: `q${index + 1}` });
    }
    sendIds(broker, "q1", "arrives");
    expect(broker.peek("q5", 10).map((message) => message.messageId)).toEqual(["arrives"]);
    sendIds(broker, "q0", "too far");
    const [letter] = broker.peek("q4/$DeadLetterQueue", 10);
    expect(letter?.applicationProperties["DeadLetterReason"]).toBe("MaxTransferHopCountExceeded");
    expect(() => new HandReceiver(broker, "q0")).toThrow(/forwards its messages/);
  });
});

describe("a broker's limits", () => {
  it("refuses what is too large, disabled or unknown", () => {
    const { broker } = createTestBroker();
    broker.createQueue("q", { maxMessageSizeInKilobytes: 1 });
    broker.createQueue("off", { status: "Disabled" });
    expect(() => broker.send("q", { body: "x".repeat(1025) })).toThrow(/exceeds the limit/);
    expect(() => broker.send("off", { body: "" })).toThrow("off takes no messages.");
    expect(() => broker.send("nowhere", { body: "" })).toThrow(
      "The messaging entity 'sb://localhost/nowhere' could not be found.",
    );
  });

  it("names the properties that it does not know or take", () => {
    const { broker } = createTestBroker();
    expect(() => broker.createQueue("q", { lockDurations: "PT1M", max: 1 })).toThrow(
      "queue q: unknown properties lockDurations, max.",
    );
    expect(() => broker.createQueue("q", { lockDuration: "5 minutes" })).toThrow(
      'queue q: property lockDuration is "5 minutes"; it must be an ISO 8601 duration from 1 ms to 300000 ms.',
    );
    expect(() => broker.createTopic("t", { maxDeliveryCount: 3 })).toThrow(
      "topic t: unknown property maxDeliveryCount.",
    );
  });
});
