import { checkAccess, checkBinds, checkCustomizer } from "./access-check.ts";
import { callAction } from "./call-action.ts";
import { badPayload, DataverseError, missingResource } from "./dataverse-error.ts";
import { etagOf } from "./database.ts";
import { handleDefinitions } from "./handle-definitions.ts";
import { apiPath, jsonResponse, noContent } from "./organization.ts";
import type { DataverseRequest, DataverseResponse, Organization } from "./organization.ts";
import { queryRows, readOneRow } from "./query-rows.ts";
import type { Payload } from "./read-payload.ts";
import { createBindReader, parsePath, toRowAddress } from "./row-address.ts";
import type { ParsedAddress } from "./row-address.ts";
import type { Row, TableStore } from "./table-store.ts";
import { toJsonRow } from "./write-row.ts";

/** Content-ID references of the changeset that the request is part of: `$1` → address. */
export type ContentIds = ReadonlyMap<string, string>;

const noContentIds: ContentIds = new Map();

/** One operation, alone or out of a batch. A refusal is an answer, never a throw. */
export function handleRequest(
  organization: Organization,
  request: DataverseRequest,
  contentIds: ContentIds = noContentIds,
): DataverseResponse {
  try {
    return organization.database.transaction(() => dispatch(organization, request, contentIds));
  } catch (error) {
    return toErrorResponse(error);
  }
}

export function toErrorResponse(error: unknown): DataverseResponse {
  const refusal =
    error instanceof DataverseError
      ? error
      : new DataverseError(500, "0x80040216", `An unexpected error occurred. ${String(error)}`);
  return jsonResponse(
    refusal.status,
    { error: { code: refusal.code, message: refusal.message } },
    refusal.headers,
  );
}

/** For changesets: throws so that the whole set rolls back. */
export function dispatch(
  organization: Organization,
  request: DataverseRequest,
  contentIds: ContentIds,
): DataverseResponse {
  const [rawPath = "", rawQuery = ""] = splitOnce(resolvePath(request.path, contentIds), "?");
  const path = decodeURIComponent(rawPath);
  if (path.startsWith("EntityDefinitions")) {
    if (request.method !== "GET") checkCustomizer(request);
    return handleDefinitions(organization, request, path, rawQuery);
  }
  const address = parsePath(path);
  const action = callAction(organization, request, address);
  if (action !== undefined) return action;
  if (address.rest.length > 0) throw missingResource(address.rest.join("/"));
  const table = organization.database.tableOfSet(address.entitySet);
  const query = new URLSearchParams(rawQuery);
  switch (request.method) {
    case "GET":
      checkAccess(organization, request, "Read", table.metadata);
      return address.key === undefined
        ? queryRows(organization, table, query, request)
        : readOneRow(
            organization,
            table,
            organization.database.get(table, toRowAddress(table, address.key)),
            query,
            request,
          );
    case "POST":
      if (address.key !== undefined) throw methodNotAllowed(request.method);
      return createRow(organization, table, request, contentIds);
    case "PATCH":
      return upsertRow(organization, table, address, request, contentIds);
    case "DELETE":
      if (address.key === undefined) throw methodNotAllowed(request.method);
      checkAccess(organization, request, "Delete", table.metadata);
      organization.database.remove(table, toRowAddress(table, address.key));
      return noContent();
    default:
      throw methodNotAllowed(request.method);
  }
}

function parseBody(request: DataverseRequest, entitySet: string): Payload {
  try {
    const value: unknown = JSON.parse(request.body);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Payload;
    }
  } catch {
    // Falls through to the refusal.
  }
  throw badPayload(entitySet, "The request body is not a JSON object.");
}

function createRow(
  organization: Organization,
  table: TableStore,
  request: DataverseRequest,
  contentIds: ContentIds,
): DataverseResponse {
  const payload = parseBody(request, table.metadata.entitySet);
  checkAccess(organization, request, "Create", table.metadata);
  checkBinds(organization, request, table.metadata, payload);
  const row = organization.database.create(
    table,
    payload,
    request.user,
    createBindReader(organization.database, contentIds),
  );
  return writtenResponse(organization, table, row, request, true, undefined);
}

function upsertRow(
  organization: Organization,
  table: TableStore,
  address: ParsedAddress,
  request: DataverseRequest,
  contentIds: ContentIds,
): DataverseResponse {
  if (address.key === undefined) throw methodNotAllowed("PATCH");
  const payload = parseBody(request, table.metadata.entitySet);
  const rowAddress = toRowAddress(table, address.key);
  const isNew = organization.database.find(table, rowAddress) === undefined;
  checkAccess(organization, request, isNew ? "Create" : "Write", table.metadata);
  checkBinds(organization, request, table.metadata, payload);
  const written = organization.database.upsert(
    table,
    rowAddress,
    payload,
    {
      ifMatch: request.headers.get("if-match") ?? undefined,
      ifNoneMatch: request.headers.get("if-none-match") ?? undefined,
    },
    request.user,
    createBindReader(organization.database, contentIds),
  );
  return writtenResponse(organization, table, written.row, request, written.created, address.key);
}

function writtenResponse(
  organization: Organization,
  table: TableStore,
  row: Row,
  request: DataverseRequest,
  created: boolean,
  calledKey: string | undefined,
): DataverseResponse {
  const { entitySet } = table.metadata;
  const key =
    organization.entityIdStyle === "key" && calledKey !== undefined ? calledKey : table.idOf(row);
  const entityId = `${organization.baseUrl()}${apiPath}${entitySet}(${key})`;
  if (/\breturn=representation\b/.test(request.headers.get("prefer") ?? "")) {
    const select = new URLSearchParams(splitOnce(request.path, "?")[1] ?? "").get("$select");
    const json = {
      "@odata.context": `${organization.baseUrl()}${apiPath}$metadata#${entitySet}/$entity`,
      ...toJsonRow(table.metadata, row, {
        select: select?.split(",").map((name) => name.trim()),
        annotations: false,
      }),
    };
    return jsonResponse(created ? 201 : 200, json, {
      etag: etagOf(row),
      "preference-applied": "return=representation",
      ...(created ? { location: entityId } : {}),
      "odata-entityid": entityId,
    });
  }
  return noContent({ "odata-entityid": entityId, ...(created ? { location: entityId } : {}) });
}

/** A path may be absolute, and may start with a reference to an earlier operation (`$1`). */
function resolvePath(path: string, contentIds: ContentIds): string {
  const reference = /^\$[^/?]+/.exec(path)?.[0];
  const known = reference === undefined ? undefined : contentIds.get(reference);
  const whole = known === undefined ? path : known + path.slice(reference?.length ?? 0);
  return whole.replace(/^https?:\/\/[^/]+/, "").replace(/^\/?(api\/data\/v[\d.]+\/)?/, "");
}

function methodNotAllowed(method: string): DataverseError {
  return new DataverseError(
    405,
    "0x80060888",
    `The requested resource does not support http method '${method}'.`,
  );
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
