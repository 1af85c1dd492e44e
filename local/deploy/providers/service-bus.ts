import { randomBytes } from "node:crypto";
import type { AuthorizationRule, LocalCloud } from "../local-cloud.ts";
import type { HandlerContext, Provider, ResourceHandler } from "../provider.ts";
import type { Properties } from "../run-program.ts";

const PROVIDER = "Microsoft.ServiceBus";

/** Holds the keys that it makes, because they are asked for by a call of their own. */
export function createServiceBusProvider(): Provider {
  const rules = new Map<string, AuthorizationRule>();
  return {
    resources: {
      "azure-native:servicebus:Namespace": createNamespace,
      // There is no network here that could be closed.
      "azure-native:servicebus:NamespaceNetworkRuleSet": (_resource, context) => ({
        id: entityId(context, "networkRuleSets", "default"),
      }),
      "azure-native:servicebus:Queue": createQueue,
      "azure-native:servicebus:Topic": createTopic,
      "azure-native:servicebus:Subscription": createSubscription,
      "azure-native:servicebus:DefaultRule": (resource, context) =>
        setRule(resource.inputs, context, "$Default"),
      "azure-native:servicebus:Rule": (resource, context) =>
        setRule(resource.inputs, context, context.inputs.text("ruleName")),
      "azure-native:servicebus:QueueAuthorizationRule": async (_resource, context) => {
        const { inputs } = context;
        const queue = inputs.text("queueName");
        const name = inputs.text("authorizationRuleName");
        const rule = {
          rights: inputs.texts("rights"),
          primaryKey: newKey(),
          secondaryKey: newKey(),
        };
        rules.set(toRuleKey(queue, name), rule);
        await context.cloud.serviceBus.addAuthorizationRule(queue, name, rule);
        return { id: entityId(context, "queues", queue, "authorizationRules", name) };
      },
    },
    calls: {
      "azure-native:servicebus:listQueueKeys": (inputs, cloud) => {
        const queue = String(inputs["queueName"]);
        const name = String(inputs["authorizationRuleName"]);
        const rule = rules.get(toRuleKey(queue, name));
        if (rule === undefined) throw new Error(`The queue ${queue} has no rule ${name}.`);
        return toKeys(rule, name, queue, cloud);
      },
    },
  };
}

const createNamespace: ResourceHandler = async (resource, { armId, cloud, inputs }) => {
  const id = armId(PROVIDER, "namespaces", inputs.text("namespaceName"));
  const { host } = await cloud.serviceBus.createNamespace(id, resource.inputs);
  return { id, outputs: { serviceBusEndpoint: `https://${host}/` } };
};

const createQueue: ResourceHandler = async (resource, context) => {
  const name = context.inputs.text("queueName");
  const id = entityId(context, "queues", name);
  await context.cloud.serviceBus.createQueue(id, name, resource.inputs);
  return { id };
};

const createTopic: ResourceHandler = async (resource, context) => {
  const name = context.inputs.text("topicName");
  const id = entityId(context, "topics", name);
  await context.cloud.serviceBus.createTopic(id, name, resource.inputs);
  return { id };
};

const createSubscription: ResourceHandler = async (resource, context) => {
  const topic = context.inputs.text("topicName");
  const name = context.inputs.text("subscriptionName");
  const id = entityId(context, "topics", topic, "subscriptions", name);
  await context.cloud.serviceBus.createSubscription(id, topic, name, resource.inputs);
  return { id };
};

async function setRule(
  properties: Properties,
  context: HandlerContext,
  name: string,
): Promise<{ readonly id: string }> {
  const topic = context.inputs.text("topicName");
  const subscription = context.inputs.text("subscriptionName");
  await context.cloud.serviceBus.setRule(topic, subscription, name, properties);
  return {
    id: entityId(context, "topics", topic, "subscriptions", subscription, "rules", name),
  };
}

function entityId({ armId, inputs }: HandlerContext, ...segments: readonly string[]): string {
  return armId(PROVIDER, "namespaces", inputs.text("namespaceName"), ...segments);
}

function toKeys(
  rule: AuthorizationRule,
  keyName: string,
  queue: string,
  { serviceBus }: LocalCloud,
): Properties {
  const connection = (key: string): string => serviceBus.toConnectionString(queue, keyName, key);
  return {
    keyName,
    primaryKey: rule.primaryKey,
    secondaryKey: rule.secondaryKey,
    primaryConnectionString: connection(rule.primaryKey),
    secondaryConnectionString: connection(rule.secondaryKey),
  };
}

function toRuleKey(queue: string, name: string): string {
  return `${queue}/${name}`.toLowerCase();
}

function newKey(): string {
  return randomBytes(32).toString("base64");
}
