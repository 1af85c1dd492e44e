import { describe, expect, it } from "@jest/globals";
import { createAccessControl } from "../../../../local/access-control.ts";
import { SimulatedClock } from "../../../../local/clock.ts";
import { createEventGrid } from "../../../../local/event-grid/event-grid-app.ts";
import type { EventGridOptions } from "../../../../local/event-grid/event-grid-app.ts";
import type { ServiceBusDelivery } from "../../../../local/event-grid/service-bus-destination.ts";

const topicId = "/subscriptions/s/providers/Microsoft.EventGrid/topics/invoices";
const namespaceId = "/subscriptions/s/providers/Microsoft.ServiceBus/namespaces/ns";
const storageId = "/subscriptions/s/providers/Microsoft.Storage/storageAccounts/sa";
const principalId = "aaaaaaaa-35a5-4a8f-8f6b-0f5a2c1f7d11";
const key = Buffer.alloc(32, 1).toString("base64");
const minute = 60_000;
const queue = { endpointType: "ServiceBusQueue", resourceId: `${namespaceId}/queues/q` };
const identity = { type: "SystemAssigned" };
const deadLetterDestination = {
  endpointType: "StorageBlob",
  resourceId: storageId,
  blobContainerName: "event-grid-dead-letters",
};
const event = {
  id: "e1",
  subject: "s",
  eventType: "t",
  eventTime: "2026-03-04T05:00:00Z",
  data: { company: "usmf", total: 5, lines: [1] },
};

function createScene(options: Partial<EventGridOptions> = {}) {
  const clock = new SimulatedClock(Date.parse("2026-03-04T05:06:07Z"));
  const access = createAccessControl();
  const sent: ServiceBusDelivery[] = [];
  const blobs: { readonly container: string; readonly path: string; readonly body: unknown }[] = [];
  const tokens = { verify: () => Promise.reject(new Error("no tokens here")) };
  const grid = createEventGrid({
    services: { clock, access, tokens, log: () => undefined },
    deliverToServiceBus: (_id, message) => Promise.resolve(void sent.push(message)),
    writeDeadLetter: (_id, container, path, body) =>
      Promise.resolve(void blobs.push({ container, path, body: JSON.parse(body) as unknown })),
    newId: () => "delivery-1",
    jitter: (delayMs) => delayMs,
    ...options,
  });
  grid.createTopic({ id: topicId, name: "invoices", keys: [key, key], identity: { principalId } });
  const publish = async (): Promise<void> => {
    const headers = { "aeg-sas-key": key };
    const body = JSON.stringify([event]);
    await grid.app.request("/invoices/api/events", { method: "POST", headers, body });
    await clock.advance(0);
  };
  return { clock, access, sent, blobs, grid, publish };
}

describe("a subscription with the topic's identity", () => {
  const withIdentity = {
    topicId,
    name: "to-queue",
    deliveryWithResourceIdentity: { identity, destination: queue },
  };

  it("delivers only while the identity may send, and tries again for a role that comes late", async () => {
    const { clock, access, sent, grid, publish } = createScene();
    await grid.createSubscription(withIdentity);
    await publish();
    expect(sent).toEqual([]);
    access.assign({
      principalId,
      roleId: "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
      scope: namespaceId,
    });
    await clock.advance(5 * minute);
    expect(sent).toMatchObject([{ applicationProperties: { "aeg-delivery-count": "1" } }]);
  });

  it("is refused when the topic has no such identity", async () => {
    const { grid } = createScene();
    const userAssignedIdentity = "/subscriptions/s/userAssignedIdentities/other";
    const delivery = {
      identity: { type: "UserAssigned", userAssignedIdentity },
      destination: queue,
    };
    await expect(
      grid.createSubscription({ ...withIdentity, deliveryWithResourceIdentity: delivery }),
    ).rejects.toMatchObject({ code: "IDENTITY_MISSING" });
  });

  it("writes dead letters where Azure does, once the identity may", async () => {
    const refused = Object.assign(new Error("too large"), {
      condition: "amqp:link:message-size-exceeded",
    });
    const { clock, access, blobs, grid, publish } = createScene({
      deliverToServiceBus: () => Promise.reject(refused),
    });
    await grid.createSubscription({
      topicId,
      name: "to-queue",
      destination: queue,
      deadLetterWithResourceIdentity: { identity, deadLetterDestination },
    });
    await publish();
    await clock.advance(6 * minute);
    expect(blobs).toEqual([]);
    access.assign({
      principalId,
      roleId: "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
      scope: storageId,
    });
    await clock.advance(minute);
    expect(blobs).toMatchObject([
      {
        container: "event-grid-dead-letters",
        path: "TO-QUEUE/2026/3/4/5/delivery-1.json",
        body: [
          {
            ...event,
            topic: topicId,
            deadLetterReason: "UndeliverableDueToClientError",
            deliveryAttempts: 1,
            lastDeliveryOutcome: "PayloadTooLarge",
            publishTime: "2026-03-04T05:06:07.000Z",
            lastDeliveryAttemptTime: "2026-03-04T05:06:07.000Z",
          },
        ],
      },
    ]);
  });
});

