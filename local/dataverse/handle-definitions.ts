import { badPayload, DataverseError, missingResource } from "./dataverse-error.ts";
import type { MetadataBody } from "./entity-definitions.ts";
import { apiPath, jsonResponse, noContent } from "./organization.ts";
import type { DataverseRequest, DataverseResponse, Organization } from "./organization.ts";
import type { Column } from "./table-metadata.ts";
import type { AlternateKey, TableStore } from "./table-store.ts";

type Json = Record<string, unknown>;

/** `EntityDefinitions(LogicalName='x')` with its Attributes and Keys, read and written. */
export function handleDefinitions(
  organization: Organization,
  request: DataverseRequest,
  path: string,
  rawQuery: string,
): DataverseResponse {
  const query = new URLSearchParams(rawQuery);
  const match =
    /^EntityDefinitions(?:\((.+?)\))?(?:\/(Attributes|Keys)(?:\((.+)\))?)?(?:\/.*)?$/.exec(path);
  if (match === null) throw missingResource(path);
  const [, name, part, item] = match;
  if (name === undefined) return listTables(organization, query);
  const table = organization.definitions.table(readLogicalName(name));
  if (request.method === "POST") return addPart(organization, table, part, request);
  if (request.method !== "GET") throw new DataverseError(405, "0x0", "Only GET and POST here.");
  if (part === undefined) {
    return jsonResponse(200, describeTable(table, query));
  }
  const parts = part === "Keys" ? describeKeys(table) : describeColumns(table);
  if (item === undefined)
    return jsonResponse(200, { value: pick(filterByName(parts, query), query) });
  const wanted = readLogicalName(item);
  const found = parts.find((one) => one["LogicalName"] === wanted);
  if (found === undefined) {
    throw new DataverseError(
      404,
      "0x80060888",
      `${part} '${wanted}' of ${table.metadata.logicalName} does not exist.`,
    );
  }
  return jsonResponse(200, pick([found], query)[0]);
}

function listTables(organization: Organization, query: URLSearchParams): DataverseResponse {
  const tables = organization.database.tables().map((table) => describeTable(table, query));
  return jsonResponse(200, { value: filterByName(tables, query) });
}

function addPart(
  organization: Organization,
  table: TableStore,
  part: string | undefined,
  request: DataverseRequest,
): DataverseResponse {
  if (part === undefined) throw missingResource("EntityDefinitions");
  checkSolution(organization, request);
  const body = readBody(request);
  const name =
    part === "Keys"
      ? organization.definitions.addKey(table, body).logicalName
      : organization.definitions.addColumn(table, body);
  const entity = `EntityDefinitions(LogicalName='${table.metadata.logicalName}')`;
  return noContent({
    "odata-entityid": `${organization.baseUrl()}${apiPath}${entity}/${part}(LogicalName='${name}')`,
  });
}

/** Components join the solution that the header names; an unknown one is refused. */
function checkSolution(organization: Organization, request: DataverseRequest): void {
  const name = request.headers.get("mscrm.solutionuniquename");
  if (name === null) return;
  const found = organization.database.table("solution").byIndex("uniquename", [name]);
  if (found?.length === 1) return;
  throw new DataverseError(
    400,
    "0x80040203",
    `The solution specified by unique name '${name}' does not exist.`,
  );
}

function describeTable(table: TableStore, query: URLSearchParams): Json {
  const { metadata } = table;
  const json: Json = {
    MetadataId: toMetadataId(metadata.logicalName),
    LogicalName: metadata.logicalName,
    SchemaName: metadata.schemaName,
    EntitySetName: metadata.entitySet,
    PrimaryIdAttribute: metadata.primaryId,
    PrimaryNameAttribute: metadata.primaryName,
  };
  const [chosen] = pick([json], query);
  const expand = query.get("$expand") ?? "";
  return {
    ...chosen,
    ...(/\bAttributes\b/.test(expand) ? { Attributes: describeColumns(table) } : {}),
    ...(/\bKeys\b/.test(expand) ? { Keys: describeKeys(table) } : {}),
  };
}

function describeColumns(table: TableStore): Json[] {
  return [...table.metadata.columns].map(([name, column]) => describeColumn(name, column));
}

function describeColumn(name: string, column: Column): Json {
  const type = column.type === "BigInt" ? "BigInt" : column.type;
  return {
    "@odata.type": `#Microsoft.Dynamics.CRM.${type}AttributeMetadata`,
    MetadataId: toMetadataId(name),
    LogicalName: name,
    SchemaName: column.schemaName ?? name,
    AttributeType: type,
    IsCustomAttribute: column.custom ?? false,
    IsValidForCreate: column.validForCreate ?? true,
    IsValidForUpdate: column.validForUpdate ?? true,
    RequiredLevel: { Value: column.required ?? "None" },
    ...(column.maxLength === undefined ? {} : { MaxLength: column.maxLength }),
    ...(column.precision === undefined ? {} : { Precision: column.precision }),
    ...(column.precisionSource === undefined
      ? {}
      : { PrecisionSource: { attribute: 0, pricing: 1, currency: 2 }[column.precisionSource] }),
    ...(column.min === undefined ? {} : { MinValue: column.min }),
    ...(column.max === undefined ? {} : { MaxValue: column.max }),
    ...(column.targets === undefined ? {} : { Targets: column.targets }),
  };
}

function describeKeys(table: TableStore): Json[] {
  return table.keys.map((key: AlternateKey) => ({
    MetadataId: key.id,
    LogicalName: key.logicalName,
    SchemaName: key.schemaName,
    EntityLogicalName: table.metadata.logicalName,
    KeyAttributes: key.columns,
    EntityKeyIndexStatus: key.status,
  }));
}

/** Metadata takes only simple filters: `LogicalName eq 'x'`, joined by or. */
function filterByName(rows: readonly Json[], query: URLSearchParams): readonly Json[] {
  const filter = query.get("$filter");
  if (filter === null) return rows;
  const tests = [...filter.matchAll(/(\w+) eq (?:'([^']*)'|(true|false))/g)];
  return rows.filter((row) =>
    tests.some(([, name, text, flag]) => String(row[name ?? ""]) === (text ?? flag)),
  );
}

function pick(rows: readonly Json[], query: URLSearchParams): readonly Json[] {
  const select = query.get("$select")?.split(",");
  if (select === undefined) return rows;
  const wanted = new Set([...select.map((name) => name.trim()), "MetadataId", "@odata.type"]);
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([name]) => wanted.has(name))),
  );
}

function readLogicalName(text: string): string {
  return (/^(?:LogicalName=)?'?([^']+)'?$/.exec(text)?.[1] ?? text).toLowerCase();
}

function readBody(request: DataverseRequest): MetadataBody {
  try {
    return JSON.parse(request.body) as MetadataBody;
  } catch {
    throw badPayload("EntityDefinitions", "The request body is not JSON.");
  }
}

/** Stable within a run, shaped like a GUID. */
function toMetadataId(name: string): string {
  const hex = Buffer.from(name.padEnd(16, "_").slice(0, 16), "latin1").toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
}
