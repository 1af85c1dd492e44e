import { randomBytes } from "node:crypto";
import type { Provider } from "../provider.ts";

/** Holds the keys that it makes, because they are asked for by a call of their own. */
export function createEventGridProvider(): Provider {
  const keys = new Map<string, readonly [string, string]>();
  return {
    resources: {
      "azure-native:eventgrid:Topic": async (resource, { armId, cloud, inputs }) => {
        const name = inputs.text("topicName");
        const resourceId = armId("Microsoft.EventGrid", "topics", name);
        const pair = [newKey(), newKey()] as const;
        keys.set(name, pair);
        const topic = { resourceId, name, inputs: resource.inputs, keys: pair };
        const { endpoint } = await cloud.eventGrid.createTopic(topic);
        return { id: resourceId, outputs: { endpoint } };
      },
      "azure-native:eventgrid:EventSubscription": async (resource, { cloud, inputs }) => {
        const topicId = inputs.text("scope");
        const name = inputs.text("eventSubscriptionName");
        const subscription = { topicId, name, inputs: resource.inputs };
        await cloud.eventGrid.createSubscription(subscription);
        return { id: `${topicId}/providers/Microsoft.EventGrid/eventSubscriptions/${name}` };
      },
      // Events of Azure's own services; nothing local raises any.
      "azure-native:eventgrid:SystemTopic": (_resource, { armId, inputs }) => ({
        id: armId("Microsoft.EventGrid", "systemTopics", inputs.text("systemTopicName")),
      }),
      "azure-native:eventgrid:SystemTopicEventSubscription": (_resource, { armId, inputs }) => ({
        id: armId(
          "Microsoft.EventGrid",
          "systemTopics",
          inputs.text("systemTopicName"),
          "eventSubscriptions",
          inputs.text("eventSubscriptionName"),
        ),
      }),
    },
    calls: {
      "azure-native:eventgrid:listTopicSharedAccessKeys": ({ topicName }) => {
        const pair = keys.get(String(topicName));
        if (pair === undefined) throw new Error(`There is no topic ${String(topicName)}.`);
        return { key1: pair[0], key2: pair[1] };
      },
    },
  };
}

function newKey(): string {
  return randomBytes(32).toString("base64");
}
