import type { ActionRecord, RunRecord } from "../logic-apps/run-record.ts";
import type { TelemetryRow } from "./telemetry-row.ts";

/**
 * A run and its actions as a Consumption Logic App's diagnostic settings write them (category
 * WorkflowRuntime; names from memory). The trace is not among them: a run is found by its client
 * tracking id, which is the event's id.
 */
export function toWorkflowDiagnostics(workflow: string, run: RunRecord): readonly TelemetryRow[] {
  const rows: TelemetryRow[] = [];
  for (const name in run.actions) {
    const action = run.actions[name];
    if (action === undefined) continue;
    rows.push(toRow("Microsoft.Logic/workflows/workflowActionCompleted", workflow, run, action));
  }
  rows.push(toRow("Microsoft.Logic/workflows/workflowRunCompleted", workflow, run, undefined));
  return rows;
}

/** One literal: a run has forty of them, and spreads cost ten times as much. */
function toRow(
  name: string,
  workflow: string,
  run: RunRecord,
  action: ActionRecord | undefined,
): TelemetryRow {
  const { status, code = "", endTime } = action ?? run;
  return {
    table: "AzureDiagnostics",
    timestamp: endTime,
    name,
    operation_Id: "",
    operation_ParentId: "",
    operation_Name: name,
    cloud_RoleName: "",
    itemCount: 1,
    customDimensions: nothing,
    customMeasurements: nothing,
    Category: "WorkflowRuntime",
    resource_workflowName_s: workflow,
    resource_runId_s: run.name,
    correlation_clientTrackingId_s: run.correlation.clientTrackingId,
    resource_actionName_s: action?.name,
    status_s: status,
    code_s: code,
  };
}

const nothing: Readonly<Record<string, never>> = {};
