import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What of a flow matters for infrastructure. */
export interface FlowTargets {
  readonly flow: string;
  readonly targets: readonly string[];
}

export interface QueueSpec {
  readonly name: string;
  readonly duplicateDetectionWindow: string | undefined;
  /** Where the native dead letters go; undefined on the queue that collects them. */
  readonly deadLettersTo: string | undefined;
}

export interface SubscriptionSpec {
  /** Also the target's name. */
  readonly name: string;
  /** The rule `$Default`: application properties that a message must carry. */
  readonly filter: Readonly<Record<string, string>>;
}

export interface Topology {
  readonly queues: readonly QueueSpec[];
  readonly topic: { readonly name: string; readonly duplicateDetectionWindow: string };
  readonly subscriptions: readonly SubscriptionSpec[];
}

export const BUSINESS_EVENTS = "business-events";
export const DEAD_LETTERS = "dead-letters";
const INTEGRATION_EVENTS = "integration-events";

/** Tells the stack's own vault from those of its doors, which are called as the doors are. */
export const STACK_VAULT = "app";

/** The function that F&O posts to. */
export const HTTPS_DOOR_FUNCTION = "business-events-door";

/** Settings that every queue and subscription shares. */
export const entityDefaults = {
  // The most that Service Bus allows; deliver-ce needs up to four minutes for a batch.
  lockDuration: "PT5M",
  // Redelivery is not how retries are counted (the ledger does), so the broker may try long.
  maxDeliveryCount: 100,
  // Outlives the longest outage that is waited for (7 days) twice over.
  timeToLive: "P14D",
} as const;

/**
 * A day: Event Grid keeps the message id over its own retries for up to 24 h, and the default of ten
 * minutes would let its late redelivery through as a second message. No guarantee rests on it.
 */
const DUPLICATE_DETECTION_WINDOW = "P1D";

/** Storage tables that exist from the start; `ledger<yyyymm>` and `journeys<yyyymm>` are made on demand. */
export const tables = [
  "open",
  "effects",
  "gates",
  "failures",
  "replays",
  "edits",
  "verifications",
  "audit",
] as const;

export const containers = {
  eventGridDeadLetters: "event-grid-dead-letters",
  deployments: "deployments",
  claimChecks: "claim-checks",
} as const;

/** The Logic App that carries out a target's business steps; a target without one is called directly. */
export const workflowsByTarget: Readonly<Record<string, string>> = {
  crm: "invoice-to-crm",
  email: "invoice-email",
};

/**
 * One queue in, one topic out, one subscription per target. A message names its targets by one
 * property each, so adding a flow changes no filter; a correlation filter is the cheapest kind
 * (https://learn.microsoft.com/azure/service-bus-messaging/topic-filters).
 */
export function createTopology(targets: readonly string[]): Topology {
  return {
    queues: [
      {
        name: BUSINESS_EVENTS,
        duplicateDetectionWindow: DUPLICATE_DETECTION_WINDOW,
        deadLettersTo: DEAD_LETTERS,
      },
      // A redelivered failure is recorded twice at worst; a swallowed one would be lost.
      { name: DEAD_LETTERS, duplicateDetectionWindow: undefined, deadLettersTo: undefined },
    ],
    topic: { name: INTEGRATION_EVENTS, duplicateDetectionWindow: DUPLICATE_DETECTION_WINDOW },
    subscriptions: targets.map((name) => ({ name, filter: { [`to_${name}`]: "1" } })),
  };
}

/** The targets that the flows name, in order of first mention. Flows are data here: only names are read. */
export function readFlows(folder: string): readonly FlowTargets[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name, "flow.json"))
    .map((path) => {
      const flow = JSON.parse(readFileSync(path, "utf8")) as {
        readonly name: string;
        readonly targets: Readonly<Record<string, unknown>>;
      };
      return { flow: flow.name, targets: Object.keys(flow.targets) };
    });
}

export function targetsOf(flows: readonly FlowTargets[]): readonly string[] {
  return [...new Set(flows.flatMap((flow) => flow.targets))];
}
