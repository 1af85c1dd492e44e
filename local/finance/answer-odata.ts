/** F&O's OData service below /data, without its sockets and tokens. */
import { applyODataQuery } from "../odata/apply-query.ts";
import { ODataError } from "../odata/odata-query.ts";
import type { ODataLiteral, ODataQuery } from "../odata/odata-query.ts";
import { parseEntityAddress } from "../odata/parse-address.ts";
import { parseODataQuery } from "../odata/parse-query.ts";
import { checkFilter, unknownProperty } from "./check-filter.ts";
import type { EntitySet } from "./entity-sets.ts";
import type { EntityTable, StoredRow } from "./entity-table.ts";
import { FinanceError } from "./finance-error.ts";
import type { FinanceWorld } from "./finance-world.ts";
import { toJson, toWireRow } from "./wire-row.ts";
import { writeRow } from "./write-row.ts";

export interface ODataOptions {
  readonly world: FinanceWorld;
  /** Without a trailing slash. */
  readonly baseUrl: () => string;
  /** The company of the app's F&O user: all that is seen without `cross-company=true`. */
  readonly defaultCompany: string;
  readonly pageSize: number;
}

/** Answers one request below `/data/`; refusals are thrown as ODataError or FinanceError. */
export async function answerOData(request: Request, options: ODataOptions): Promise<Response> {
  const url = new URL(request.url);
  const path = decodePath(url.pathname.slice("/data/".length));
  const address = parseEntityAddress(path);
  const table = options.world.table(address.set);
  const company = visibleCompany(url, options);
  if (address.keys === undefined) {
    if (request.method === "GET") return answerRows(url, table, company, options);
    return writeRow(request, { table, company, world: options.world });
  }
  const row = findByKeys(table, address.keys, company);
  if (request.method === "GET") return answerRow(url, table, row, options);
  return writeRow(request, { table, row, company, world: options.world });
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new ODataError("SYNTAX", "The path is not percent-encoded.");
  }
}

/** Undefined: every company. */
function visibleCompany(url: URL, { defaultCompany }: ODataOptions): string | undefined {
  return url.searchParams.get("cross-company")?.toLowerCase() === "true"
    ? undefined
    : defaultCompany;
}

function findByKeys(
  table: EntityTable,
  keys: Readonly<Record<string, ODataLiteral>>,
  company: string | undefined,
): StoredRow {
  const { set } = table;
  const given = Object.keys(keys);
  const [onlyKey] = set.keys;
  const values = Object.fromEntries(
    given.map((name) => {
      const literal = keys[name];
      const value = literal === undefined || literal.type === "null" ? undefined : literal.value;
      return [name === "" && onlyKey !== undefined ? onlyKey : name, value];
    }),
  );
  // Access by key needs every key, in any order.
  const isComplete = set.keys.every((key) => key in values);
  if (!isComplete || given.length !== set.keys.length) {
    throw new ODataError(
      "SYNTAX",
      `The number of keys specified in the URI does not match number of key properties for the resource '${set.name}'.`,
    );
  }
  const row = table.find(values);
  if (row === undefined || !isVisible(row, company)) {
    throw new FinanceError("NOT_FOUND", `No row of ${set.name} has these keys.`);
  }
  return row;
}

function isVisible(row: StoredRow, company: string | undefined): boolean {
  const { dataAreaId } = row.values as { readonly dataAreaId?: string };
  return company === undefined || dataAreaId === undefined || dataAreaId === company;
}

function answerRow(url: URL, table: EntityTable, row: StoredRow, options: ODataOptions): Response {
  const query = readQuery(url, table.set);
  const context = `${options.baseUrl()}/data/$metadata#${table.set.name}/$entity`;
  return toJson({ "@odata.context": context, ...toWireRow(table.set, row, query, options.world) });
}

function answerRows(
  url: URL,
  table: EntityTable,
  company: string | undefined,
  options: ODataOptions,
): Response {
  const { world, pageSize } = options;
  const query = readQuery(url, table.set);
  const { filter, orderBy, skip = 0, top = Number.POSITIVE_INFINITY } = query;
  const seen = table.candidates(filter).filter((row) => isVisible(row, company));
  const byValues = new Map<object, StoredRow>(seen.map((row) => [row.values, row]));
  const { rows: found } = applyODataQuery(
    seen.map(({ values }) => values),
    { ...(filter === undefined ? {} : { filter }), ...(orderBy === undefined ? {} : { orderBy }) },
    { hasWildcards: true },
  );
  const wanted = found.slice(skip, skip + top);
  const start = Number(url.searchParams.get("$skiptoken") ?? "0");
  const page = wanted.slice(start, start + pageSize);
  const value = page.flatMap((values) => {
    const row = byValues.get(values);
    return row === undefined ? [] : [toWireRow(table.set, row, query, world)];
  });
  return toJson({
    "@odata.context": `${options.baseUrl()}/data/$metadata#${table.set.name}`,
    ...(query.count === true ? { "@odata.count": found.length } : {}),
    value,
    ...(start + pageSize < wanted.length
      ? { "@odata.nextLink": toNextLink(url, start + pageSize, options) }
      : {}),
  });
}

function toNextLink(url: URL, start: number, { baseUrl }: ODataOptions): string {
  const params = new URLSearchParams(url.searchParams);
  params.set("$skiptoken", String(start));
  return `${baseUrl()}${url.pathname}?${params.toString()}`;
}

function readQuery(url: URL, set: EntitySet): ODataQuery {
  const query = parseODataQuery(url.searchParams, { alsoAllowed: ["$skiptoken"] });
  if (query.filter !== undefined) checkFilter(set, query.filter);
  const paths = [...(query.select ?? []), ...(query.orderBy ?? []).map(({ path }) => path)];
  const unknown = paths.find((name) => !(name in set.columns) && !(name in set.navigations));
  if (unknown !== undefined) throw unknownProperty(set, unknown);
  const navigation = query.expand?.find((item) => !(item.navigation in set.navigations));
  if (navigation !== undefined) throw unknownProperty(set, navigation.navigation);
  return query;
}
