/**
 * Tables and columns of Application Insights as the workspace below it calls them
 * (https://learn.microsoft.com/azure/azure-monitor/app/convert-classic-resource#workspace-based-resource-changes).
 */
const names: Readonly<Record<string, string>> = {
  customEvents: "AppEvents",
  customMetrics: "AppMetrics",
  exceptions: "AppExceptions",
  requests: "AppRequests",
  dependencies: "AppDependencies",
  timestamp: "TimeGenerated",
  name: "Name",
  type: "ExceptionType",
  customDimensions: "Properties",
  customMeasurements: "Measurements",
  operation_Id: "OperationId",
  value: "Sum",
  valueMin: "Min",
  valueMax: "Max",
};

/** The same question in the words of the workspace; texts in quotes stay as they are. */
export function toWorkspaceQuery(query: string): string {
  return query.replace(/"[^"]*"|\b[A-Za-z_]+\b/g, (word) => names[word] ?? word);
}
