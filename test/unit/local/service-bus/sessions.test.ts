import { describe, expect, it } from "@jest/globals";

import type { Broker } from "../../../../local/service-bus/broker.ts";
import type { Consumer, Delivery } from "../../../../local/service-bus/message-lane.ts";
import type { SessionGrant } from "../../../../local/service-bus/session-table.ts";
import { createTestBroker, messageIds, minuteMs, startMs } from "./broker-harness.ts";

class SessionReceiver implements Consumer {
  readonly mode = "peekLock";
  readonly deliveries: Delivery[] = [];
  isLost = false;
  demand(): number {
    return 10;
  }
  deliver(delivery: Delivery): void {
    this.deliveries.push(delivery);
  }
  sessionLost(): void {
    this.isLost = true;
  }
}

function createSessionQueue(): ReturnType<typeof createTestBroker> {
  const created = createTestBroker();
  created.broker.createQueue("q", { requiresSession: true, lockDuration: "PT1M" });
  return created;
}

function send(broker: Broker, sessionId: string, messageId: string): void {
  broker.send("q", { sessionId, messageId, body: "" });
}

describe("a queue with sessions", () => {
  it("gives a session's messages only to the one who holds it", () => {
    const { broker } = createSessionQueue();
    send(broker, "s1", "a");
    send(broker, "s2", "b");
    const { sessions } = broker.requireQueue("q");
    const receiver = new SessionReceiver();
    expect(sessions.acquire("s1", receiver)).toEqual({
      sessionId: "s1",
      lockedUntilMs: startMs + minuteMs,
    });
    expect(() => sessions.acquire("s1", new SessionReceiver())).toThrow(/cannot be accepted/);
    sessions.pump("s1");
    send(broker, "s1", "c");
    expect(messageIds(receiver.deliveries)).toEqual(["a", "c"]);
  });

  it("grants the next session with messages now, or as soon as there is one", () => {
    const { broker } = createSessionQueue();
    const { sessions } = broker.requireQueue("q");
    const granted: SessionGrant[] = [];
    const wait = (): (() => void) =>
      sessions.acquireNext({
        consumer: new SessionReceiver(),
        granted: (grant) => void granted.push(grant),
      });
    wait();
    const stop = wait();
    send(broker, "late", "a");
    stop();
    send(broker, "later", "b");
    expect(granted.map((grant) => grant.sessionId)).toEqual(["late"]);
    wait();
    expect(granted.map((grant) => grant.sessionId)).toEqual(["late", "later"]);
  });

  it("takes unsettled messages back, counted, when the session's lock expires", async () => {
    const { broker, clock } = createSessionQueue();
    send(broker, "s", "a");
    const queue = broker.requireQueue("q");
    const first = new SessionReceiver();
    queue.sessions.acquire("s", first);
    queue.sessions.pump("s");
    await clock.advance(50_000);
    expect(queue.sessions.renew("s")).toBe(startMs + 110_000);
    await clock.advance(minuteMs);
    expect(first.isLost).toBe(true);
    expect(() => queue.complete(first.deliveries[0]?.lockToken ?? "")).toThrow(/lock has ended/);
    const second = new SessionReceiver();
    queue.sessions.acquire("s", second);
    queue.sessions.pump("s");
    expect(second.deliveries[0]?.message.deliveryCount).toBe(1);
  });

  it("keeps a session's state for its next holder", () => {
    const { broker } = createSessionQueue();
    const { sessions } = broker.requireQueue("q");
    const receiver = new SessionReceiver();
    sessions.acquire("s", receiver);
    sessions.setState("s", Buffer.from("state"));
    sessions.free("s", receiver);
    expect(() => sessions.state("s")).toThrow(/lock of session 's' of q has ended/);
    sessions.acquire("s", new SessionReceiver());
    expect(sessions.state("s")?.toString()).toBe("state");
  });

  it("refuses messages without a session, and receivers without one", () => {
    const { broker } = createSessionQueue();
    expect(() => broker.send("q", { body: "" })).toThrow(
      "q requires a session id on each message.",
    );
    expect(() => broker.requireQueue("q").addConsumer(new SessionReceiver())).toThrow(
      "q requires sessions.",
    );
  });
});
