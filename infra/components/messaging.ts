import * as pulumi from "@pulumi/pulumi";
import {
  DefaultRule,
  Namespace,
  NamespaceNetworkRuleSet,
  Queue,
  Subscription,
  Topic,
} from "@pulumi/azure-native/servicebus/index.js";
import { BUSINESS_EVENTS, entityDefaults, type QueueSpec, type Topology } from "../topology.ts";
import { sendDiagnostics } from "./diagnostics.ts";
import type { Placement } from "./placement.ts";
import { lockAgainstDeletion } from "./protection.ts";

export interface MessagingArgs extends Placement {
  readonly topology: Topology;
  readonly tier: "Standard" | "Premium";
  /** True only when F&O itself sends to the queue with a key; everything else uses identities. */
  readonly allowsKeys: boolean;
}

/** The Service Bus namespace with everything in it. */
export class Messaging extends pulumi.ComponentResource {
  readonly namespaceName: pulumi.Output<string>;
  readonly namespaceId: pulumi.Output<string>;
  /** Host name, with its port when that is not 443. */
  readonly fullyQualifiedNamespace: pulumi.Output<string>;
  readonly queueIds: Readonly<Record<string, pulumi.Output<string>>>;
  /** The queue that all business events arrive in; known once it exists. */
  readonly businessEventsName: pulumi.Output<string>;
  readonly topicId: pulumi.Output<string>;
  readonly subscriptionIds: Readonly<Record<string, pulumi.Output<string>>>;
  /** What must exist before code listens: until then a new subscription takes every message. */
  readonly rules: readonly pulumi.Resource[];

  readonly #name: string;
  readonly #args: MessagingArgs;
  readonly #namespace: Namespace;

  constructor(name: string, args: MessagingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("causeway:messaging:Messaging", name, {}, opts);
    this.#name = name;
    this.#args = args;
    this.#namespace = this.#createNamespace();
    if (args.isPrivate) this.#closeToAllButTrusted();
    if (args.isProtected) lockAgainstDeletion(name, this.#namespace.id, this);
    const { queues: specs } = args.topology;
    const collecting = specs.filter((spec) => spec.deadLettersTo === undefined);
    const feeding = specs.filter((spec) => spec.deadLettersTo !== undefined);
    const deadLetters = collecting.map((spec) => this.#createQueue(spec, []));
    const queues = feeding.map((spec) => this.#createQueue(spec, deadLetters));
    const topic = this.#createTopic();
    const subscriptions = args.topology.subscriptions.map((spec) =>
      this.#createSubscription(spec.name, topic, deadLetters),
    );
    this.rules = args.topology.subscriptions.map((spec, index) =>
      this.#createRule(spec, topic, subscriptions[index]),
    );
    this.namespaceName = this.#namespace.name;
    this.namespaceId = this.#namespace.id;
    this.fullyQualifiedNamespace = this.#namespace.serviceBusEndpoint.apply(
      (endpoint) => new URL(endpoint).host,
    );
    this.queueIds = toIds([...deadLetters, ...queues], [...collecting, ...feeding]);
    this.businessEventsName = nameOfQueue(queues, feeding, BUSINESS_EVENTS);
    this.topicId = topic.id;
    this.subscriptionIds = toIds(subscriptions, args.topology.subscriptions);
    this.registerOutputs({ namespaceId: this.namespaceId });
  }

  #createNamespace(): Namespace {
    const { tier, nameOf, resourceGroupName, tags } = this.#args;
    const namespace = new Namespace(
      `${this.#name}-namespace`,
      {
        resourceGroupName,
        namespaceName: nameOf("serviceBusNamespace"),
        sku: { name: tier, tier, ...(tier === "Premium" ? { capacity: 1 } : {}) },
        ...(tier === "Premium" ? { premiumMessagingPartitions: 1, zoneRedundant: true } : {}),
        disableLocalAuth: !this.#args.allowsKeys,
        minimumTlsVersion: "1.2",
        publicNetworkAccess: this.#args.isPrivate ? "Disabled" : "Enabled",
        tags,
      },
      { parent: this, protect: this.#args.isProtected },
    );
    sendDiagnostics(
      `${this.#name}-namespace`,
      { resourceUri: namespace.id, workspaceId: this.#args.workspaceId },
      this,
    );
    return namespace;
  }

  /** Event Grid is not in our network; it comes in as a service that Azure trusts. */
  #closeToAllButTrusted(): void {
    new NamespaceNetworkRuleSet(
      `${this.#name}-network-rules`,
      {
        resourceGroupName: this.#args.resourceGroupName,
        namespaceName: this.#namespace.name,
        defaultAction: "Deny",
        publicNetworkAccess: "Disabled",
        trustedServiceAccessEnabled: true,
      },
      { parent: this },
    );
  }

  #createQueue(spec: QueueSpec, deadLetters: readonly Queue[]): Queue {
    const window = spec.duplicateDetectionWindow;
    return new Queue(
      `${this.#name}-${spec.name}`,
      {
        resourceGroupName: this.#args.resourceGroupName,
        namespaceName: this.#namespace.name,
        queueName: spec.name,
        lockDuration: entityDefaults.lockDuration,
        maxDeliveryCount: entityDefaults.maxDeliveryCount,
        defaultMessageTimeToLive: entityDefaults.timeToLive,
        deadLetteringOnMessageExpiration: true,
        requiresDuplicateDetection: window !== undefined,
        ...(window === undefined ? {} : { duplicateDetectionHistoryTimeWindow: window }),
        ...(spec.deadLettersTo === undefined
          ? {}
          : { forwardDeadLetteredMessagesTo: spec.deadLettersTo }),
      },
      { parent: this, dependsOn: [...deadLetters] },
    );
  }

  #createTopic(): Topic {
    const { name, duplicateDetectionWindow } = this.#args.topology.topic;
    return new Topic(
      `${this.#name}-${name}`,
      {
        resourceGroupName: this.#args.resourceGroupName,
        namespaceName: this.#namespace.name,
        topicName: name,
        defaultMessageTimeToLive: entityDefaults.timeToLive,
        requiresDuplicateDetection: true,
        duplicateDetectionHistoryTimeWindow: duplicateDetectionWindow,
      },
      { parent: this },
    );
  }

