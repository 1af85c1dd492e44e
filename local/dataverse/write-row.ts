import { etagOf } from "./database.ts";
import { lookupTableAnnotation } from "./read-payload.ts";
import { propertyOf } from "./table-metadata.ts";
import type { TableMetadata } from "./table-metadata.ts";
import type { Row, Scalar } from "./table-store.ts";

interface RowFormat {
  /** Column properties asked for; every column when undefined. */
  readonly select: readonly string[] | undefined;
  readonly annotations: boolean;
}

/** The row as JSON: ETag first, empty columns as null, lookups as `_x_value`. */
export function toJsonRow(
  table: TableMetadata,
  row: Row,
  format: RowFormat,
): Record<string, unknown> {
  const json: Record<string, unknown> = { "@odata.etag": etagOf(row) };
  const properties = format.select ?? allProperties(table);
  for (const property of new Set([...properties, table.primaryId])) {
    json[property] = row[property] ?? null;
    if (format.annotations) addAnnotations(table, row, property, json);
  }
  return json;
}

/** Whether rows of the table show a property of this name: lookups only as `_x_value`. */
export function isProperty(table: TableMetadata, name: string): boolean {
  const column = table.columns.get(name);
  if (column !== undefined) return column.type !== "Lookup";
  const lookup = /^_(.+)_value$/.exec(name)?.[1];
  return lookup !== undefined && table.columns.get(lookup)?.type === "Lookup";
}

function allProperties(table: TableMetadata): readonly string[] {
  return [...table.columns].map(([name, column]) => propertyOf(name, column));
}

function addAnnotations(
  table: TableMetadata,
  row: Row,
  property: string,
  json: Record<string, unknown>,
): void {
  const target: Scalar | undefined = row[property + lookupTableAnnotation];
  if (target !== undefined && target !== null) json[property + lookupTableAnnotation] = target;
  if (property !== "statecode") return;
  const state = table.states.find(({ value }) => value === row["statecode"]);
  if (state !== undefined) {
    json["statecode@OData.Community.Display.V1.FormattedValue"] = state.label;
  }
}
