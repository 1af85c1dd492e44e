import { Decimal } from "decimal.js";
import invoiceTable from "../../../../schemas/targets/dataverse/invoice.json" with { type: "json" };
import lineTable from "../../../../schemas/targets/dataverse/invoicedetail.json" with { type: "json" };
import type { LookupReference, MappedRecord, MappedValue } from "../../flows/map-event.ts";

/** JSON as it goes to Dataverse: columns and `…@odata.bind` members. */
export type WebApiBody = Readonly<Record<string, string | number | boolean | null>>;

export interface InvoiceDocument {
  /** `cwy_key`: the effect key, so that two events for one document meet in one row. */
  readonly key: string;
  readonly header: WebApiBody;
  readonly lines: readonly InvoiceLine[];
}

export interface InvoiceLine {
  /** `<invoice key>-<line number>` */
  readonly key: string;
  readonly body: WebApiBody;
  /** Binds and text of both forms: which one is written depends on the line that is there already. */
  readonly product: WebApiBody | null;
  readonly writeIn: WebApiBody;
}

/** A value that no column of CE can hold: trying again does not help. */
export class UnfitValueError extends Error {
  constructor(table: string, column: string, problem: string) {
    super(`${table}.${column}: ${problem}`);
    this.name = "UnfitValueError";
  }
}

interface TableColumns {
  readonly table: string;
  readonly columns: Readonly<Record<string, string>>;
}

type Fields = Readonly<Record<string, MappedValue>>;

const headerColumns: TableColumns = invoiceTable;
const lineColumns: TableColumns = lineTable;

export const headerCreateOnly = new Set(invoiceTable.createOnly.map(toBindName));
/** Lookups of a line, whose column is named as their bind is. */
export const lineLookups = new Set(Object.keys(lineTable.lookups));
export const lineCreateOnly = new Set(lineTable.createOnly.map(toBindName));

/** Written by the target itself, whatever a mapping says. */
const ownMarks = new Set(["cwy_key", "cwy_syncedon"]);

/** The mapped record as rows. Throws UnfitValueError for a value that no column can hold. */
export function toInvoiceDocument(
  key: string,
  mapped: MappedRecord,
  owner: LookupReference | undefined,
): InvoiceDocument {
  const { record } = mapped;
  const decimals = currencyDecimals(record["transactioncurrencyid"]);
  const header = toBody(record, headerColumns, decimals);
  const items = Object.values(record).find((value) => Array.isArray(value)) ?? [];
  return {
    key,
    header: { ...header, ...(owner === undefined ? {} : toBind("ownerid", owner)) },
    lines: (items as readonly Fields[]).map((item, index) =>
      toLine(key, item, index + 1, decimals),
    ),
  };
}

function toLine(key: string, item: Fields, position: number, decimals: number): InvoiceLine {
  const { productid, uomid, productdescription, ...rest } = item;
  const body = toBody(rest, lineColumns, decimals);
  const description = typeof productdescription === "string" ? productdescription.trim() : "";
  const number = body["lineitemnumber"] ?? position;
  const isCatalogue = isReference(productid) && isReference(uomid);
  return {
    key: `${key}-${String(number)}`,
    body,
    product: isCatalogue
      ? {
          isproductoverridden: false,
          ispriceoverridden: true,
          ...toBind("productid", productid),
          ...toBind("uomid", uomid),
        }
      : null,
    writeIn: {
      isproductoverridden: true,
      // Dataverse wants some text.
      productdescription: description === "" ? "-" : description,
    },
  };
}

function toBody(fields: Fields, table: TableColumns, decimals: number): WebApiBody {
  const body: Record<string, string | number | boolean | null> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (ownMarks.has(name)) continue;
    if (isReference(value)) Object.assign(body, toBind(name, value));
    else if (value === null || typeof value !== "object") {
      body[name] = toColumnValue(value, name, table, decimals);
    }
  }
  return body;
}

/** Amounts travel as text up to here, since JSON numbers lose digits on the way. */
function toColumnValue(
  value: string | number | boolean | null,
  name: string,
  table: TableColumns,
  decimals: number,
): string | number | boolean | null {
  if (value === null) return null;
  switch (table.columns[name]) {
    case "Money":
      // Our own columns keep every digit; the standard ones as many as the currency has in CE.
      return toNumber(value, name, table, name.startsWith("cwy_") ? undefined : decimals);
    case "Decimal":
      return toNumber(value, name, table, 5);
    case "Integer":
    case "Picklist":
      return toNumber(value, name, table, 0);
    default:
      return value;
  }
}

function toNumber(
  value: string | number | boolean,
  name: string,
  table: TableColumns,
  decimals: number | undefined,
): number {
  let exact: Decimal;
  try {
    exact = new Decimal(String(value));
  } catch {
    throw new UnfitValueError(table.table, name, "not a number");
  }
  const rounded = decimals === undefined ? exact : exact.toDecimalPlaces(decimals);
  const number = rounded.toNumber();
  if (!Number.isFinite(number) || !rounded.eq(new Decimal(String(number)))) {
    throw new UnfitValueError(table.table, name, "more digits than a number in JSON can carry");
  }
  return number;
}

/** `currencyprecision` of CE's currency row, which the lookup reads along. */
function currencyDecimals(reference: MappedValue | undefined): number {
  const precision = isReference(reference) ? reference.columns?.["currencyprecision"] : undefined;
  return typeof precision === "number" ? precision : 2;
}

function toBind(name: string, reference: LookupReference): WebApiBody {
  const set = entitySets[reference.table] ?? `${reference.table}s`;
  return { [`${reference.bind ?? name}@odata.bind`]: `/${set}(${reference.id})` };
}

/** Entity sets by table, where it is not the table's name with an s. */
export const entitySets: Readonly<Record<string, string>> = {
  account: "accounts",
  transactioncurrency: "transactioncurrencies",
  cdm_company: "cdm_companies",
};

function toBindName(column: string): string {
  return column === "transactioncurrencyid" ? `${column}@odata.bind` : column;
}

function isReference(value: MappedValue | undefined): value is LookupReference {
  return (
    typeof value === "object" && value !== null && "kind" in value && value.kind === "reference"
  );
}
