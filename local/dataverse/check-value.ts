import { badPayload, DataverseError, errorCodes } from "./dataverse-error.ts";
import type { Column, TableMetadata } from "./table-metadata.ts";
import type { Scalar } from "./table-store.ts";

const guidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const dayPattern = /^\d{4}-\d{2}-\d{2}$/;

export function isGuid(text: string): boolean {
  return guidPattern.test(text);
}

/** The value as the column stores it, or the refusal that the Web API gives. */
export function checkValue(
  table: TableMetadata,
  name: string,
  column: Column,
  value: unknown,
): Scalar {
  if (value === null) return null;
  switch (column.type) {
    case "String":
    case "Memo":
      return checkText(table, name, column, value);
    case "Uniqueidentifier":
      if (typeof value !== "string" || !isGuid(value)) {
        throw wrongType(table, value, "Edm.Guid");
      }
      return value.toLowerCase();
    case "Boolean":
      if (typeof value !== "boolean") throw wrongType(table, value, "Edm.Boolean");
      return value;
    case "DateTime":
      return checkDate(table, column, value);
    case "Integer":
    case "BigInt":
    case "Picklist":
    case "State":
    case "Status":
      if (typeof value !== "number" || !Number.isInteger(value)) {
        throw wrongType(table, value, "Edm.Int32");
      }
      return checkRange(table, name, column, value);
    case "Decimal":
      return checkDecimal(table, name, column, value, column.precision ?? 10);
    case "Money":
      // Decimals of money depend on the row's currency: `checkMoneyPrecision`, once the row is whole.
      if (typeof value !== "number" || !Number.isFinite(value)) {
        throw wrongType(table, value, "Edm.Decimal");
      }
      return checkRange(table, name, column, value);
    case "Lookup":
      throw badPayload(
        table.entitySet,
        "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.",
      );
  }
}

/**
 * Refuses more decimals than are kept. From memory the product rounds such a value without a word;
 * refusing shows the lost digits.
 */
export function checkDecimals(
  table: TableMetadata,
  name: string,
  value: number,
  decimals: number,
): void {
  if (Number(value.toFixed(Math.min(decimals, 20))) === value) return;
  throw new DataverseError(
    400,
    errorCodes.outOfRange,
    `A validation error occurred.  The value ${value} of '${name}' on record of type '${table.logicalName}' has more than ${decimals} decimal places.`,
  );
}

function checkText(table: TableMetadata, name: string, column: Column, value: unknown): string {
  if (typeof value !== "string") throw wrongType(table, value, "Edm.String");
  if (column.maxLength !== undefined && value.length > column.maxLength) {
    throw new DataverseError(
      400,
      errorCodes.tooLong,
      `A validation error occurred.  The length of the '${name}' attribute of the '${table.logicalName}' entity exceeded the maximum allowed length of '${column.maxLength}'.`,
    );
  }
  return value;
}

function checkDate(table: TableMetadata, column: Column, value: unknown): string {
  if (typeof value !== "string" || Number.isNaN(Date.parse(value))) {
    throw wrongType(table, value, "Edm.DateTimeOffset");
  }
  if (column.behavior === "DateOnly") {
    if (!dayPattern.test(value)) throw wrongType(table, value, "Edm.Date");
    return value;
  }
  // Seconds are all that is kept.
  return new Date(value).toISOString().replace(/\.\d{3}Z$/, "Z");
}

function checkDecimal(
  table: TableMetadata,
  name: string,
  column: Column,
  value: unknown,
  decimals: number,
): number {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw wrongType(table, value, "Edm.Decimal");
  }
  checkDecimals(table, name, value, decimals);
  return checkRange(table, name, column, value);
}

function checkRange(table: TableMetadata, name: string, column: Column, value: number): number {
  const { options, min, max } = column;
  const allowed =
    options === undefined
      ? value >= (min ?? -Infinity) && value <= (max ?? Infinity)
      : options.includes(value);
  if (allowed) return value;
  const accepted =
    options === undefined ? `${min ?? ""} to ${max ?? ""}` : options.slice(0, 20).join(",");
  throw new DataverseError(
    400,
    errorCodes.outOfRange,
    `A validation error occurred.  The value ${value} of '${name}' on record of type '${table.logicalName}' is outside the valid range. Accepted Values: ${accepted}`,
  );
}

function wrongType(table: TableMetadata, value: unknown, expected: string): DataverseError {
  return badPayload(
    table.entitySet,
    `Cannot convert the literal '${JSON.stringify(value)}' to the expected type '${expected}'.`,
  );
}
