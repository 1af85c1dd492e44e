import type { LocalServices } from "../cloud.ts";
import { toDeadLetterBody, toDeadLetterPath } from "./dead-letter-blob.ts";
import { checkAttributeMappings } from "./delivery-attributes.ts";
import { SubscriptionDelivery } from "./delivery.ts";
import type { DeadLetter, DeliveryAttempt } from "./delivery.ts";
import type { DeliveryOutcome } from "./delivery-outcome.ts";
import { EventGridError } from "./event-grid-error.ts";
import { toPrincipalId } from "./event-subscription.ts";
import type {
  BlobDestination,
  Destination,
  EventSubscriptionProps,
  SubscriptionIdentity,
  TopicIdentity,
} from "./event-subscription.ts";
import type { EventSchema, GridEvent } from "./grid-event.ts";
import { toServiceBusDelivery, toServiceBusOutcome } from "./service-bus-destination.ts";
import type { ServiceBusDelivery } from "./service-bus-destination.ts";
import { deliverToWebhook, validateWebhook } from "./webhook-destination.ts";

/** The other services, as Event Grid reaches them. */
export interface EventGridSurroundings {
  readonly services: LocalServices;
  /** Rejects with the broker's error (`condition` is an AMQP condition) when the send is refused. */
  readonly deliverToServiceBus: (resourceId: string, message: ServiceBusDelivery) => Promise<void>;
  /** Rejects when the blob could not be written. */
  readonly writeDeadLetter: (
    storageResourceId: string,
    containerName: string,
    path: string,
    body: string,
  ) => Promise<void>;
  readonly fetch: typeof fetch;
  readonly newId: () => string;
  readonly jitter: (delayMs: number) => number;
}

export interface SubscribedTopic {
  readonly id: string;
  readonly inputSchema: EventSchema;
  readonly identity?: TopicIdentity | undefined;
}

type Send = (attempt: DeliveryAttempt<GridEvent>) => Promise<DeliveryOutcome>;

