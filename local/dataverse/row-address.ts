import { isGuid } from "./check-value.ts";
import type { Database, RowAddress } from "./database.ts";
import { DataverseError, errorCodes, missingResource } from "./dataverse-error.ts";
import type { Scalar, TableStore } from "./table-store.ts";

/**
 * Characters that break a key value in an address even when they are encoded:
 * https://learn.microsoft.com/power-apps/maker/data-platform/define-alternate-keys-reference-records
 */
const breaking = /[/<>*%&:\\?+]/;

export interface ParsedAddress {
  readonly entitySet: string;
  /** What stood in the parentheses, undefined without them. */
  readonly key: string | undefined;
  /** Path segments behind the row or the set. */
  readonly rest: readonly string[];
}

/** Splits `invoices(cwy_key='a b')/invoice_details`; quotes protect slashes and parentheses. */
export function parsePath(path: string): ParsedAddress {
  const match = /^([\w$.]+)(?:\(((?:[^')]|'(?:[^']|'')*')*)\))?(?:\/(.*))?$/.exec(path);
  if (match === null) throw missingResource(path.split(/[/(]/)[0] ?? path);
  const rest = match[3];
  return {
    entitySet: match[1] ?? "",
    key: match[2],
    rest: rest === undefined || rest === "" ? [] : rest.split("/"),
  };
}

/** The row's address from the text in parentheses: a GUID or `column='value',…` of an active key. */
export function toRowAddress(table: TableStore, key: string): RowAddress {
  if (isGuid(key)) return { kind: "id", id: key.toLowerCase() };
  const pairs = parseKeyPairs(key);
  const named = table.keys.find(
    (candidate) =>
      candidate.status === "Active" &&
      candidate.columns.length === pairs.size &&
      candidate.columns.every((column) => pairs.has(table.keyPropertyOf(column))),
  );
  const { logicalName } = table.metadata;
  if (named === undefined) {
    throw new DataverseError(
      400,
      errorCodes.badPayload,
      `The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.${logicalName}'. Ensure that the names and number of key properties match the declared or alternate key properties for the resource 'Microsoft.Dynamics.CRM.${logicalName}'.`,
    );
  }
  const values = named.columns.map((column) => pairs.get(table.keyPropertyOf(column)) ?? null);
  for (const value of values) refuseBreaking(value);
  return { kind: "key", key: named, values };
}

/** An `@odata.bind` value: relative or absolute, with or without a leading slash. */
export function createBindReader(
  database: Database,
  contentIds: ReadonlyMap<string, string>,
): (address: string) => { readonly table: string; readonly id: string } {
  return (address) => {
    const known = contentIds.get(address) ?? address;
    const path = decodeURIComponent(
      known.replace(/^https?:\/\/[^/]+/, "").replace(/^\/?(api\/data\/v[\d.]+\/)?/, ""),
    );
    const { entitySet, key } = parsePath(path);
    const table = database.tableOfSet(entitySet);
    if (key === undefined) throw missingResource(path);
    const row = database.get(table, toRowAddress(table, key));
    return { table: table.metadata.logicalName, id: table.idOf(row) };
  };
}

function parseKeyPairs(text: string): ReadonlyMap<string, Scalar> {
  const pairs = new Map<string, Scalar>();
  for (const [, name, quoted, bare] of text.matchAll(
    /\s*(\w+)\s*=\s*(?:'((?:[^']|'')*)'|([^,']+))\s*(?:,|$)/g,
  )) {
    if (name === undefined) continue;
    const value = quoted === undefined ? toBare(bare ?? "") : quoted.replaceAll("''", "'");
    pairs.set(name, value);
  }
  return pairs;
}

function toBare(text: string): Scalar {
  const trimmed = text.trim();
  return /^-?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : trimmed.toLowerCase();
}

function refuseBreaking(value: Scalar): void {
  const found = typeof value === "string" ? breaking.exec(value)?.[0] : undefined;
  if (found === undefined) return;
  if (found === "/" || found === "+") throw missingResource(String(value));
  throw new DataverseError(
    400,
    "0x0",
    `A potentially dangerous Request.Path value was detected from the client (${found}).`,
  );
}
