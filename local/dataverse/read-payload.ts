import { checkValue } from "./check-value.ts";
import { badPayload, DataverseError, errorCodes } from "./dataverse-error.ts";
import type { Column, TableMetadata } from "./table-metadata.ts";
import type { Scalar } from "./table-store.ts";

export type WriteKind = "create" | "update";
export type Payload = Readonly<Record<string, unknown>>;

/** Where a bind points: the table found behind the address, and the row's id. */
export type ResolveBind = (address: string) => { readonly table: string; readonly id: string };

export const lookupTableAnnotation = "@Microsoft.Dynamics.CRM.lookuplogicalname";

/** A request body as stored properties, every column and bind checked against the table's metadata. */
export function readPayload(
  table: TableMetadata,
  payload: Payload,
  kind: WriteKind,
  resolveBind: ResolveBind,
): Record<string, Scalar> {
  const values: Record<string, Scalar> = {};
  for (const [property, value] of Object.entries(payload)) {
    if (property.startsWith("@") || property.endsWith("@odata.type")) continue;
    if (property.endsWith("@odata.bind")) {
      const name = property.slice(0, -"@odata.bind".length);
      Object.assign(values, readBind(table, name, value, kind, resolveBind));
      continue;
    }
    const column = columnOf(table, property);
    checkWritable(table, property, column, kind);
    values[property] = checkValue(table, property, column, value);
  }
  return values;
}

function columnOf(table: TableMetadata, property: string): Column {
  const column = table.columns.get(property);
  if (column !== undefined) return column;
  const lookup = /^_(.+)_value$/.exec(property)?.[1];
  if (lookup !== undefined && table.columns.has(lookup)) {
    return { type: "Lookup" };
  }
  throw badPayload(
    table.entitySet,
    `Invalid property '${property}' was found in entity 'Microsoft.Dynamics.CRM.${table.logicalName}'.`,
  );
}

function readBind(
  table: TableMetadata,
  name: string,
  value: unknown,
  kind: WriteKind,
  resolveBind: ResolveBind,
): Record<string, Scalar> {
  const navigation = table.navigation.get(name);
  const column = navigation === undefined ? undefined : table.columns.get(navigation.column);
  if (navigation === undefined || column === undefined) {
    throw badPayload(
      table.entitySet,
      `An undeclared property '${name}' which only has property annotations in the payload but no property value was found in the payload. In OData, only declared navigation properties and declared named streams can be represented as properties without values.`,
    );
  }
  checkWritable(table, navigation.column, column, kind);
  const property = `_${navigation.column}_value`;
  if (value === null) {
    return { [property]: null, [property + lookupTableAnnotation]: null };
  }
  if (typeof value !== "string") {
    throw badPayload(table.entitySet, `The value of '${name}@odata.bind' is not a string.`);
  }
  const found = resolveBind(value);
  if (!navigation.targets.includes(found.table)) {
    throw badPayload(
      table.entitySet,
      `A resource of type '${found.table}' cannot be bound to '${name}'; expected ${navigation.targets.join(" or ")}.`,
    );
  }
  return { [property]: found.id, [property + lookupTableAnnotation]: found.table };
}

/**
 * From memory the product drops such a column without a word in some messages and refuses it in others;
 * refusing finds the caller that relies on either.
 */
function checkWritable(table: TableMetadata, name: string, column: Column, kind: WriteKind): void {
  const allowed = kind === "create" ? column.validForCreate : column.validForUpdate;
  if (allowed !== false) return;
  throw new DataverseError(
    400,
    errorCodes.invalidArgument,
    `Attribute '${name}' of entity '${table.logicalName}' is not valid for ${kind}.`,
  );
}
