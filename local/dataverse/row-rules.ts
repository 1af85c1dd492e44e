import { DataverseError, errorCodes } from "./dataverse-error.ts";
import { lookupTableAnnotation } from "./read-payload.ts";
import { propertyOf } from "./table-metadata.ts";
import type { TableMetadata } from "./table-metadata.ts";
import type { Row, Scalar } from "./table-store.ts";

export function isReadOnlyRow(table: TableMetadata, row: Row): boolean {
  return table.states.find((state) => state.value === (row["statecode"] ?? 0))?.readOnly ?? false;
}

/** A new row with everything that the system fills: state, owner, number, defaults. */
export function withDefaults(
  table: TableMetadata,
  values: Row,
  user: string,
  sequence: number,
): Row {
  const row: Record<string, Scalar> = { ...values };
  for (const [name, column] of table.columns) {
    if (row[name] !== undefined) continue;
    if (column.default !== undefined) row[name] = column.default;
    if (column.autoNumber !== undefined) row[name] = `${column.autoNumber}${sequence}`;
  }
  if (table.columns.has("ownerid") && (row["_ownerid_value"] ?? null) === null) {
    row["_ownerid_value"] = user;
    row[`_ownerid_value${lookupTableAnnotation}`] = "systemuser";
  }
  fillNames(table, row);
  checkRequired(table, row);
  checkLine(table, row);
  const active = table.states[0];
  return active === undefined
    ? row
    : checkRowState(table, { ...row, statecode: active.value }, row, active.defaultStatus);
}

/** The values with a state and a status that belong together. */
export function checkRowState(
  table: TableMetadata,
  before: Row,
  values: Row,
  defaultStatus?: number,
): Row {
  if (table.states.length === 0) return values;
  const stateValue = values["statecode"] ?? before["statecode"] ?? 0;
  const state = table.states.find(({ value }) => value === stateValue);
  if (state === undefined) return values;
  const moved = values["statecode"] !== undefined && values["statecode"] !== before["statecode"];
  const status =
    values["statuscode"] ??
    (moved ? state.defaultStatus : (before["statuscode"] ?? defaultStatus ?? state.defaultStatus));
  if (!state.statuses.includes(Number(status))) {
    throw new DataverseError(
      400,
      errorCodes.invalidStatus,
      `${String(status)} is not a valid status code for state code ${table.schemaName}State.${state.label} on ${table.logicalName}.`,
    );
  }
  return { ...values, statecode: state.value, statuscode: status };
}

function checkRequired(table: TableMetadata, row: Row): void {
  for (const [name, column] of table.columns) {
    if (column.required !== "SystemRequired" || name === table.primaryId) continue;
    if (["State", "Status"].includes(column.type) || name === "ownerid") continue;
    if ((row[propertyOf(name, column)] ?? null) === null) {
      throw new DataverseError(
        400,
        errorCodes.invalidArgument,
        `Attribute '${name}' of entity '${table.logicalName}' cannot be NULL.`,
      );
    }
  }
}

/** A line is either a catalogue product with its unit or a write-in with a description. */
function checkLine(table: TableMetadata, row: Row): void {
  if (table.logicalName !== "invoicedetail") return;
  if (row["isproductoverridden"] === true) {
    if ((row["productdescription"] ?? null) === null) {
      throw new DataverseError(400, errorCodes.invalidArgument, "The write-in product is missing.");
    }
    return;
  }
  if ((row["_productid_value"] ?? null) === null) {
    throw new DataverseError(400, errorCodes.invalidArgument, "The product id is missing.");
  }
  if ((row["_uomid_value"] ?? null) === null) {
    throw new DataverseError(400, errorCodes.invalidArgument, "The unit id is missing.");
  }
}

function fillNames(table: TableMetadata, row: Record<string, Scalar>): void {
  if (table.logicalName === "invoicedetail") {
    row["productname"] ??= row["productdescription"] ?? null;
  }
  if (table.logicalName === "contact" || table.logicalName === "systemuser") {
    const parts = [row["firstname"], row["lastname"]].filter((part) => typeof part === "string");
    row["fullname"] ??= parts.join(" ");
  }
}
