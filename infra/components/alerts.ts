import * as pulumi from "@pulumi/pulumi";
import { SystemTopic } from "@pulumi/azure-native/eventgrid/systemTopic.js";
import { SystemTopicEventSubscription } from "@pulumi/azure-native/eventgrid/systemTopicEventSubscription.js";
import { ActionGroup } from "@pulumi/azure-native/monitor/actionGroup.js";
import { ActivityLogAlert } from "@pulumi/azure-native/monitor/activityLogAlert.js";
import { MetricAlert } from "@pulumi/azure-native/monitor/metricAlert.js";
import { ScheduledQueryRule } from "@pulumi/azure-native/monitor/scheduledQueryRule.js";
import {
  createLogAlerts,
  otherAlerts,
  toRunbookLink,
  type LogAlert,
} from "../monitoring/alert-rules.ts";
import { metricAlerts, type MetricRule, type Watched } from "../monitoring/metric-alerts.ts";
import type { AlertsConfig } from "../stack-config.ts";
import { sendDiagnostics } from "./diagnostics.ts";
import type { Placement } from "./placement.ts";

/** A resource that is watched; `name` tells several of one kind apart. */
export interface WatchedResource {
  readonly name: string;
  readonly id: pulumi.Input<string>;
}

export interface AlertsArgs extends Placement {
  readonly config: AlertsConfig;
  readonly runbookUrl: string;
  readonly applicationInsightsId: pulumi.Input<string>;
  readonly watched: Readonly<Record<Watched, readonly WatchedResource[]>>;
  readonly vaults: readonly WatchedResource[];
  readonly subscriptionId: pulumi.Input<string>;
}

/** Who is told, and of what. Every alert says in its text where the runbook has it. */
export class Alerts extends pulumi.ComponentResource {
  readonly actionGroupId: pulumi.Output<string>;

  readonly #name: string;
  readonly #args: AlertsArgs;

  constructor(name: string, args: AlertsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("causeway:monitoring:Alerts", name, {}, opts);
    this.#name = name;
    this.#args = args;
    this.actionGroupId = this.#createActionGroup().id;
    const { oldestUndeliveredMinutes } = args.config;
    for (const alert of createLogAlerts({ oldestUndeliveredMinutes })) this.#addLogAlert(alert);
    for (const rule of metricAlerts) {
      for (const resource of args.watched[rule.on]) this.#addMetricAlert(rule, resource);
    }
    this.#watchServiceHealth();
    for (const vault of args.vaults) this.#watchExpiry(vault);
    this.registerOutputs({ actionGroupId: this.actionGroupId });
  }