  #createSubscription(target: string, topic: Topic, deadLetters: readonly Queue[]): Subscription {
    return new Subscription(
      `${this.#name}-${target}`,
      {
        resourceGroupName: this.#args.resourceGroupName,
        namespaceName: this.#namespace.name,
        topicName: topic.name,
        subscriptionName: target,
        lockDuration: entityDefaults.lockDuration,
        maxDeliveryCount: entityDefaults.maxDeliveryCount,
        defaultMessageTimeToLive: entityDefaults.timeToLive,
        deadLetteringOnMessageExpiration: true,
        deadLetteringOnFilterEvaluationExceptions: true,
        forwardDeadLetteredMessagesTo: deadLettersQueue(this.#args.topology),
      },
      { parent: this, dependsOn: [...deadLetters] },
    );
  }

  #createRule(
    spec: Topology["subscriptions"][number],
    topic: Topic,
    subscription: Subscription | undefined,
  ): DefaultRule {
    return new DefaultRule(
      `${this.#name}-${spec.name}-rule`,
      {
        resourceGroupName: this.#args.resourceGroupName,
        namespaceName: this.#namespace.name,
        topicName: topic.name,
        subscriptionName: subscription?.name ?? spec.name,
        filterType: "CorrelationFilter",
        correlationFilter: { properties: { ...spec.filter } },
      },
      { parent: this },
    );
  }
}

function nameOfQueue(
  queues: readonly Queue[],
  specs: readonly QueueSpec[],
  name: string,
): pulumi.Output<string> {
  const queue = queues[specs.findIndex((spec) => spec.name === name)];
  if (queue === undefined) throw new Error(`The topology has no queue ${name}.`);
  return queue.name;
}

function deadLettersQueue(topology: Topology): string {
  const queue = topology.queues.find((spec) => spec.deadLettersTo === undefined);
  if (queue === undefined) throw new Error("The topology has no queue for dead letters.");
  return queue.name;
}

function toIds(
  resources: readonly pulumi.CustomResource[],
  specs: readonly { readonly name: string }[],
): Readonly<Record<string, pulumi.Output<string>>> {
  return Object.fromEntries(
    specs.flatMap((spec, index) => {
      const resource = resources[index];
      return resource === undefined ? [] : [[spec.name, resource.id] as const];
    }),
  );
}
