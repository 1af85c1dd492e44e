import * as pulumi from "@pulumi/pulumi";
import { Component } from "@pulumi/azure-native/applicationinsights/index.js";
import { Workspace } from "@pulumi/azure-native/operationalinsights/index.js";
import { sendDiagnostics } from "./diagnostics.ts";
import type { Placement } from "./placement.ts";

export interface MonitoringArgs extends Omit<
  Placement,
  "workspaceId" | "isProtected" | "isPrivate"
> {
  readonly retentionInDays: number;
}

/** Where everything reports to: a workspace, and Application Insights on top of it. */
export class Monitoring extends pulumi.ComponentResource {
  readonly workspaceId: pulumi.Output<string>;
  readonly workspaceName: pulumi.Output<string>;
  readonly applicationInsightsId: pulumi.Output<string>;
  /** Names the endpoint and the instrumentation key; sending needs a token, so it is not a secret. */
  readonly connectionString: pulumi.Output<string>;

  constructor(name: string, args: MonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("causeway:monitoring:Monitoring", name, {}, opts);
    const workspace = new Workspace(
      `${name}-workspace`,
      {
        resourceGroupName: args.resourceGroupName,
        workspaceName: args.nameOf("workspace"),
        sku: { name: "PerGB2018" },
        retentionInDays: args.retentionInDays,
        features: { disableLocalAuth: true },
        tags: args.tags,
      },
      { parent: this },
    );
    const insights = new Component(
      `${name}-insights`,
      {
        resourceGroupName: args.resourceGroupName,
        resourceName: args.nameOf("applicationInsights"),
        kind: "web",
        applicationType: "web",
        ingestionMode: "LogAnalytics",
        workspaceResourceId: workspace.id,
        disableLocalAuth: true,
        retentionInDays: args.retentionInDays,
        tags: args.tags,
      },
      { parent: this },
    );
    sendDiagnostics(
      `${name}-workspace`,
      { resourceUri: workspace.id, workspaceId: workspace.id, logs: ["audit"] },
      this,
    );
    this.workspaceId = workspace.id;
    this.workspaceName = workspace.name;
    this.applicationInsightsId = insights.id;
    this.connectionString = insights.connectionString;
    this.registerOutputs({ workspaceId: this.workspaceId });
  }
}
