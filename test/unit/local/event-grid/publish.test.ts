import { describe, expect, it } from "@jest/globals";
import { createAccessControl } from "../../../../local/access-control.ts";
import { SimulatedClock } from "../../../../local/clock.ts";
import { createEventGrid } from "../../../../local/event-grid/event-grid-app.ts";
import type { ServiceBusDelivery } from "../../../../local/event-grid/service-bus-destination.ts";

const topicId = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.EventGrid/topics/invoices";
const queueId =
  "/subscriptions/s/providers/Microsoft.ServiceBus/namespaces/ns/queues/business-events";
const key = Buffer.alloc(32, 1).toString("base64");
const otherKey = Buffer.alloc(32, 2).toString("base64");

async function createScene(inputSchema: "EventGridSchema" | "CloudEventSchemaV1_0") {
  const sent: ServiceBusDelivery[] = [];
  const grid = createEventGrid({
    services: {
      clock: new SimulatedClock(Date.parse("2026-11-24T14:07:09Z")),
      access: createAccessControl(),
      tokens: { verify: () => Promise.reject(new Error("signature is not the local issuer's")) },
      log: () => undefined,
    },
    deliverToServiceBus: (_id, message) => Promise.resolve(void sent.push(message)),
    writeDeadLetter: () => Promise.resolve(),
    newId: () => "delivery-1",
  });
  grid.createTopic({ id: topicId, name: "invoices", inputSchema, keys: [key, otherKey] });
  const destination = { endpointType: "ServiceBusQueue", resourceId: queueId };
  await grid.createSubscription({ topicId, name: "to-queue", destination });
  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    Promise.resolve(
      grid.app.request("/invoices/api/events?api-version=2018-01-01", {
        method: "POST",
        headers: { "aeg-sas-key": key, ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    );
  return { grid, sent, post };
}

const readError = async (response: Response) =>
  ((await response.json()) as { error: { code: string; message: string; details: object[] } })
    .error;

const event = {
  id: "e1",
  subject: "s",
  eventType: "t",
  eventTime: "2026-11-24T14:00:00Z",
  data: '{"BusinessEventId":"X"}',
};

describe("publishing in the Event Grid schema", () => {
  it("stamps topic, dataVersion and metadataVersion and keeps data as it came", async () => {
    const { sent, post } = await createScene("EventGridSchema");
    expect((await post([event])).status).toBe(200);
    expect(JSON.parse(sent[0]?.body ?? "")).toEqual({
      ...event,
      topic: topicId,
      dataVersion: "",
      metadataVersion: "1",
    });
    expect(sent[0]).toMatchObject({
      messageId: "delivery-1",
      applicationProperties: {
        "aeg-event-type": "Notification",
        "aeg-subscription-name": "TO-QUEUE",
        "aeg-delivery-count": "0",
        "aeg-output-event-id": "e1",
        "aeg-metadata-version": "1",
        "aeg-data-version": "",
      },
    });
  });

  it.each(["subject", "id", "eventType", "eventTime"])("requires %s", async (name) => {
    const { sent, post } = await createScene("EventGridSchema");
    const response = await post([event, { ...event, [name]: undefined }]);
    expect(response.status).toBe(400);
    const error = await readError(response);
    expect(error.message.replace(/'[0-9a-f-]{36}:/, "'ID:")).toBe(
      `This resource is configured for 'EventGridEvent' schema and requires '${name}' property to be set. Report 'ID:1:11/24/2026 2:07:09 PM (UTC)' to our forums for assistance or raise a support ticket.`,
    );
    expect(error).toMatchObject({ code: "BadRequest", details: [{ code: "InputJsonInvalid" }] });
    expect(sent).toEqual([]);
  });

  it.each([
    ["an object", event, 400, "Token Expected: StartArray, Actual Token Received: StartObject"],
    ["an empty array", [], 400, "the array is empty"],
    ["text", "{", 400, "not valid JSON"],
    ["another topic's id", [{ ...event, topic: "/other" }], 401, "'/other'"],
    ["another metadataVersion", [{ ...event, metadataVersion: "2" }], 400, "metadataVersion"],
    ["over 1 MB", [{ ...event, data: "x".repeat(1_048_576) }], 413, "1048576"],
  ])("refuses %s", async (_what, body, status, text) => {
    const { post } = await createScene("EventGridSchema");
    const response = await post(body);
    expect(response.status).toBe(status);
    expect((await readError(response)).message).toContain(text);
  });

  it("refuses no key, a wrong key, and any key once local authentication is off", async () => {
    const { grid, post } = await createScene("EventGridSchema");
    const response = await grid.app.request("/invoices/api/events", { method: "POST", body: "[]" });
    expect(response.status).toBe(401);
    expect((await readError(response)).message).toContain("aeg-sas-token, aeg-sas-key.");
    expect((await post([event], { "aeg-sas-key": "bm8=" })).status).toBe(401);
    expect((await post([event], { "aeg-sas-key": otherKey })).status).toBe(200);
    grid.createTopic({ id: topicId, name: "invoices", disableLocalAuth: true, keys: [key, key] });
    expect((await post([event])).status).toBe(401);
  });

  it("answers 404 for a topic that is not there", async () => {
    const { grid } = await createScene("EventGridSchema");
    expect((await grid.app.request("/other/api/events", { method: "POST" })).status).toBe(404);
  });
});

describe("publishing CloudEvents", () => {
  const cloudEvent = { specversion: "1.0", type: "t", source: "/s", id: "c1", data: { a: 1 } };
  const batch = { "content-type": "application/cloudevents-batch+json; charset=utf-8" };

  it("takes a batch, one structured event, and binary mode", async () => {
    const { sent, post } = await createScene("CloudEventSchemaV1_0");
    await post([cloudEvent], batch);
    await post(cloudEvent, { "content-type": "application/cloudevents+json" });
    await post(
      { a: 1 },
      {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-type": "t",
        "ce-source": "/s",
        "ce-id": "c1",
      },
    );
    expect(sent.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      cloudEvent,
      cloudEvent,
      { ...cloudEvent, datacontenttype: "application/json" },
    ]);
  });

  it.each([
    [
      "a missing type under its Event Grid name",
      { ...cloudEvent, type: undefined },
      {},
      400,
      "'eventType'",
    ],
    [
      "an array as application/json",
      [cloudEvent],
      { "content-type": "application/json" },
      400,
      "StartArray",
    ],
    ["another content type", cloudEvent, { "content-type": "text/plain" }, 415, "batch+json"],
    [
      "a missing ce-id",
      {},
      { "content-type": "application/json", "ce-type": "t" },
      400,
      "ce-specversion header is missing",
    ],
  ])("refuses %s", async (_what, body, headers, status, text) => {
    const { post } = await createScene("CloudEventSchemaV1_0");
    const response = await post(body, {
      "content-type": "application/cloudevents+json",
      ...headers,
    });
    expect(response.status).toBe(status);
    expect((await readError(response)).message).toContain(text);
  });
});
