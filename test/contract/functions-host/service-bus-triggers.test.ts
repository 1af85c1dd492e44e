import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startFunctionsHost } from "../../../local/functions-host/start-functions-host.ts";
import type { FunctionsHost } from "../../../local/functions-host/start-functions-host.ts";
import { startWorld } from "../service-bus/service-bus-world.ts";
import type { ServiceBusWorld } from "../service-bus/service-bus-world.ts";
import { eventually } from "../../support/eventually.ts";

interface Seen {
  readonly name: string;
  readonly input: unknown;
  readonly metadata: Readonly<Record<string, unknown>>;
}

describe("Service Bus triggers of an unchanged app", () => {
  const log: string[] = [];
  let world: ServiceBusWorld;
  let host: FunctionsHost;
  let dir: string;

  beforeAll(async () => {
    world = await startWorld();
    world.broker.createQueue("one", { maxDeliveryCount: 2 });
    world.broker.createTopic("integration-events");
    world.broker.createSubscription("integration-events", "ce", { maxDeliveryCount: 2 });
    dir = await mkdtemp(join(tmpdir(), "functions-host-"));
    await writeFile(join(dir, "ca.pem"), "");
    host = await startFunctionsHost({
      appDir: fileURLToPath(new URL("../../support/fixture-app", import.meta.url)),
      appSettings: {
        ONE_QUEUE: "one",
        ServiceBus: world.server.connectionString("RootManageSharedAccessKey"),
      },
      caFile: join(dir, "ca.pem"),
      hostKeys: { default: "key", functions: {} },
      identity: { endpoint: "http://127.0.0.1:1", header: "" },
      log: (line) => void log.push(line),
    });
  });

  afterAll(async () => {
    await host.close();
    await world.close();
    await rm(dir, { recursive: true });
  });

  beforeEach(async () => {
    await fetch(`${host.baseUrl}/api/seen`, { method: "POST" });
  });

  /** What the functions were given, as soon as it is `count` invocations. */
  const seen = (count: number): Promise<readonly Seen[]> =>
    eventually(async () => {
      const calls = (await (await fetch(`${host.baseUrl}/api/seen`)).json()) as Seen[];
      expect(calls.length).toBeGreaterThanOrEqual(count);
      return calls;
    });

  it("hands one message over with the body's members over its metadata, and completes it", async () => {
    const body = { hello: 1, messageId: "from the body" };
    const sender = world.client.createSender("one");
    await sender.sendMessages({ body, messageId: "m1", applicationProperties: { TenantId: "t" } });
    const [call] = await seen(1);
    expect(call).toMatchObject({ name: "one", input: body });
    expect(call?.metadata).toMatchObject({
      messageId: "from the body",
      deliveryCount: 1,
      applicationProperties: { tenantId: "t" },
    });
    expect(call?.metadata["enqueuedTimeUtc"]).not.toContain("Z");
    await eventually(() => expect(world.broker.counts("one").active).toBe(0));
  });

  it("abandons a failed message at once until it is dead-lettered", async () => {
    await world.client.createSender("one").sendMessages({ body: { fail: true }, messageId: "bad" });
    const calls = await seen(2);
    expect(calls.map(({ metadata }) => metadata["deliveryCount"])).toEqual([1, 2]);
    await eventually(() =>
      expect(log.filter((line) => line.includes("Functions.one"))).toEqual([
        "Executed 'Functions.one' (Failed): Error: asked to fail",
        "Executed 'Functions.one' (Failed): Error: asked to fail",
      ]),
    );
    expect(world.broker.counts("one")).toMatchObject({ active: 0, deadLetter: 1 });
  });

  it("hands what is there over as batches of at most maxMessageBatchSize, without waiting", async () => {
    const started = performance.now();
    await world.client.createSender("integration-events").sendMessages(
      Array.from({ length: 7 }, (_, index) => ({
        body: { index },
        messageId: `b${index}`,
        ...(index === 0 ? { correlationId: "only the first" } : {}),
      })),
    );
    const sizes: number[] = [];
    for (let count = 1; sizes.reduce((sum, size) => sum + size, 0) < 7; count += 1) {
      const calls = await seen(count);
      sizes.splice(0, sizes.length, ...calls.map(({ input }) => (input as unknown[]).length));
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(5);
    // Whoever waits for company waits half a minute.
    expect(performance.now() - started).toBeLessThan(25_000);
  });

  it("abandons every message of a failed batch", async () => {
    const sender = world.client.createSender("integration-events");
    await sender.sendMessages([{ body: { fail: true } }, { body: { index: 1 } }]);
    const bodies = (await seen(2)).flatMap(({ input }) => input as { index?: number }[]);
    expect(bodies.filter(({ index }) => index === 1).length).toBeGreaterThanOrEqual(1);
    const dead = world.client.createReceiver("integration-events", "ce", {
      subQueueType: "deadLetter",
    });
    expect(await dead.receiveMessages(1)).toHaveLength(1);
  });

  it("receives again at once however often its connection is cut, and settles what it had", async () => {
    const started = performance.now();
    // While links are opened, claims asked for and messages settled: at no moment twice the same.
    for (let index = 0; index < 12; index += 1) {
      const messageId = `cut-${index}`;
      world.broker.send("one", { messageId, body: JSON.stringify({ messageId }) });
      await new Promise((resolve) => setTimeout(resolve, (index * 37) % 200));
      world.server.dropConnections();
    }
    world.broker.send("one", { messageId: "after", body: JSON.stringify({ messageId: "after" }) });
    await eventually(async () => {
      const calls = (await (await fetch(`${host.baseUrl}/api/seen`)).json()) as Seen[];
      expect(calls.map(({ input }) => input)).toContainEqual({ messageId: "after" });
    });
    // The client left to itself comes back after a minute, if at all.
    expect(performance.now() - started).toBeLessThan(45_000);
    expect(log.some((line) => line.includes("the connection was cut"))).toBe(true);
  });
});
