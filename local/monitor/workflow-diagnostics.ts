import type { RunRecord } from "../logic-apps/run-record.ts";
import type { TelemetryRow } from "./telemetry-row.ts";

/**
 * A run and its actions as a Consumption Logic App's diagnostic settings write them (category
 * WorkflowRuntime; names from memory). The trace is not among them: a run is found by its client
 * tracking id, which is the event's id.
 */
export function toWorkflowDiagnostics(workflow: string, run: RunRecord): readonly TelemetryRow[] {
  const about = {
    Category: "WorkflowRuntime",
    resource_workflowName_s: workflow,
    resource_runId_s: run.name,
    correlation_clientTrackingId_s: run.correlation.clientTrackingId,
  };
  return [
    ...Object.values(run.actions).map((action) =>
      toRow("Microsoft.Logic/workflows/workflowActionCompleted", action.endTime, {
        ...about,
        resource_actionName_s: action.name,
        status_s: action.status,
        code_s: action.code,
      }),
    ),
    toRow("Microsoft.Logic/workflows/workflowRunCompleted", run.endTime, {
      ...about,
      status_s: run.status,
      code_s: run.code ?? "",
    }),
  ];
}

function toRow(name: string, timestamp: string, columns: object): TelemetryRow {
  return {
    table: "AzureDiagnostics",
    timestamp,
    name,
    operation_Id: "",
    operation_ParentId: "",
    operation_Name: name,
    cloud_RoleName: "",
    itemCount: 1,
    customDimensions: {},
    customMeasurements: {},
    ...columns,
  };
}