describe("a subscription", () => {
  it("delivers CloudEvents from Event Grid events, with lower-case dead-letter names", async () => {
    const { clock, blobs, grid, publish } = createScene({
      deliverToServiceBus: () => Promise.reject(new Error("broken")),
    });
    await grid.createSubscription({
      topicId,
      name: "ce",
      eventDeliverySchema: "CloudEventSchemaV1_0",
      destination: queue,
      deadLetterDestination,
      retryPolicy: { maxDeliveryAttempts: 1 },
    });
    await publish();
    await clock.advance(5 * minute);
    expect(blobs[0]?.body).toEqual([
      {
        specversion: "1.0",
        id: "e1",
        source: topicId,
        type: "t",
        time: "2026-03-04T05:00:00Z",
        subject: "s",
        data: { company: "usmf", total: 5, lines: [1] },
        deadletterreason: "MaxDeliveryAttemptsExceeded",
        deliveryattempts: 1,
        lastdeliveryoutcome: "Aborted",
        publishtime: "2026-03-04T05:06:07.000Z",
        lastdeliveryattempttime: "2026-03-04T05:06:07.000Z",
      },
    ]);
  });

  it("maps attributes to application properties and to the message's own", async () => {
    const { sent, grid, publish } = createScene();
    const deliveryAttributeMappings = [
      { name: "door", type: "Static", value: "event-grid" },
      { name: "total", type: "Dynamic", sourceField: "data.total" },
      { name: "lines", type: "Dynamic", sourceField: "data.lines" },
      { name: "SessionId", type: "Dynamic", sourceField: "data.company" },
      { name: "Label", type: "Static", value: "invoice" },
    ];
    await grid.createSubscription({
      topicId,
      name: "s",
      destination: { ...queue, deliveryAttributeMappings },
    });
    await publish();
    expect(sent[0]).toMatchObject({
      sessionId: "usmf",
      subject: "invoice",
      messageId: "delivery-1",
    });
    expect(sent[0]?.applicationProperties).toMatchObject({ door: "event-grid", total: 5 });
    expect(sent[0]?.applicationProperties).not.toHaveProperty("lines");
  });

  it.each([
    ["RETRY_POLICY_INVALID", { destination: queue, retryPolicy: { maxDeliveryAttempts: 31 } }],
    ["DESTINATION_UNSUPPORTED", { destination: { endpointType: "EventHub", resourceId: "/x" } }],
    ["DESTINATION_UNSUPPORTED", {}],
    [
      "FILTER_INVALID",
      { destination: queue, filter: { advancedFilters: [{ operatorType: "No" }] } },
    ],
    [
      "ATTRIBUTE_MAPPING_INVALID",
      {
        destination: {
          ...queue,
          deliveryAttributeMappings: [{ name: "aeg-x", type: "Static", value: "1" }],
        },
      },
    ],
  ])("is refused with %s for %j", async (code, props) => {
    const { grid } = createScene();
    await expect(grid.createSubscription({ topicId, name: "s", ...props })).rejects.toMatchObject({
      code,
    });
  });

  it("counts what happened to its events", async () => {
    const { grid, publish } = createScene();
    await grid.createSubscription({ topicId, name: "s", destination: queue });
    await publish();
    expect(grid.metrics(topicId)).toEqual({
      published: 1,
      unmatched: 0,
      refusedRequests: 0,
      subscriptions: {
        s: {
          accepted: 1,
          delivered: 1,
          failedAttempts: 0,
          deadLettered: 0,
          dropped: 0,
          waiting: 0,
        },
      },
    });
  });
});

describe("a webhook subscription", () => {
  const destination = { endpointType: "WebHook", endpointUrl: "https://127.0.0.1/hook" };
  const consenting =
    (seen: Request[], status = 200): typeof fetch =>
    async (input, init) => {
      const request = new Request(input, init);
      seen.push(request.clone());
      if (request.headers.get("aeg-event-type") !== "SubscriptionValidation") {
        return new Response(null, { status });
      }
      const [first] = (await request.json()) as { data: { validationCode: string } }[];
      return Response.json({ validationResponse: first?.data.validationCode });
    };

  it("is made after the handshake and gets an array of one event", async () => {
    const seen: Request[] = [];
    const { grid, publish } = createScene({ fetch: consenting(seen) });
    await grid.createSubscription({ topicId, name: "hook", destination });
    await publish();
    expect(seen[1]?.headers.get("aeg-subscription-name")).toBe("HOOK");
    expect(await seen[1]?.json()).toMatchObject([{ id: "e1", topic: topicId }]);
    expect(grid.metrics(topicId).subscriptions["hook"]).toMatchObject({ delivered: 1 });
  });

  it("is refused when the endpoint only answers 202", async () => {
    const fetchLater: typeof fetch = () => Promise.resolve(new Response(null, { status: 202 }));
    const { grid } = createScene({ fetch: fetchLater });
    await expect(
      grid.createSubscription({ topicId, name: "hook", destination }),
    ).rejects.toMatchObject({ code: "ENDPOINT_VALIDATION_FAILED" });
  });

  it.each([
    [204, { delivered: 1, waiting: 0 }],
    [206, { delivered: 0, waiting: 1 }],
    [302, { delivered: 0, waiting: 1 }],
    [401, { delivered: 0, dropped: 1, waiting: 0 }],
  ])("takes %i for %j", async (status, expected) => {
    const { grid, publish } = createScene({ fetch: consenting([], status) });
    await grid.createSubscription({ topicId, name: "hook", destination });
    await publish();
    expect(grid.metrics(topicId).subscriptions["hook"]).toMatchObject(expected);
  });
});
