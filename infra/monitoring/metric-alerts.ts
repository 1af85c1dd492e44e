import type { Rule } from "./alert-rule.ts";

export type Watched = "serviceBus" | "topics" | "workflows";

/**
 * A platform metric, by its name in the REST API:
 * https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-servicebus-namespaces-metrics
 * https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-eventgrid-topics-metrics
 * https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-logic-workflows-metrics
 */
export interface MetricRule extends Rule {
  readonly on: Watched;
  readonly namespace: string;
  readonly metric: string;
  readonly aggregation: "Average" | "Maximum" | "Total";
  readonly threshold: number;
  readonly every: string;
  readonly window: string;
  readonly dimension?: { readonly name: string; readonly values: readonly string[] };
}

const serviceBus = {
  on: "serviceBus",
  namespace: "Microsoft.ServiceBus/namespaces",
  every: "PT5M",
  window: "PT15M",
} as const;
const topics = {
  on: "topics",
  namespace: "Microsoft.EventGrid/topics",
  aggregation: "Total",
  every: "PT5M",
  window: "PT15M",
} as const;

export const metricAlerts: readonly MetricRule[] = [
  {
    ...serviceBus,
    name: "dead-letters",
    title: "Messages lie in a native dead-letter queue",
    severity: 1,
    // A gauge: its Total would add up samples.
    metric: "DeadletteredMessages",
    aggregation: "Average",
    threshold: 0,
    dimension: { name: "EntityName", values: ["*"] },
  },
  {
    ...serviceBus,
    name: "dead-letters-waiting",
    title: "Failures are not being recorded",
    severity: 1,
    metric: "ActiveMessages",
    aggregation: "Average",
    threshold: 0,
    window: "PT30M",
    dimension: { name: "EntityName", values: ["dead-letters"] },
  },
  {
    ...serviceBus,
    name: "service-bus-throttled",
    title: "Service Bus throttles",
    severity: 3,
    metric: "ThrottledRequests",
    aggregation: "Total",
    threshold: 10,
  },
  {
    ...topics,
    name: "event-grid-dropped",
    title: "Event Grid dropped events",
    severity: 1,
    metric: "DroppedEventCount",
    threshold: 0,
  },
  {
    ...topics,
    name: "event-grid-dead-lettered",
    title: "Event Grid gave events up",
    severity: 1,
    metric: "DeadLetteredCount",
    threshold: 0,
  },
  {
    ...topics,
    name: "event-grid-delivery-failing",
    title: "Event Grid cannot deliver to the queue",
    severity: 2,
    metric: "DeliveryAttemptFailCount",
    threshold: 10,
  },
  {
    ...topics,
    name: "event-grid-refused",
    title: "Event Grid refuses what F&O sends",
    severity: 1,
    metric: "PublishFailCount",
    threshold: 0,
  },
  {
    on: "workflows",
    name: "workflow-failures",
    title: "Logic App runs fail",
    severity: 2,
    namespace: "Microsoft.Logic/workflows",
    metric: "RunsFailed",
    aggregation: "Total",
    threshold: 5,
    every: "PT5M",
    window: "PT15M",
  },
];
