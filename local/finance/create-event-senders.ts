import { AzureKeyCredential, EventGridPublisherClient } from "@azure/eventgrid";
import type { EventGridPublisherClientOptions } from "@azure/eventgrid";
import { ServiceBusClient } from "@azure/service-bus";
import type { ServiceBusSender } from "@azure/service-bus";
import type { Running } from "../cloud.ts";
import { mendClients } from "../service-bus/mend-clients.ts";
import type { RaisedEvent } from "./business-event.ts";
import type { EventGridEndpoint, EventSenders } from "./event-endpoint.ts";
import { FinanceError } from "./finance-error.ts";
import { createInProcessClient } from "./in-process-client.ts";
import type { Exchange } from "./in-process-client.ts";

const HTTPS_TIMEOUT_MS = 10_000;
const SERVICE_BUS_TIMEOUT_MS = 10_000;

/**
 * Sends over the genuine clients. They do not retry: F&O's own three tries are all there is. Nothing
 * sends a traceparent: F&O does not. `exchange`: for an Event Grid that is a service of this process.
 */
export function createEventSenders(exchange?: Exchange): EventSenders & Running {
  const transport = exchange === undefined ? {} : { httpClient: createInProcessClient(exchange) };
  mendClients();
  const clients = new Map<string, ServiceBusClient>();
  const senders = new Map<string, ServiceBusSender>();
  const publishers = new Map<string, EventGridPublisherClient<"EventGrid">>();
  return {
    eventGrid: (endpoint, key, event) =>
      sendToEventGrid(openPublisher(endpoint, key, { publishers, transport }), endpoint, event),
    serviceBus: async ({ queue }, connectionString, event) => {
      const sender = openSender(connectionString, queue, clients, senders);
      await sender.sendMessages({
        // A string would be sent as a JSON string of JSON; bytes are sent as they are.
        body: Buffer.from(event.text, "utf8"),
        applicationProperties: {
          EventId: event.eventId,
          BusinessEventId: event.businessEventId,
          BusinessEventCategory: event.category,
          LegalEntity: event.legalEntity,
          EventTime: event.time,
        },
      });
    },
    https: async (_, url, event) => {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: event.text,
        signal: AbortSignal.timeout(HTTPS_TIMEOUT_MS),
      });
      await response.arrayBuffer();
      if (!response.ok) throw new FinanceError("SEND_FAILED", `Answer ${response.status}`);
    },
    close: async () => {
      await Promise.all([...clients.values()].map((client) => client.close()));
      clients.clear();
      senders.clear();
      publishers.clear();
    },
  };
}

function openPublisher(
  { url }: EventGridEndpoint,
  key: string,
  {
    publishers,
    transport,
  }: {
    readonly publishers: Map<string, EventGridPublisherClient<"EventGrid">>;
    readonly transport: Pick<EventGridPublisherClientOptions, "httpClient">;
  },
): EventGridPublisherClient<"EventGrid"> {
  const name = `${url} ${key}`;
  const known =
    publishers.get(name) ??
    new EventGridPublisherClient(url, "EventGrid", new AzureKeyCredential(key), {
      allowInsecureConnection: isLoopback(url),
      retryOptions: { maxRetries: 0 },
      ...transport,
    });
  publishers.set(name, known);
  return known;
}

async function sendToEventGrid(
  client: EventGridPublisherClient<"EventGrid">,
  endpoint: EventGridEndpoint,
  event: RaisedEvent,
): Promise<void> {
  await client.send([
    {
      id: event.eventId.toLowerCase(),
      eventType: endpoint.eventType ?? event.businessEventId,
      subject: endpoint.subject ?? event.businessEventId,
      eventTime: new Date(event.time),
      dataVersion: "1.0",
      data: endpoint.dataAsObject === true ? JSON.parse(event.text) : toStringData(event.text),
    },
  ]);
}

/** F&O's own client sends text as data; this one takes objects only, and writes what their toJSON says. */
function toStringData(text: string): object {
  return { toJSON: () => text };
}

function openSender(
  connectionString: string,
  queue: string,
  clients: Map<string, ServiceBusClient>,
  senders: Map<string, ServiceBusSender>,
): ServiceBusSender {
  const known = senders.get(`${connectionString} ${queue}`);
  if (known !== undefined && !known.isClosed) return known;
  const client =
    clients.get(connectionString) ??
    new ServiceBusClient(connectionString, {
      retryOptions: { maxRetries: 0, timeoutInMs: SERVICE_BUS_TIMEOUT_MS },
    });
  clients.set(connectionString, client);
  const sender = client.createSender(queue);
  senders.set(`${connectionString} ${queue}`, sender);
  return sender;
}

function isLoopback(url: string): boolean {
  return /^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::|\/|$)/.test(url);
}
