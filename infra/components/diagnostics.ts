import type * as pulumi from "@pulumi/pulumi";
import { DiagnosticSetting } from "@pulumi/azure-native/monitor/index.js";

export interface DiagnosticsArgs {
  readonly resourceUri: pulumi.Input<string>;
  readonly workspaceId: pulumi.Input<string>;
  /** Log categories; `allLogs` and `audit` are groups of them. Default: all of them. */
  readonly logs?: readonly string[];
  /** Default true; some resource types have no metrics to send. */
  readonly hasMetrics?: boolean;
}

const GROUPS: ReadonlySet<string> = new Set(["allLogs", "audit"]);

/** Sends a resource's logs and metrics to the workspace. */
export function sendDiagnostics(
  name: string,
  args: DiagnosticsArgs,
  parent: pulumi.Resource,
): DiagnosticSetting {
  const logs = (args.logs ?? ["allLogs"]).map((log) =>
    GROUPS.has(log) ? { categoryGroup: log, enabled: true } : { category: log, enabled: true },
  );
  return new DiagnosticSetting(
    `${name}-diagnostics`,
    {
      name: "to-workspace",
      resourceUri: args.resourceUri,
      workspaceId: args.workspaceId,
      logs,
      metrics: args.hasMetrics === false ? [] : [{ category: "AllMetrics", enabled: true }],
    },
    { parent },
  );
}
