import type { Provider, ResourceHandler } from "../provider.ts";

const INSIGHTS = "Microsoft.Insights";
const LOG_ANALYTICS = "Microsoft.OperationalInsights";

/** Nothing local looks at it; it gets the id that Azure would give it. */
function named(provider: string, kind: string, property: string): ResourceHandler {
  return (_resource, { armId, inputs }) => ({ id: armId(provider, kind, inputs.text(property)) });
}

export const monitorProvider: Provider = {
  resources: {
    "azure-native:operationalinsights:Workspace": named(
      LOG_ANALYTICS,
      "workspaces",
      "workspaceName",
    ),
    "azure-native:operationalinsights:SavedSearch": (_resource, { armId, inputs }) => ({
      id: armId(
        LOG_ANALYTICS,
        "workspaces",
        inputs.text("workspaceName"),
        "savedSearches",
        inputs.text("savedSearchId"),
      ),
    }),
    "azure-native:applicationinsights:Component": (resource, { armId, cloud, inputs }) => {
      const id = armId(INSIGHTS, "components", inputs.text("resourceName"));
      const isKeyless = resource.inputs["disableLocalAuth"] === true;
      const { connectionString } = cloud.telemetry.createComponent(id, isKeyless);
      return { id, outputs: { connectionString } };
    },
    "azure-native:applicationinsights:Workbook": named(INSIGHTS, "workbooks", "resourceName"),
    "azure-native:applicationinsights:WebTest": named(INSIGHTS, "webtests", "webTestName"),
    "azure-native:monitor:ActionGroup": named(INSIGHTS, "actionGroups", "actionGroupName"),
    "azure-native:monitor:MetricAlert": named(INSIGHTS, "metricAlerts", "ruleName"),
    "azure-native:monitor:ScheduledQueryRule": named(INSIGHTS, "scheduledQueryRules", "ruleName"),
    "azure-native:monitor:ActivityLogAlert": named(
      INSIGHTS,
      "activityLogAlerts",
      "activityLogAlertName",
    ),
    "azure-native:consumption:Budget": (_resource, { inputs }) => ({
      id: `${inputs.text("scope")}/providers/Microsoft.Consumption/budgets/${inputs.text("budgetName")}`,
    }),
    // The local collector takes what the services send it; there is nothing to switch on.
    "azure-native:monitor:DiagnosticSetting": (_resource, { inputs }) => ({
      id: `${inputs.text("resourceUri")}/providers/Microsoft.Insights/diagnosticSettings/${inputs.text("name")}`,
    }),
  },
};
