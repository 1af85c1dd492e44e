import * as pulumi from "@pulumi/pulumi";
import {
  EventSubscription,
  Topic,
  listTopicSharedAccessKeysOutput,
} from "@pulumi/azure-native/eventgrid/index.js";
import { sendDiagnostics } from "./diagnostics.ts";
import type { Identity } from "./identities.ts";
import type { Placement } from "./placement.ts";

export interface EventingArgs extends Placement {
  /** Name of the F&O environment; travels with each event as delivery attribute `door`. */
  readonly door: string;
  readonly activeKey: "primary" | "secondary";
  readonly identity: Identity;
  /** Grants of that identity; a subscription made before them fails Azure's check of its destination. */
  readonly roles: readonly pulumi.Resource[];
  readonly queueId: pulumi.Input<string>;
  readonly deadLetters: {
    readonly accountId: pulumi.Input<string>;
    readonly container: string;
  };
}

/** An Event Grid topic that takes events from one F&O environment and hands them to the queue. */
export class Eventing extends pulumi.ComponentResource {
  readonly topicId: pulumi.Output<string>;
  readonly endpoint: pulumi.Output<string>;
  readonly key: pulumi.Output<string>;

  readonly #name: string;
  readonly #args: EventingArgs;

  constructor(name: string, args: EventingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("causeway:eventing:Eventing", name, {}, opts);
    this.#name = name;
    this.#args = args;
    const topic = this.#createTopic();
    this.#createSubscription(topic);
    const keys = listTopicSharedAccessKeysOutput(
      { resourceGroupName: args.resourceGroupName, topicName: topic.name },
      { parent: this },
    );
    this.topicId = topic.id;
    this.endpoint = topic.endpoint;
    this.key = pulumi.secret(
      keys.apply((both) => (args.activeKey === "primary" ? both.key1 : both.key2) ?? ""),
    );
    this.registerOutputs({ endpoint: this.endpoint });
  }

  #createTopic(): Topic {
    const { door, identity, nameOf, resourceGroupName, tags, workspaceId } = this.#args;
    const topic = new Topic(
      `${this.#name}-topic`,
      {
        resourceGroupName,
        topicName: nameOf("eventGridTopic", door),
        inputSchema: "EventGridSchema",
        identity: {
          type: "UserAssigned",
          userAssignedIdentities: identity.id.apply((id) => ({ [id]: {} })),
        },
        // F&O sends with the topic's key and from addresses that Microsoft does not list.
        disableLocalAuth: false,
        publicNetworkAccess: "Enabled",
        minimumTlsVersionAllowed: "1.2",
        tags,
      },
      { parent: this },
    );
    sendDiagnostics(`${this.#name}-topic`, { resourceUri: topic.id, workspaceId }, this);
    return topic;
  }

  #createSubscription(topic: Topic): EventSubscription {
    const { deadLetters, door, identity, nameOf, queueId, roles } = this.#args;
    const sender = { type: "UserAssigned", userAssignedIdentity: identity.id };
    return new EventSubscription(
      `${this.#name}-subscription`,
      {
        eventSubscriptionName: nameOf("eventSubscription", door),
        scope: topic.id,
        eventDeliverySchema: "EventGridSchema",
        deliveryWithResourceIdentity: {
          identity: sender,
          destination: {
            endpointType: "ServiceBusQueue",
            resourceId: queueId,
            deliveryAttributeMappings: [
              { type: "Static", name: "door", value: door, isSecret: false },
            ],
          },
        },
        deadLetterWithResourceIdentity: {
          identity: sender,
          deadLetterDestination: {
            endpointType: "StorageBlob",
            resourceId: deadLetters.accountId,
            blobContainerName: deadLetters.container,
          },
        },
        // The most that Event Grid does: 30 tries within 24 hours.
        retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 },
      },
      { parent: this, dependsOn: [...roles] },
    );
  }
}
