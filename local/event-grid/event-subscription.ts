import type { EventFilter } from "./event-filter.ts";
import type { EventSchema } from "./grid-event.ts";

/** What a subscription is made of: the properties of Pulumi's EventSubscription and TopicEventSubscription. */
export interface EventSubscriptionProps {
  readonly topicId: string;
  readonly name: string;
  readonly eventDeliverySchema?: EventSchema | undefined;
  readonly filter?: EventFilter | undefined;
  readonly retryPolicy?:
    | { readonly maxDeliveryAttempts?: number; readonly eventTimeToLiveInMinutes?: number }
    | undefined;
  readonly destination?: Destination | undefined;
  readonly deliveryWithResourceIdentity?:
    { readonly identity: SubscriptionIdentity; readonly destination: Destination } | undefined;
  readonly deadLetterDestination?: BlobDestination | undefined;
  readonly deadLetterWithResourceIdentity?:
    | {
        readonly identity: SubscriptionIdentity;
        readonly deadLetterDestination: BlobDestination;
      }
    | undefined;
}

export interface SubscriptionIdentity {
  readonly type: string;
  /** ARM id, when type is UserAssigned. */
  readonly userAssignedIdentity?: string;
}

export interface AttributeMapping {
  readonly name: string;
  readonly type: string;
  readonly value?: string;
  readonly sourceField?: string;
  readonly isSecret?: boolean;
}

export interface Destination {
  /** ServiceBusQueue, ServiceBusTopic or WebHook; the local Event Grid knows no others. */
  readonly endpointType: string;
  readonly resourceId?: string;
  readonly endpointUrl?: string;
  readonly deliveryAttributeMappings?: readonly AttributeMapping[];
}

export interface BlobDestination {
  readonly endpointType: string;
  readonly resourceId: string;
  readonly blobContainerName: string;
}

/** Who a topic is; the subscription says which of its identities it uses. */
export interface TopicIdentity {
  /** Of the system-assigned identity. */
  readonly principalId?: string;
  /** ARM id of a user-assigned identity → its principal. */
  readonly userAssigned?: Readonly<Record<string, string>>;
}

/** The principal that a subscription delivers as; undefined when the topic has no such identity. */
export function toPrincipalId(
  topic: TopicIdentity | undefined,
  wanted: SubscriptionIdentity,
): string | undefined {
  if (wanted.userAssignedIdentity === undefined) return topic?.principalId;
  const name = wanted.userAssignedIdentity.toLowerCase();
  return Object.entries(topic?.userAssigned ?? {}).find(([id]) => id.toLowerCase() === name)?.[1];
}
