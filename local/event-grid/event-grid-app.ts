import { Hono } from "hono";
import { randomBytes, randomUUID } from "node:crypto";
import type { Running } from "../cloud.ts";
import type { DeliveryMetrics, SubscriptionDelivery } from "./delivery.ts";
import { EventGridError } from "./event-grid-error.ts";
import { toEventPredicate } from "./event-filter.ts";
import type { EventSubscriptionProps, TopicIdentity } from "./event-subscription.ts";
import { toDeliverySchema } from "./grid-event.ts";
import type { EventSchema, GridEvent } from "./grid-event.ts";
import { authorizePublish } from "./publish-authorization.ts";
import { PublishError, toErrorResponse } from "./publish-error.ts";
import { maxRequestBytes, readPublishRequest, tooLarge } from "./publish-request.ts";
import { startDelivery } from "./start-delivery.ts";
import type { EventGridSurroundings } from "./start-delivery.ts";

export interface TopicProps {
  /** ARM id. */
  readonly id: string;
  readonly name: string;
  readonly inputSchema?: string | undefined;
  readonly disableLocalAuth?: boolean | undefined;
  /** Base64; random when left out. */
  readonly keys?: readonly [string, string] | undefined;
  readonly identity?: TopicIdentity | undefined;
}

export interface TopicMetrics {
  readonly published: number;
  /** Events that no subscription wanted. */
  readonly unmatched: number;
  readonly refusedRequests: number;
  readonly subscriptions: Readonly<Record<string, DeliveryMetrics & { readonly waiting: number }>>;
}

export interface EventGrid extends Running {
  readonly app: Hono;
  /** The endpoint is the service's base address followed by `endpointPath`. */
  createTopic(props: TopicProps): { readonly endpointPath: string };
  /** Waits for a webhook's handshake; throws EventGridError for what Azure would refuse. */
  createSubscription(props: EventSubscriptionProps): Promise<void>;
  keys(topicId: string): readonly [string, string];
  metrics(topicId: string): TopicMetrics;
}

export type EventGridOptions = Pick<
  EventGridSurroundings,
  "services" | "deliverToServiceBus" | "writeDeadLetter"
> &
  Partial<EventGridSurroundings>;

interface Subscription {
  readonly wants: (event: GridEvent) => boolean;
  readonly schema: EventSchema;
  readonly delivery: SubscriptionDelivery<GridEvent>;
}

interface Topic {
  readonly id: string;
  readonly name: string;
  readonly inputSchema: EventSchema;
  readonly disableLocalAuth: boolean;
  readonly keys: readonly [string, string];
  readonly identity: TopicIdentity | undefined;
  readonly subscriptions: Map<string, Subscription>;
  published: number;
  unmatched: number;
  refusedRequests: number;
}

const maxSubscriptionsPerTopic = 500;

/** Custom topics: the publish API for unchanged clients, filters, and deliveries on the local clock. */
export function createEventGrid(options: EventGridOptions): EventGrid {
  const surroundings: EventGridSurroundings = {
    fetch,
    newId: randomUUID,
    // Azure adds "a small randomization"; a tenth is our reading of it.
    jitter: (delayMs) => delayMs * (1 + Math.random() / 10),
    ...options,
  };
  const topics = new Map<string, Topic>();
  const app = new Hono();
  app.post("/:topic/api/events", (context) =>
    answerPublish(context.req.raw, topics.get(context.req.param("topic").toLowerCase()), options),
  );
  const topicById = (id: string): Topic => {
    const topic = [...topics.values()].find((each) => each.id.toLowerCase() === id.toLowerCase());
    if (topic === undefined) throw new EventGridError("TOPIC_UNKNOWN", `there is no topic ${id}`);
    return topic;
  };
  return {
    app,
    createTopic: (props) => {
      const topic = toTopic(props, topics);
      topics.set(topic.name.toLowerCase(), topic);
      return { endpointPath: `/${topic.name}/api/events` };
    },
    createSubscription: (props) => addSubscription(topicById(props.topicId), props, surroundings),
    keys: (topicId) => topicById(topicId).keys,
    metrics: (topicId) => toMetrics(topicById(topicId)),
    close: () => {
      for (const { subscriptions } of topics.values()) {
        for (const { delivery } of subscriptions.values()) delivery.close();
      }
      return Promise.resolve();
    },
  };
}

