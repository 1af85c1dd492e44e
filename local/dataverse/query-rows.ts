import { applyODataQuery } from "../odata/apply-query.ts";
import { ODataError } from "../odata/odata-query.ts";
import type { ExpandItem, FilterNode, ODataQuery } from "../odata/odata-query.ts";
import { parseODataQuery } from "../odata/parse-query.ts";
import { checkFilterTypes } from "./check-filter.ts";
import { DataverseError, errorCodes } from "./dataverse-error.ts";
import { findIndexedRows } from "./find-indexed-rows.ts";
import { apiPath, jsonResponse } from "./organization.ts";
import type { DataverseRequest, DataverseResponse, Organization } from "./organization.ts";
import type { ColumnType, TableMetadata } from "./table-metadata.ts";
import type { Row, TableStore } from "./table-store.ts";
import { etagOf } from "./database.ts";
import type { Database } from "./database.ts";
import { isProperty, toJsonRow } from "./write-row.ts";

/** https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/page-results */
const maxPageSize = 5_000;

export function queryRows(
  organization: Organization,
  table: TableStore,
  params: URLSearchParams,
  request: DataverseRequest,
): DataverseResponse {
  const query = readQuery(params);
  const found = findRows(organization.database, table, query);
  const { entitySet } = table.metadata;
  const start = Number(params.get("$skiptoken") ?? 0);
  const prefer = request.headers.get("prefer") ?? "";
  const wanted = Number(/odata\.maxpagesize=(\d+)/.exec(prefer)?.[1] ?? maxPageSize);
  const page = found.rows.slice(start, start + Math.min(wanted, maxPageSize));
  const end = start + page.length;
  const next = new URLSearchParams(params);
  next.set("$skiptoken", String(end));
  return jsonResponse(200, {
    "@odata.context": `${organization.baseUrl()}${apiPath}$metadata#${entitySet}`,
    // The count stops at 5,000 as the product's does.
    ...(found.count === undefined ? {} : { "@odata.count": Math.min(found.count, 5_000) }),
    value: page.map((row) => formatRow(organization, table, row, query, request)),
    ...(end < found.rows.length
      ? { "@odata.nextLink": `${organization.baseUrl()}${apiPath}${entitySet}?${next.toString()}` }
      : {}),
  });
}

export function readOneRow(
  organization: Organization,
  table: TableStore,
  row: Row,
  params: URLSearchParams,
  request: DataverseRequest,
): DataverseResponse {
  const { entitySet } = table.metadata;
  const body = {
    "@odata.context": `${organization.baseUrl()}${apiPath}$metadata#${entitySet}/$entity`,
    ...formatRow(organization, table, row, readQuery(params), request),
  };
  return jsonResponse(200, body, { etag: etagOf(row) });
}

function readQuery(params: URLSearchParams): ODataQuery {
  if (params.has("$skip")) throw badQuery("The query parameter '$skip' is not supported.");
  try {
    return parseODataQuery(params, { alsoAllowed: ["$skiptoken"] });
  } catch (error) {
    throw toRefusal(error);
  }
}

function findRows(
  database: Database,
  table: TableStore,
  query: ODataQuery,
): { readonly rows: readonly Row[]; readonly count?: number } {
  const filter =
    query.filter === undefined ? undefined : toColumnFilter(table.metadata, query.filter);
  const candidates = filter === undefined ? undefined : findIndexedRows(table, filter);
  // Columns are chosen row by row as they are written; here whole rows are wanted.
  const { select, ...others } = query;
  const rest = filter === undefined ? others : { ...others, filter };
  const joins = filter === undefined ? [] : [...new Set(navigationsOf(filter))];
  try {
    for (const name of select ?? []) propertyOrRefuse(table.metadata, name);
    if (filter !== undefined) {
      checkFilterTypes(filter, (path) => typeOfPath(database, table.metadata, path));
    }
    const rows = candidates ?? [...table.rows()];
    const whole = joins.length === 0 ? rows : rows.map((row) => join(database, table, row, joins));
    const found = applyODataQuery(whole, rest, {
      isColumn: (name) => isColumnPath(database, table.metadata, name),
    });
    return found as { readonly rows: readonly Row[]; readonly count?: number };
  } catch (error) {
    throw toRefusal(error);
  }
}