  #createActionGroup(): ActionGroup {
    const { config, nameOf, resourceGroupName, tags } = this.#args;
    return new ActionGroup(
      `${this.#name}-people`,
      {
        resourceGroupName,
        actionGroupName: nameOf("actionGroup"),
        location: "global",
        // At most 12 characters; the start of the mail's subject.
        groupShortName: "causeway",
        enabled: true,
        emailReceivers: config.emails.map((emailAddress) => ({
          name: emailAddress,
          emailAddress,
          useCommonAlertSchema: true,
        })),
        tags,
      },
      { parent: this },
    );
  }

  #describe({ name, title }: { readonly name: string; readonly title: string }): string {
    return `${title}. What to do: ${toRunbookLink(this.#args.runbookUrl, name)}`;
  }

  #addLogAlert(alert: LogAlert): void {
    const { applicationInsightsId, nameOf, resourceGroupName, tags } = this.#args;
    new ScheduledQueryRule(
      `${this.#name}-${alert.name}`,
      {
        resourceGroupName,
        ruleName: nameOf("alert", alert.name),
        displayName: alert.title,
        description: this.#describe(alert),
        kind: "LogAlert",
        enabled: true,
        severity: alert.severity,
        scopes: [applicationInsightsId],
        evaluationFrequency: alert.every,
        windowSize: alert.window,
        ...(alert.lookBack === undefined ? {} : { overrideQueryTimeRange: alert.lookBack }),
        criteria: {
          allOf: [
            {
              query: alert.query,
              metricMeasureColumn: alert.measure,
              timeAggregation: alert.aggregation,
              operator: alert.operator,
              threshold: alert.threshold,
              dimensions: alert.splitBy.map((column) => ({
                name: column,
                operator: "Include",
                values: ["*"],
              })),
              failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 },
            },
          ],
        },
        // One mail when it begins and one when it ends; not one each quarter of an hour.
        autoMitigate: true,
        actions: { actionGroups: [this.actionGroupId] },
        tags,
      },
      { parent: this },
    );
  }

  #addMetricAlert(rule: MetricRule, resource: WatchedResource): void {
    const { nameOf, resourceGroupName, tags } = this.#args;
    const { dimension } = rule;
    new MetricAlert(
      `${this.#name}-${rule.name}-${resource.name}`,
      {
        resourceGroupName,
        ruleName: nameOf("alert", `${rule.name}-${resource.name}`),
        location: "global",
        description: this.#describe(rule),
        enabled: true,
        severity: rule.severity,
        scopes: [resource.id],
        evaluationFrequency: rule.every,
        windowSize: rule.window,
        criteria: {
          odataType: "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
          allOf: [
            {
              criterionType: "StaticThresholdCriterion",
              name: rule.name,
              metricNamespace: rule.namespace,
              metricName: rule.metric,
              operator: "GreaterThan",
              threshold: rule.threshold,
              timeAggregation: rule.aggregation,
              dimensions:
                dimension === undefined
                  ? []
                  : [{ name: dimension.name, operator: "Include", values: [...dimension.values] }],
            },
          ],
        },
        autoMitigate: true,
        actions: [{ actionGroupId: this.actionGroupId }],
        tags,
      },
      { parent: this },
    );
  }

  #watchServiceHealth(): void {
    const { nameOf, resourceGroupName, subscriptionId, tags } = this.#args;
    const rule = otherAlerts.serviceHealth;
    new ActivityLogAlert(
      `${this.#name}-${rule.name}`,
      {
        resourceGroupName,
        activityLogAlertName: nameOf("alert", rule.name),
        location: "global",
        description: this.#describe(rule),
        enabled: true,
        scopes: [pulumi.interpolate`/subscriptions/${subscriptionId}`],
        condition: { allOf: [{ field: "category", equals: "ServiceHealth" }] },
        actions: { actionGroups: [{ actionGroupId: this.actionGroupId }] },
        tags,
      },
      { parent: this },
    );
  }

  /** Key Vault tells 30 days before a secret's date, and when it is reached. */
  #watchExpiry(vault: WatchedResource): void {
    const { nameOf, resourceGroupName, tags, workspaceId } = this.#args;
    const rule = otherAlerts.secretExpiry;
    const topic = new SystemTopic(
      `${this.#name}-${vault.name}-events`,
      {
        resourceGroupName,
        systemTopicName: nameOf("systemTopic", vault.name),
        source: vault.id,
        topicType: "Microsoft.KeyVault.vaults",
        tags,
      },
      { parent: this },
    );
    sendDiagnostics(
      `${this.#name}-${vault.name}-events`,
      { resourceUri: topic.id, workspaceId },
      this,
    );
    new SystemTopicEventSubscription(
      `${this.#name}-${rule.name}-${vault.name}`,
      {
        resourceGroupName,
        systemTopicName: topic.name,
        eventSubscriptionName: nameOf("eventSubscription", `${vault.name}-expiry`),
        // The only schema that alerts take.
        eventDeliverySchema: "CloudEventSchemaV1_0",
        filter: {
          includedEventTypes: [
            "Microsoft.KeyVault.SecretNearExpiry",
            "Microsoft.KeyVault.SecretExpired",
          ],
        },
        destination: {
          endpointType: "MonitorAlert",
          severity: `Sev${rule.severity}`,
          description: this.#describe(rule),
          actionGroups: [this.actionGroupId],
        },
      },
      { parent: this },
    );
  }
}
