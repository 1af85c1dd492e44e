/** The tables of Application Insights, by the base type of what lands in them. */
const tables = {
  RequestData: "requests",
  RemoteDependencyData: "dependencies",
  EventData: "customEvents",
  MessageData: "traces",
  ExceptionData: "exceptions",
  MetricData: "customMetrics",
  AvailabilityData: "availabilityResults",
  PageViewData: "pageViews",
} as const;

/** `AzureDiagnostics` holds what diagnostic settings send: here the runs of Logic Apps. */
export type TelemetryTable = (typeof tables)[keyof typeof tables] | "AzureDiagnostics";

/** A row in the column names of Application Insights, so that a query reads as it would there. */
export interface TelemetryRow {
  readonly table: TelemetryTable;
  readonly timestamp: string;
  readonly name: string;
  readonly operation_Id: string;
  readonly operation_ParentId: string;
  readonly operation_Name: string;
  readonly cloud_RoleName: string;
  /** Percentage-based: 1 means that this row stands for itself only. */
  readonly itemCount: number;
  readonly customDimensions: unknown;
  readonly customMeasurements: unknown;
  /** What else the kind of telemetry carries: duration, success, resultCode, message, exceptions … */
  readonly [column: string]: unknown;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** undefined for what is no telemetry envelope. */
export function toTelemetryRow(envelope: unknown): TelemetryRow | undefined {
  const { time, tags, data, sampleRate } = asObject(envelope);
  const { baseType, baseData } = asObject(data);
  if (typeof baseType !== "string" || !(baseType in tables)) return undefined;
  const { properties, measurements, ...columns } = asObject(baseData);
  const tag = (name: string): string => asText(asObject(tags)[`ai.${name}`]);
  const table = tables[baseType as keyof typeof tables];
  const row: TelemetryRow & Record<string, unknown> = {
    table,
    timestamp: asText(time),
    name: toName(table, columns),
    operation_Id: tag("operation.id"),
    operation_ParentId: tag("operation.parentId"),
    operation_Name: tag("operation.name"),
    cloud_RoleName: tag("cloud.role"),
    itemCount: typeof sampleRate === "number" && sampleRate > 0 ? 100 / sampleRate : 1,
    customDimensions: properties ?? {},
    customMeasurements: measurements ?? {},
  };
  // Copied by name: spreading what comes in by the thousand costs more than all the rest of taking it.
  const own = toOwnColumns(table, columns);
  for (const name in own) row[name] = own[name];
  for (const name in columns) if (name !== "ver" && !(name in row)) row[name] = columns[name];
  return row;
}

/** What Application Insights takes out of the envelope into columns of its own. */
function toOwnColumns(table: TelemetryTable, columns: JsonObject): JsonObject {
  if (table === "exceptions") return { type: firstOf(columns["exceptions"])["typeName"] };
  if (table !== "customMetrics") return {};
  const { value, count, min, max } = firstOf(columns["metrics"]);
  return { value, valueCount: count ?? 1, valueMin: min ?? value, valueMax: max ?? value };
}

/** Traces have no name, exceptions and metrics have it inside. */
function toName(table: TelemetryTable, columns: JsonObject): string {
  if (table === "traces") return asText(columns["message"]);
  if (table === "exceptions") return asText(firstOf(columns["exceptions"])["typeName"]);
  if (table === "customMetrics") return asText(firstOf(columns["metrics"])["name"]);
  return asText(columns["name"]);
}

function firstOf(list: unknown): JsonObject {
  return asObject(Array.isArray(list) ? (list as readonly unknown[])[0] : undefined);
}

function asObject(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : {};
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