/** `parentbusinessunitid eq null` asks for an empty lookup by its navigation property. */
function toColumnFilter(table: TableMetadata, node: FilterNode): FilterNode {
  if ("left" in node) {
    const [left, right] = [toColumnFilter(table, node.left), toColumnFilter(table, node.right)];
    return { ...node, left, right };
  }
  if (node.kind === "not") return { ...node, operand: toColumnFilter(table, node.operand) };
  if (node.kind !== "compare" || node.value.type !== "null") return node;
  const navigation = table.navigation.get(node.path);
  return navigation === undefined ? node : { ...node, path: `_${navigation.column}_value` };
}

/** Lookups that the filter looks through: `msdyn_company/cdm_companycode eq 'usmf'`. */
function navigationsOf(node: FilterNode): readonly string[] {
  if ("left" in node) {
    return [...navigationsOf(node.left), ...navigationsOf(node.right)];
  }
  if (node.kind === "not") return navigationsOf(node.operand);
  const [name, column] = node.path.split("/");
  return name === undefined || column === undefined ? [] : [name];
}

function join(
  database: Database,
  table: TableStore,
  row: Row,
  navigations: readonly string[],
): Record<string, unknown> {
  const joined: Record<string, unknown> = { ...row };
  for (const name of navigations) {
    const navigation = table.metadata.navigation.get(name);
    const [target] = navigation?.targets ?? [];
    if (navigation === undefined || target === undefined) continue;
    joined[name] = database.table(target).byId(String(row[`_${navigation.column}_value`]));
  }
  return joined;
}

function typeOfPath(
  database: Database,
  table: TableMetadata,
  path: string,
): ColumnType | undefined {
  const [name = "", column] = path.split("/");
  if (column === undefined) {
    return table.columns.get(/^_(.+)_value$/.exec(name)?.[1] ?? name)?.type;
  }
  const [target] = table.navigation.get(name)?.targets ?? [];
  return target === undefined
    ? undefined
    : typeOfPath(database, database.table(target).metadata, column);
}

function isColumnPath(database: Database, table: TableMetadata, path: string): boolean {
  const [name = "", column] = path.split("/");
  if (column === undefined) return isProperty(table, name);
  const [target] = table.navigation.get(name)?.targets ?? [];
  return target !== undefined && isProperty(database.table(target).metadata, column);
}

function toRefusal(error: unknown): unknown {
  return error instanceof ODataError ? badQuery(error.message) : error;
}

function badQuery(message: string): DataverseError {
  return new DataverseError(400, errorCodes.unknownProperty, message);
}

function formatRow(
  organization: Organization,
  table: TableStore,
  row: Row,
  query: ODataQuery,
  request: DataverseRequest,
): Record<string, unknown> {
  const annotations = /odata\.include-annotations/.test(request.headers.get("prefer") ?? "");
  const json = toJsonRow(table.metadata, row, {
    select: query.select?.map((name) => propertyOrRefuse(table.metadata, name)),
    annotations,
  });
  for (const item of query.expand ?? []) {
    addExpanded(organization, table, row, item, annotations, json);
  }
  return json;
}

/** One level: a lookup's row, or the lines of an invoice. */
function addExpanded(
  organization: Organization,
  table: TableStore,
  row: Row,
  { navigation: name, select }: ExpandItem,
  annotations: boolean,
  json: Record<string, unknown>,
): void {
  const toJson = (target: TableStore, found: Row): Record<string, unknown> =>
    toJsonRow(target.metadata, found, {
      select: select?.map((column) => propertyOrRefuse(target.metadata, column)),
      annotations,
    });
  if (name === "invoice_details" && table.metadata.logicalName === "invoice") {
    const lines = organization.database.table("invoicedetail");
    const found = lines.byIndex("_invoiceid_value", [table.idOf(row)]) ?? [];
    json[name] = found.map((line) => toJson(lines, line));
    return;
  }
  const navigation = table.metadata.navigation.get(name);
  const [targetName] = navigation?.targets ?? [];
  if (navigation === undefined || targetName === undefined) {
    throw unknownProperty(name, table.metadata.logicalName);
  }
  const target = organization.database.table(targetName);
  const found = target.byId(String(row[`_${navigation.column}_value`]));
  json[name] = found === undefined ? null : toJson(target, found);
}

function propertyOrRefuse(table: TableMetadata, name: string): string {
  if (!isProperty(table, name)) throw unknownProperty(name, table.logicalName);
  return name;
}

function unknownProperty(name: string, table: string): DataverseError {
  return new DataverseError(
    400,
    errorCodes.unknownProperty,
    `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.${table}'.`,
  );
}
