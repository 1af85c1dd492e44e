import { TableServiceClient } from "@azure/data-tables";
import { BlobServiceClient } from "@azure/storage-blob";
import type { RoleAdministration, Running } from "../cloud.ts";
import type {
  LocalEventGrid,
  LocalServiceBus,
  LocalStorage,
  LocalWorkflows,
} from "../deploy/local-cloud.ts";
import type { EventGrid } from "../event-grid/event-grid-app.ts";
import type { EventSubscriptionProps, TopicIdentity } from "../event-grid/event-subscription.ts";
import type { EventSchema } from "../event-grid/grid-event.ts";
import type { WorkflowHost } from "../logic-apps/workflow-host.ts";
import type { Broker, Right } from "../service-bus/broker.ts";
import { startServiceBus, type RunningServiceBus } from "../service-bus/start-service-bus.ts";
import type { Azurite } from "../storage/start-azurite.ts";
import { enforceStorageRoles } from "../storage/storage-roles.ts";
import { openOn } from "./ports.ts";
import type { Base } from "./start-base.ts";

/** Opens its port when the namespace is deployed: only then is its ARM id known, which roles name. */
export function createServiceBusAdapter(
  broker: Broker,
  { services, certificate, ports }: Pick<Base, "services" | "certificate" | "ports">,
): LocalServiceBus & Running & { readonly broker: Broker; running(): RunningServiceBus } {
  let bus: RunningServiceBus | undefined;
  const running = (): RunningServiceBus => {
    if (bus === undefined) throw new Error("There is no Service Bus namespace yet.");
    return bus;
  };
  return {
    broker,
    running,
    createNamespace: async (resourceId) => {
      const options = { broker, services, namespaceResourceId: resourceId, certificate };
      bus = await openOn("serviceBus", ports, (port) => startServiceBus({ ...options, port }));
      return { host: bus.fullyQualifiedNamespace };
    },
    createQueue: (_id, name, inputs) => broker.createQueue(name, entityProps(inputs)),
    createTopic: (_id, name, inputs) => broker.createTopic(name, entityProps(inputs)),
    createSubscription: (_id, topic, name, inputs) =>
      broker.createSubscription(topic, name, entityProps(inputs)),
    setRule: (topic, subscription, name, { filterType, correlationFilter, sqlFilter, action }) =>
      broker.setRule(
        topic,
        subscription,
        name,
        withoutUndefined({ filterType, correlationFilter, sqlFilter, action }),
      ),
    addAuthorizationRule: (entity, name, { rights, primaryKey }) =>
      broker.addAuthorizationRule({ name, key: primaryKey, rights: rights as Right[], entity }),
    toConnectionString: (entity, rule, key) =>
      `Endpoint=sb://${running().fullyQualifiedNamespace}/;SharedAccessKeyName=${rule};SharedAccessKey=${key};EntityPath=${entity};UseDevelopmentEmulator=true`,
    close: async () => {
      await bus?.close();
      broker.close();
    },
  };
}

/** What places an entity (its namespace, its own name) is no property of it. */
const placementNames = new Set([
  "resourceGroupName",
  "namespaceName",
  "queueName",
  "topicName",
  "subscriptionName",
]);

function entityProps(inputs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => !placementNames.has(name)));
}

function withoutUndefined(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

export function createEventGridAdapter(
  eventGrid: EventGrid,
  baseUrl: () => string,
  principalOf: (identityResourceId: string) => string | undefined,
): LocalEventGrid {
  return {
    createTopic: ({ resourceId, name, inputs, keys }) => {
      const identity = toTopicIdentity(inputs["identity"], principalOf);
      const { endpointPath } = eventGrid.createTopic({
        id: resourceId,
        name,
        keys,
        inputSchema: textOf(inputs["inputSchema"]),
        disableLocalAuth: inputs["disableLocalAuth"] === true,
        identity,
      });
      return { endpoint: `${baseUrl()}${endpointPath}` };
    },
    createSubscription: ({ topicId, name, inputs }) =>
      eventGrid.createSubscription({
        topicId,
        name,
        eventDeliverySchema: textOf(inputs["eventDeliverySchema"]) as EventSchema | undefined,
        filter: inputs["filter"] as EventSubscriptionProps["filter"],
        retryPolicy: inputs["retryPolicy"] as EventSubscriptionProps["retryPolicy"],
        destination: inputs["destination"] as EventSubscriptionProps["destination"],
        deadLetterDestination: inputs[
          "deadLetterDestination"
        ] as EventSubscriptionProps["deadLetterDestination"],
        deliveryWithResourceIdentity: inputs[
          "deliveryWithResourceIdentity"
        ] as EventSubscriptionProps["deliveryWithResourceIdentity"],
        deadLetterWithResourceIdentity: inputs[
          "deadLetterWithResourceIdentity"
        ] as EventSubscriptionProps["deadLetterWithResourceIdentity"],
      }),
  };
}

function toTopicIdentity(
  identity: unknown,
  principalOf: (identityResourceId: string) => string | undefined,
): TopicIdentity {
  // Event Grid, unlike other services, takes identities as a map by ARM id.
  const { userAssignedIdentities = {} } = (identity ?? {}) as {
    readonly userAssignedIdentities?: Readonly<Record<string, unknown>>;
  };
  return {
    userAssigned: Object.fromEntries(
      Object.keys(userAssignedIdentities).flatMap((id) => {
        const principalId = principalOf(id);
        return principalId === undefined ? [] : [[id, principalId] as const];
      }),
    ),
  };
}

export interface StorageAdapter extends LocalStorage {
  writeBlob(container: string, path: string, body: string): Promise<void>;
}

/** One Azurite account stands for every storage account of the stack. */
export function createStorageAdapter(
  starting: Promise<Azurite>,
  roles: RoleAdministration,
): StorageAdapter {
  const clients = starting.then(({ connectionString }) => ({
    blobs: BlobServiceClient.fromConnectionString(connectionString),
    tables: TableServiceClient.fromConnectionString(connectionString, {
      allowInsecureConnection: true,
    }),
  }));
  // Whoever asks for it is told.
  clients.catch(() => undefined);
  return {
    endpoints: async () => {
      const { blobEndpoint, tableEndpoint } = await starting;
      return { blob: `${blobEndpoint}/`, table: `${tableEndpoint}/` };
    },
    createAccount: async (resourceId) => enforceStorageRoles(await starting, roles, resourceId),
    createContainer: async (name) => {
      const { blobs } = await clients;
      await blobs.getContainerClient(name).createIfNotExists();
    },
    createTable: async (name) => (await clients).tables.createTable(name),
    writeBlob: async (container, path, body) => {
      const { blobs } = await clients;
      const blob = blobs.getContainerClient(container).getBlockBlobClient(path);
      await blob.upload(body, Buffer.byteLength(body));
    },
  };
}

export function createWorkflowsAdapter(host: WorkflowHost, baseUrl: () => string): LocalWorkflows {
  return {
    deploy: (resourceId, name, inputs) => {
      const { accessEndpointPath } = host.deploy({
        id: resourceId,
        name,
        definition: inputs["definition"],
        parameters: (inputs["parameters"] ?? {}) as Record<string, { readonly value: unknown }>,
        ...withoutUndefined({
          identity: inputs["identity"],
          accessControl: inputs["accessControl"],
          state: inputs["state"],
        }),
      });
      return { accessEndpoint: `${baseUrl()}${accessEndpointPath}` };
    },
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
