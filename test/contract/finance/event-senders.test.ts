import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { toRaisedEvent } from "../../../local/finance/business-event.ts";
import { createEventSenders } from "../../../local/finance/create-event-senders.ts";
import { startFrontDoor } from "../../../local/front-door.ts";
import type { FrontDoor } from "../../../local/front-door.ts";
import { only, startWorld } from "../service-bus/service-bus-world.ts";
import type { ServiceBusWorld } from "../service-bus/service-bus-world.ts";

interface Call {
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
}

const event = toRaisedEvent(
  {
    businessEventId: "CustFreeTextInvoicePostedBusinessEvent",
    legalEntity: "usmf",
    eventId: "7B1F0C52-3C0E-4B57-9A4B-0F6B3E2C91D4",
    controlNumber: -(2n ** 63n),
    timeMs: Date.parse("2026-11-24T08:30:25.418Z"),
    timeFraction: 7306,
  },
  { InvoiceId: "INV/2024#1?+%&" },
  "AccountsReceivable",
);

describe("F&O's sends over the genuine clients", () => {
  const senders = createEventSenders();
  const calls: Call[] = [];
  let status = 200;
  let door: FrontDoor;
  let world: ServiceBusWorld;

  beforeAll(async () => {
    world = await startWorld();
    world.broker.createQueue("business-events");
    door = await startFrontDoor({
      fetch: async (request) => {
        const { pathname: path } = new URL(request.url);
        calls.push({ path, headers: request.headers, body: await request.text() });
        return new Response(null, { status });
      },
    });
  });

  afterAll(async () => {
    await senders.close();
    await door.close();
    await world.close();
  });

  const lastCall = (): Call | undefined => calls.at(-1);

  it("reach Event Grid in its own schema, with data as a JSON string and without a trace", async () => {
    const url = `${door.httpUrl}/api/events`;
    await senders.eventGrid({ name: "grid", type: "eventGrid", url }, "the key", event);
    expect(lastCall()?.path).toBe("/api/events");
    expect(lastCall()?.headers.get("aeg-sas-key")).toBe("the key");
    expect(lastCall()?.headers.get("traceparent")).toBeNull();
    expect(JSON.parse(lastCall()?.body ?? "")).toEqual([
      {
        id: "7b1f0c52-3c0e-4b57-9a4b-0f6b3e2c91d4",
        eventType: "CustFreeTextInvoicePostedBusinessEvent",
        subject: "CustFreeTextInvoicePostedBusinessEvent",
        eventTime: "2026-11-24T08:30:25.418Z",
        dataVersion: "1.0",
        data: event.text,
      },
    ]);
  });

  it("send data as an object when F&O's parameter says so", async () => {
    const endpoint = { name: "grid", type: "eventGrid", url: door.httpUrl } as const;
    await senders.eventGrid({ ...endpoint, dataAsObject: true }, "the key", event);
    const [sent] = JSON.parse(lastCall()?.body ?? "") as { data: { InvoiceId: string } }[];
    expect(sent?.data.InvoiceId).toBe("INV/2024#1?+%&");
  });

  it("reach a queue as the event's own JSON with F&O's properties", async () => {
    const key = world.server.connectionString("RootManageSharedAccessKey");
    const endpoint = { name: "queue", type: "serviceBus", queue: "business-events" } as const;
    await senders.serviceBus(endpoint, key, event);
    const receiver = world.client.createReceiver("business-events", {
      skipParsingBodyAsJson: true,
    });
    const message = only(await receiver.receiveMessages(1));
    expect(String(message.body)).toBe(event.text);
    expect(message.applicationProperties).toEqual({
      EventId: "7B1F0C52-3C0E-4B57-9A4B-0F6B3E2C91D4",
      BusinessEventId: "CustFreeTextInvoicePostedBusinessEvent",
      BusinessEventCategory: "AccountsReceivable",
      LegalEntity: "usmf",
      EventTime: "2026-11-24T08:30:25.4187306Z",
    });
  });

  it("reach an HTTPS endpoint at the address that is its secret", async () => {
    const url = `${door.httpUrl}/api/business-events?code=key`;
    await senders.https({ name: "door", type: "https" }, url, event);
    expect(lastCall()).toMatchObject({ path: "/api/business-events", body: event.text });
    expect(lastCall()?.headers.get("content-type")).toBe("application/json");
  });

  it("fail once, without retries of the client, when the receiver refuses", async () => {
    status = 503;
    const before = calls.length;
    const grid = { name: "grid", type: "eventGrid", url: door.httpUrl } as const;
    await expect(senders.eventGrid(grid, "the key", event)).rejects.toThrow();
    const https = { name: "door", type: "https" } as const;
    await expect(senders.https(https, door.httpUrl, event)).rejects.toThrow("Answer 503");
    expect(calls.length - before).toBe(2);
  });
});
