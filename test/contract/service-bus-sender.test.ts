import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ServiceBusClient } from "@azure/service-bus";
import { once } from "node:events";
import { Connection } from "rhea-promise";
import type { OutgoingMessage } from "../../functions/src/platform/messages.ts";
import { createServiceBusOver } from "../../functions/src/platform/service-bus-sender.ts";
import type { ServiceBus } from "../../functions/src/platform/service-bus-sender.ts";
import { eventually } from "../support/eventually.ts";
import { only, startWorld, type ServiceBusWorld } from "./service-bus/service-bus-world.ts";

let world: ServiceBusWorld;
let serviceBus: ServiceBus;
let queues = 0;
beforeAll(async () => {
  world = await startWorld();
  const connectionString = world.server.connectionString("RootManageSharedAccessKey");
  // The client takes all of this time to notice a connection that was cut, and has to open one within it.
  const retryOptions = { maxRetries: 0, timeoutInMs: 4_000 };
  serviceBus = createServiceBusOver(() => new ServiceBusClient(connectionString, { retryOptions }));
});
afterAll(async () => {
  await serviceBus.close();
  await world.close();
});

function freshQueue(): string {
  const name = `sender-${(queues += 1)}`;
  world.broker.createQueue(name);
  return name;
}

const message = (messageId: string, changes: Partial<OutgoingMessage> = {}): OutgoingMessage => ({
  messageId,
  body: `{"id":"${messageId}"}`,
  properties: { to_ce: "1", hop: 2 },
  ...changes,
});

/** Waits for so many; what else is ready is an error. */
async function receive(
  queue: string,
  count: number,
): Promise<readonly (readonly [unknown, unknown, unknown])[]> {
  await eventually(() => expect(world.broker.counts(queue).active).toBe(count));
  const receiver = world.client.createReceiver(queue, { receiveMode: "receiveAndDelete" });
  const received = [];
  while (received.length < count) {
    received.push(...(await receiver.receiveMessages(count - received.length)));
  }
  await receiver.close();
  return received.map(
    ({ messageId, body, applicationProperties }) =>
      [messageId, body as unknown, applicationProperties] as const,
  );
}

describe("the sender over the unchanged client", () => {
  it("sends one or many with id, body and properties as given", async () => {
    const queue = freshQueue();
    await serviceBus.sender.send(queue, [message("a")]);
    await serviceBus.sender.send(queue, [message("b"), message("c")]);
    expect(await receive(queue, 3)).toEqual([
      ["a", { id: "a" }, { to_ce: "1", hop: 2 }],
      ["b", { id: "b" }, { to_ce: "1", hop: 2 }],
      ["c", { id: "c" }, { to_ce: "1", hop: 2 }],
    ]);
  });

  it("sends over a new connection after the one it had was lost", async () => {
    const queue = freshQueue();
    await serviceBus.sender.send(queue, [message("before")]);
    world.server.dropConnections();
    await serviceBus.sender.send(queue, [message("after")]);
    world.server.setAway(true);
    await expect(serviceBus.sender.send(queue, [message("lost")])).rejects.toMatchObject({
      code: "MESSAGING_UNAVAILABLE",
    });
    world.server.setAway(false);
    await serviceBus.sender.send(queue, [message("back")]);
    const ids = (await receive(queue, 3)).map(([messageId]) => messageId);
    expect(ids).toEqual(["before", "after", "back"]);
  });

  it("schedules each message of a batch for its own time", async () => {
    const queue = freshQueue();
    const now = world.clock.now();
    await serviceBus.sender.send(queue, [
      message("later", { enqueueAt: now + 60_000 }),
      message("now", { enqueueAt: now - 1 }),
      message("latest", { enqueueAt: now + 120_000 }),
    ]);
    expect((await receive(queue, 1)).map(([id]) => id)).toEqual(["now"]);
    await world.clock.advance(60_000);
    expect((await receive(queue, 1)).map(([id]) => id)).toEqual(["later"]);
  });

  it("sends more than one batch holds", async () => {
    const queue = freshQueue();
    const body = JSON.stringify({ text: "x".repeat(100_000) });
    await serviceBus.sender.send(
      queue,
      ["a", "b", "c", "d", "e"].map((id) => message(id, { body })),
    );
    expect(await receive(queue, 5)).toHaveLength(5);
  });

  it("says which send failed and that trying again may help", async () => {
    const send = serviceBus.sender.send("nowhere", [message("a")]);
    await expect(send).rejects.toMatchObject({
      code: "MESSAGING_UNAVAILABLE",
      ids: { entity: "nowhere" },
    });
  });
});