/** Azure Service Bus Data Sender, Data Owner. */
const sendRoles = ["69a216fc-b8fb-44d8-bc22-1f3c2cd27a39", "090c5cfd-751d-490a-894a-3ce6f1109419"];
/** Storage Blob Data Contributor, Data Owner. */
const blobRoles = ["ba92f5b4-2d11-453d-a403-e96b0029c9fe", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"];
const maxAttempts = 30;
const maxTimeToLiveMinutes = 1440;

/** Checks a subscription as Azure does when it is made, and starts its deliveries. */
export async function startDelivery(
  props: EventSubscriptionProps,
  topic: SubscribedTopic,
  surroundings: EventGridSurroundings,
): Promise<SubscriptionDelivery<GridEvent>> {
  const { services, newId, jitter } = surroundings;
  const { attempts, minutes } = readRetryPolicy(props);
  const schema = readDeliverySchema(props, topic);
  const destination = props.deliveryWithResourceIdentity?.destination ?? props.destination;
  if (destination === undefined) {
    throw new EventGridError("DESTINATION_UNSUPPORTED", `${props.name} has no destination`);
  }
  checkAttributeMappings(destination.deliveryAttributeMappings ?? []);
  const isWebhook = destination.endpointType === "WebHook";
  const send = isWebhook
    ? await connectWebhook(props, { topic, destination, schema, surroundings })
    : connectServiceBus(props, { topic, destination, schema, surroundings });
  return new SubscriptionDelivery<GridEvent>({
    clock: services.clock,
    kind: isWebhook ? "webhook" : "azureResource",
    maxDeliveryAttempts: attempts,
    timeToLiveMs: minutes * 60_000,
    newId,
    jitter,
    attempt: send,
    writeDeadLetter: connectDeadLetters(props, { topic, schema, surroundings }),
    log: services.log,
  });
}

interface Connection {
  readonly topic: SubscribedTopic;
  readonly destination: Destination;
  readonly schema: EventSchema;
  readonly surroundings: EventGridSurroundings;
}

function connectServiceBus(
  props: EventSubscriptionProps,
  { topic, destination, surroundings }: Connection,
): Send {
  const { endpointType, resourceId } = destination;
  const isKnown = endpointType === "ServiceBusQueue" || endpointType === "ServiceBusTopic";
  if (!isKnown || resourceId === undefined) {
    throw new EventGridError(
      "DESTINATION_UNSUPPORTED",
      `${props.name}: ${endpointType} is not in the local Event Grid (ServiceBusQueue, ServiceBusTopic, WebHook)`,
    );
  }
  const identity = props.deliveryWithResourceIdentity?.identity;
  const principalId = requirePrincipal(props, topic, identity);
  const { access } = surroundings.services;
  return async (attempt) => {
    // Asked at every attempt: the role may arrive after the subscription, as in Azure.
    if (principalId !== undefined && !access.allows(principalId, sendRoles, resourceId)) {
      return "Unauthorized";
    }
    const mappings = destination.deliveryAttributeMappings ?? [];
    try {
      const message = toServiceBusDelivery(attempt, props.name, mappings);
      await surroundings.deliverToServiceBus(resourceId, message);
      return "Delivered";
    } catch (error) {
      const outcome = toServiceBusOutcome(error);
      surroundings.services.log(`event grid: ${props.name}: ${outcome}: ${String(error)}`);
      return outcome;
    }
  };
}

async function connectWebhook(
  props: EventSubscriptionProps,
  { topic, destination, schema, surroundings }: Connection,
): Promise<Send> {
  const webhook = {
    url: destination.endpointUrl ?? "",
    schema,
    subscriptionName: props.name,
    mappings: destination.deliveryAttributeMappings ?? [],
    topicId: topic.id,
    clock: surroundings.services.clock,
    fetch: surroundings.fetch,
  };
  await validateWebhook(webhook);
  return (attempt) => deliverToWebhook(webhook, attempt);
}

function connectDeadLetters(
  props: EventSubscriptionProps,
  { topic, surroundings }: Omit<Connection, "destination">,
): ((deadLetter: DeadLetter<GridEvent>) => Promise<void>) | undefined {
  const withIdentity = props.deadLetterWithResourceIdentity;
  const blob: BlobDestination | undefined =
    withIdentity?.deadLetterDestination ?? props.deadLetterDestination;
  if (blob === undefined) return undefined;
  const principalId = requirePrincipal(props, topic, withIdentity?.identity);
  const { resourceId, blobContainerName } = blob;
  const containerId = `${resourceId}/blobServices/default/containers/${blobContainerName}`;
  const { access, clock } = surroundings.services;
  return async (deadLetter) => {
    if (principalId !== undefined && !access.allows(principalId, blobRoles, containerId)) {
      throw new Error(`the topic's identity has no blob role on ${containerId}`);
    }
    const path = toDeadLetterPath(props.name, clock.now(), deadLetter.deliveryId);
    const body = toDeadLetterBody(deadLetter);
    await surroundings.writeDeadLetter(resourceId, blobContainerName, path, body);
  };
}

/** undefined when the subscription does not use an identity at all. */
function requirePrincipal(
  props: EventSubscriptionProps,
  topic: SubscribedTopic,
  identity: SubscriptionIdentity | undefined,
): string | undefined {
  if (identity === undefined) return undefined;
  const principalId = toPrincipalId(topic.identity, identity);
  if (principalId !== undefined) return principalId;
  throw new EventGridError(
    "IDENTITY_MISSING",
    `${props.name} delivers with ${identity.userAssignedIdentity ?? "the system-assigned identity"}, which the topic does not have`,
  );
}

function readRetryPolicy({ name, retryPolicy }: EventSubscriptionProps): {
  readonly attempts: number;
  readonly minutes: number;
} {
  const attempts = retryPolicy?.maxDeliveryAttempts ?? maxAttempts;
  const minutes = retryPolicy?.eventTimeToLiveInMinutes ?? maxTimeToLiveMinutes;
  if (attempts >= 1 && attempts <= maxAttempts && minutes >= 1 && minutes <= maxTimeToLiveMinutes) {
    return { attempts, minutes };
  }
  throw new EventGridError(
    "RETRY_POLICY_INVALID",
    `${name}: 1-${maxAttempts} attempts and 1-${maxTimeToLiveMinutes} minutes; it asks for ${attempts} and ${minutes}`,
  );
}

function readDeliverySchema(
  { name, eventDeliverySchema }: EventSubscriptionProps,
  { inputSchema }: SubscribedTopic,
): EventSchema {
  const schema = eventDeliverySchema ?? inputSchema;
  if (inputSchema === "EventGridSchema" || schema === inputSchema) return schema;
  throw new EventGridError(
    "SCHEMA_UNSUPPORTED",
    `${name}: a topic that takes CloudEvents cannot deliver ${schema}`,
  );
}
