import type { Provider } from "../provider.ts";

export const monitorProvider: Provider = {
  resources: {
    "azure-native:operationalinsights:Workspace": (_resource, { armId, inputs }) => ({
      id: armId("Microsoft.OperationalInsights", "workspaces", inputs.text("workspaceName")),
    }),
    "azure-native:applicationinsights:Component": (_resource, { armId, cloud, inputs }) => ({
      id: armId("Microsoft.Insights", "components", inputs.text("resourceName")),
      outputs: { connectionString: cloud.telemetryConnectionString },
    }),
    // The local collector takes what the services send it; there is nothing to switch on.
    "azure-native:monitor:DiagnosticSetting": (_resource, { inputs }) => ({
      id: `${inputs.text("resourceUri")}/providers/Microsoft.Insights/diagnosticSettings/${inputs.text("name")}`,
    }),
  },
};
