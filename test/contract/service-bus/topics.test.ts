import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";

import { only, startWorld, type ServiceBusWorld } from "./service-bus-world.ts";

let world: ServiceBusWorld;

beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => world.close());

describe("the client on a topic", () => {
  it("reaches each subscription whose correlation rule on $Default matches", async () => {
    world.broker.createTopic("events");
    for (const target of ["ce", "crm"]) {
      world.broker.createSubscription("events", target);
      world.broker.setRule("events", target, "$Default", {
        filterType: "CorrelationFilter",
        correlationFilter: { properties: { [`to_${target}`]: "1" } },
      });
    }
    await world.client
      .createSender("events")
      .sendMessages([
        { body: "both", applicationProperties: { to_ce: "1", to_crm: "1" } },
        { body: "crm only", applicationProperties: { to_crm: "1" } },
        { body: "neither" },
      ]);
    const ce = world.client.createReceiver("events", "ce");
    expect(only(await ce.receiveMessages(1)).body).toBe("both");
    expect(world.broker.counts("events/Subscriptions/ce").active).toBe(1);
    expect(world.broker.counts("events/Subscriptions/crm").active).toBe(2);
  });

  it("manages SQL rules with actions, which make copies of their own", async () => {
    world.broker.createTopic("orders");
    world.broker.createSubscription("orders", "big");
    const rules = world.client.createRuleManager("orders", "big");
    await rules.deleteRule("$Default");
    await rules.createRule(
      "big",
      { sqlExpression: "amount > 100" },
      { sqlExpression: "SET size = 'big'" },
    );
    const listed: unknown[] = [];
    for await (const rule of rules.listRules()) listed.push(rule);
    expect(listed).toMatchObject([
      {
        name: "big",
        filter: { sqlExpression: "amount > 100" },
        action: { sqlExpression: "SET size = 'big'" },
      },
    ]);
    await world.client.createSender("orders").sendMessages([
      { body: "small", applicationProperties: { amount: 100 } },
      { body: "big", applicationProperties: { amount: 100.5 } },
    ]);
    const message = only(await world.client.createReceiver("orders", "big").receiveMessages(1));
    expect(message).toMatchObject({ body: "big", applicationProperties: { size: "big" } });
    expect(world.broker.counts("orders/Subscriptions/big").active).toBe(1);
  });

  it("streams messages to a handler and completes what the handler finishes", async () => {
    world.broker.createTopic("stream");
    world.broker.createSubscription("stream", "s");
    await world.client
      .createSender("stream")
      .sendMessages(Array.from({ length: 20 }, (_, index) => ({ body: index })));
    const receiver = world.client.createReceiver("stream", "s");
    const seen = new Set<unknown>();
    await new Promise<void>((resolve, reject) => {
      receiver.subscribe(
        {
          processMessage: ({ body }) => {
            seen.add(body);
            if (seen.size === 20) resolve();
            return Promise.resolve();
          },
          processError: ({ error }) => {
            reject(error);
            return Promise.resolve();
          },
        },
        { maxConcurrentCalls: 5 },
      );
    });
    await receiver.close();
    expect(world.broker.counts("stream/Subscriptions/s").active).toBe(0);
  });
});

describe("the client on sessions", () => {
  it("takes the next session, keeps its state and frees it by closing", async () => {
    world.broker.createQueue("sessions", { requiresSession: true });
    await world.client.createSender("sessions").sendMessages([
      { body: 1, sessionId: "s" },
      { body: 2, sessionId: "s" },
    ]);
    const first = await world.client.acceptNextSession("sessions");
    expect(first.sessionId).toBe("s");
    expect(first.sessionLockedUntilUtc.getTime()).toBe(world.clock.now() + 60_000);
    await first.completeMessage(only(await first.receiveMessages(1)));
    await first.setSessionState({ step: 1 });
    await expect(world.client.acceptSession("sessions", "s")).rejects.toMatchObject({
      code: "SessionCannotBeLocked",
    });
    await first.close();
    const second = await world.client.acceptSession("sessions", "s");
    expect(await second.getSessionState()).toEqual({ step: 1 });
    expect(only(await second.receiveMessages(1)).body).toBe(2);
    expect((await second.renewSessionLock()).getTime()).toBe(world.clock.now() + 60_000);
    await second.close();
  });

  it("loses a session whose lock expires, and everything in its hands with it", async () => {
    world.broker.createQueue("expiring", { requiresSession: true, lockDuration: "PT1M" });
    await world.client.createSender("expiring").sendMessages({ body: 1, sessionId: "s" });
    const session = await world.client.acceptSession("expiring", "s", {
      maxAutoLockRenewalDurationInMs: 0,
    });
    const message = only(await session.receiveMessages(1));
    await world.clock.advance(60_000);
    await expect(session.completeMessage(message)).rejects.toMatchObject({
      code: "SessionLockLost",
    });
    const again = await world.client.acceptSession("expiring", "s");
    expect(only(await again.receiveMessages(1)).deliveryCount).toBe(1);
    await again.close();
  });

  it("waits for a session until one has messages", async () => {
    world.broker.createQueue("waiting", { requiresSession: true });
    const accepting = world.client.acceptNextSession("waiting");
    await world.client.createSender("waiting").sendMessages({ body: 1, sessionId: "late" });
    const session = await accepting;
    expect(session.sessionId).toBe("late");
    await session.close();
  });
});