function toTopic(props: TopicProps, topics: ReadonlyMap<string, Topic>): Topic {
  const taken = topics.get(props.name.toLowerCase());
  if (taken !== undefined && taken.id.toLowerCase() !== props.id.toLowerCase()) {
    throw new EventGridError("TOPIC_NAME_TAKEN", `${taken.id} has the name ${props.name} already`);
  }
  const inputSchema = props.inputSchema ?? "EventGridSchema";
  if (inputSchema !== "EventGridSchema" && inputSchema !== "CloudEventSchemaV1_0") {
    const message = `${props.name}: input schema ${inputSchema} is not in the local Event Grid`;
    throw new EventGridError("SCHEMA_UNSUPPORTED", message);
  }
  return {
    id: props.id,
    name: props.name,
    inputSchema,
    disableLocalAuth: props.disableLocalAuth ?? false,
    keys: props.keys ?? taken?.keys ?? [newKey(), newKey()],
    identity: props.identity,
    // An update changes the topic's own properties only.
    subscriptions: taken?.subscriptions ?? new Map<string, Subscription>(),
    published: taken?.published ?? 0,
    unmatched: taken?.unmatched ?? 0,
    refusedRequests: taken?.refusedRequests ?? 0,
  };
}

function newKey(): string {
  return randomBytes(32).toString("base64");
}

async function addSubscription(
  topic: Topic,
  props: EventSubscriptionProps,
  surroundings: EventGridSurroundings,
): Promise<void> {
  if (topic.subscriptions.size >= maxSubscriptionsPerTopic) {
    const message = `${topic.name} has ${maxSubscriptionsPerTopic} subscriptions already`;
    throw new EventGridError("SUBSCRIPTION_LIMIT", message);
  }
  const wants = toEventPredicate(props.filter);
  const delivery = await startDelivery(props, topic, surroundings);
  const name = props.name.toLowerCase();
  topic.subscriptions.get(name)?.delivery.close();
  const schema = props.eventDeliverySchema ?? topic.inputSchema;
  topic.subscriptions.set(name, { wants, schema, delivery });
}

async function answerPublish(
  request: Request,
  topic: Topic | undefined,
  { services }: Pick<EventGridOptions, "services">,
): Promise<Response> {
  try {
    if (topic === undefined) {
      throw new PublishError("NotFound", "NotFound", "There is no topic at this address.");
    }
    await authorizePublish(request, topic, services);
    const { headers } = request;
    if (Number(headers.get("content-length") ?? 0) > maxRequestBytes) {
      throw tooLarge(maxRequestBytes);
    }
    const body = new Uint8Array(await request.arrayBuffer());
    const { id: topicId, inputSchema } = topic;
    publish(topic, readPublishRequest({ topicId, inputSchema, headers, body }));
    return new Response(null, { status: 200 });
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    if (topic !== undefined) topic.refusedRequests += 1;
    return toErrorResponse(error, services.clock.now());
  }
}

function publish(topic: Topic, events: readonly GridEvent[]): void {
  for (const event of events) {
    topic.published += 1;
    const wanting = [...topic.subscriptions.values()].filter(({ wants }) => wants(event));
    if (wanting.length === 0) topic.unmatched += 1;
    for (const { delivery, schema } of wanting) delivery.accept(toDeliverySchema(event, schema));
  }
}

function toMetrics(topic: Topic): TopicMetrics {
  const { published, unmatched, refusedRequests, subscriptions } = topic;
  const bySubscription = [...subscriptions].map(([name, { delivery }]) => [
    name,
    delivery.metrics(),
  ]);
  return {
    published,
    unmatched,
    refusedRequests,
    subscriptions: Object.fromEntries(bySubscription) as TopicMetrics["subscriptions"],
  };
}
