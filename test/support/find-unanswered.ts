import type { TelemetryRow, TelemetryTable } from "../../local/monitor/telemetry-row.ts";

const tables = [
  "customEvents",
  "customMetrics",
  "exceptions",
] as const satisfies readonly TelemetryTable[];
/** Of those that our queries use; the collector names them as Application Insights does. */
const columns = ["timestamp", "name", "type", "operation_Id", "value", "valueMin", "valueMax"];

/** What a query of an alert or of the workbook asks for and none of the rows has. */
export function findUnanswered(query: string, arrived: readonly TelemetryRow[]): readonly string[] {
  const table = tables.find((each) => query.includes(each));
  const rows = arrived.filter((row) => row.table === table);
  const names = [...query.matchAll(/name == "([^"]+)"/g)].map(([, name = ""]) => name);
  const asked = names.length === 0 ? rows : rows.filter((row) => names.includes(row.name));
  const inOne = (bag: "customDimensions" | "customMeasurements", member: string): boolean =>
    asked.some((row) => member in (row[bag] as object));
  const bags = [...query.matchAll(/(customDimensions|customMeasurements)\["(\w+)"\]/g)];
  const bare = query.replace(/"[^"]*"/g, "");
  return [
    ...names.filter((name) => !rows.some((row) => row.name === name)),
    ...bags
      .filter(([, bag, member = ""]) => !inOne(bag as "customDimensions", member))
      .map(([, bag = "", member = ""]) => `${bag}.${member}`),
    ...columns
      .filter((column) => new RegExp(`\\b${column}\\b(?!\\s*=[^=])`).test(bare))
      .filter((column) => !asked.some((row) => row[column] !== undefined && row[column] !== "")),
  ];
}