describe("a link whose connection was cut", () => {
  it("has no address, where reading it in a timer would end the whole worker", async () => {
    const port = world.server.port;
    const where = { host: "127.0.0.1", hostname: "localhost", port, transport: "tcp" as const };
    const connection = await new Connection({
      ...where,
      username: "anonymous",
      reconnect: false,
    }).open();
    const session = await connection.createSession();
    const link = await session.createReceiver({ source: { address: "$cbs" } });
    expect(link.address).toBe("$cbs");
    const isCut = once(connection, "disconnected");
    world.server.dropConnections();
    await isCut;
    // As the client does with its next request.
    const isOpen = connection.open();
    expect(link.address).toBeUndefined();
    await isOpen;
    await connection.close();
  });
});

describe("the oldest message that waits", () => {
  it("is none in an empty queue, and no scheduled one", async () => {
    const queue = freshQueue();
    expect(await serviceBus.oldestActive(queue, null)).toBeNull();
    await serviceBus.sender.send(queue, [
      message("a", { enqueueAt: world.clock.now() + 3_600_000 }),
    ]);
    expect(await serviceBus.oldestActive(queue, null)).toBeNull();
  });

  it("is the first of those that a consumer could take", async () => {
    const queue = freshQueue();
    const enqueuedAt = world.clock.now();
    await serviceBus.sender.send(queue, [message("a")]);
    await world.clock.advance(5_000);
    await serviceBus.sender.send(queue, [message("b")]);
    expect(await serviceBus.oldestActive(queue, null)).toBe(enqueuedAt);
  });
});

describe("a connection that was cut while it was used for peeking", () => {
  it("is left for a new one, also when nothing is sent", async () => {
    const queue = freshQueue();
    await serviceBus.sender.send(queue, [message("a")]);
    await serviceBus.oldestActive(queue, null);
    world.server.dropConnections();
    expect(await serviceBus.oldestActive(queue, null)).not.toBeNull();
    world.server.setAway(true);
    await expect(serviceBus.oldestActive(queue, null)).rejects.toThrow();
    world.server.setAway(false);
    expect(await serviceBus.oldestActive(queue, null)).not.toBeNull();
  });
});

describe("asking whether a queue is there", () => {
  it("is content with an empty one, and takes nothing out of a full one", async () => {
    const queue = freshQueue();
    await serviceBus.ping(queue);
    await serviceBus.sender.send(queue, [message("a")]);
    await serviceBus.ping(queue);
    expect(await receive(queue, 1)).toHaveLength(1);
  });

  it("says so when nobody answers for it", async () => {
    await expect(serviceBus.ping("no-such-queue")).rejects.toMatchObject({
      code: "MESSAGING_UNAVAILABLE",
    });
  });
});

describe("draining a queue's own dead letters", () => {
  it("hands over texts and properties and leaves nothing behind", async () => {
    const queue = freshQueue();
    await serviceBus.sender.send(queue, [message("a", { body: "not json" }), message("b")]);
    const receiver = world.client.createReceiver(queue);
    for (let left = 2; left > 0; left -= 1) {
      await receiver.deadLetterMessage(only(await receiver.receiveMessages(1)), {
        deadLetterReason: "tired",
        deadLetterErrorDescription: "of trying",
      });
    }
    await receiver.close();
    const found: unknown[] = [];
    const drain = (): Promise<number> =>
      serviceBus.drainDeadLetters(queue, (messages) => {
        found.push(
          ...messages.map(({ body, properties }) => [body, properties["DeadLetterReason"]]),
        );
        return Promise.resolve();
      });
    let drained = 0;
    await eventually(async () => expect((drained += await drain())).toBe(2));
    const rest = world.client.createReceiver(queue, { subQueueType: "deadLetter" });
    expect(await rest.peekMessages(1)).toEqual([]);
    await rest.close();
    expect(found).toEqual([
      ["not json", "tired"],
      ['{"id":"b"}', "tired"],
    ]);
  });
});
