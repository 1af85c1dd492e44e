import { ODataError } from "../odata/odata-query.ts";
import { unknownProperty } from "./check-filter.ts";
import { isEnum } from "./entity-sets.ts";
import type { ColumnType, EntitySet } from "./entity-sets.ts";
import type { EntityTable, StoredRow } from "./entity-table.ts";
import { FinanceError } from "./finance-error.ts";
import type { FinanceWorld } from "./finance-world.ts";
import { toEtag, toJson, toWireRow } from "./wire-row.ts";

interface WriteTarget {
  readonly table: EntityTable;
  /** The addressed row; none for a POST to the set. */
  readonly row?: StoredRow;
  /** The only company that may be written; undefined for any. */
  readonly company: string | undefined;
  readonly world: FinanceWorld;
}

/** POST to a set, PATCH and DELETE of a row. Posted documents are read only, as in F&O. */
export async function writeRow(request: Request, target: WriteTarget): Promise<Response> {
  const { table, row, world } = target;
  const { set } = table;
  if (!set.isWritable) {
    throw new FinanceError("WRITE_FAILED", `Write failed. ${set.entityType} is read only.`);
  }
  if (request.method === "POST" && row === undefined) {
    const values = { ...companyOf(set, target.company), ...(await readValues(request, set)) };
    const missing = set.keys.find((key) => values[key] === undefined || values[key] === "");
    if (missing !== undefined) {
      throw new FinanceError(
        "WRITE_FAILED",
        `Write failed for table row of type '${set.entityType}'. Infolog: Warning: Field '${missing}' must be filled in.`,
      );
    }
    const stored = table.insert(values);
    return toJson(toWireRow(set, stored, {}, world), 201);
  }
  if (row === undefined) return new Response(null, { status: 405 });
  if (!hasMatchingEtag(request, row)) return new Response(null, { status: 412 });
  if (request.method === "DELETE") {
    table.delete(row);
    return new Response(null, { status: 204 });
  }
  if (request.method !== "PATCH") return new Response(null, { status: 405 });
  table.update(row, await readValues(request, set));
  return new Response(null, { status: 204 });
}

function companyOf(set: EntitySet, company: string | undefined): Readonly<Record<string, unknown>> {
  return company !== undefined && set.keys.includes("dataAreaId") ? { dataAreaId: company } : {};
}

function hasMatchingEtag(request: Request, row: StoredRow): boolean {
  const wanted = request.headers.get("if-match");
  return wanted === null || wanted === "*" || wanted === toEtag(row);
}

async function readValues(
  request: Request,
  set: EntitySet,
): Promise<Readonly<Record<string, unknown>>> {
  let body: unknown;
  try {
    body = await request.json();
  } catch {
    throw new ODataError("SYNTAX", "The request body is not JSON.");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new ODataError("SYNTAX", "The request body is not a JSON object.");
  }
  return checkValues(set, body as Readonly<Record<string, unknown>>);
}

/** Refuses unknown columns and values of another type; leaves annotations out. */
export function checkValues(
  set: EntitySet,
  values: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const columns = Object.entries(values).filter(([name]) => !name.includes("@"));
  for (const [name, value] of columns) {
    const type = set.columns[name];
    if (type === undefined) throw unknownProperty(set, name);
    if (isFitting(type, value)) continue;
    throw new ODataError("TYPE_MISMATCH", `Cannot convert a value to type '${type}' of ${name}.`);
  }
  return Object.fromEntries(columns.map(([name, value]) => [name, value ?? ""]));
}

function isFitting(type: ColumnType, value: unknown): boolean {
  if (type === "Decimal" || type === "Int32" || type === "Int64") return typeof value === "number";
  if (type === "Date" || type === "UtcDateTime") {
    return typeof value === "string" && !Number.isNaN(Date.parse(value));
  }
  if (isEnum(type)) return typeof value === "string";
  // F&O takes null for a text and keeps "".
  return typeof value === "string" || value === null;
}
