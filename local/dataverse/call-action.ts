import { checkAccess, checkCustomizer } from "./access-check.ts";
import { badPayload, missingResource } from "./dataverse-error.ts";
import { apiPath, jsonResponse, noContent } from "./organization.ts";
import type { DataverseRequest, DataverseResponse, Organization } from "./organization.ts";
import type { Payload } from "./read-payload.ts";
import { createBindReader, parsePath, toRowAddress } from "./row-address.ts";
import type { ParsedAddress } from "./row-address.ts";
import type { TableStore } from "./table-store.ts";

const prefix = "Microsoft.Dynamics.CRM.";

/** Functions and actions, bound and unbound; undefined when the address names rows. */
export function callAction(
  organization: Organization,
  request: DataverseRequest,
  address: ParsedAddress,
): DataverseResponse | undefined {
  const unbound = callUnbound(organization, request, address);
  if (unbound !== undefined) return unbound;
  const [name] = address.rest;
  if (name === undefined) return undefined;
  const table = organization.database.tableOfSet(address.entitySet);
  if (name === "systemuserroles_association" || name.endsWith("_association")) {
    checkCustomizer(request);
    return request.method === "POST" ? noContent() : undefined;
  }
  if (!name.startsWith(prefix)) return undefined;
  const payload = readBody(request, address.entitySet);
  for (const right of ["Create", "Write"] as const) {
    checkAccess(organization, request, right, table.metadata);
  }
  switch (name.slice(prefix.length)) {
    case "CreateMultiple":
      return createMultiple(organization, table, payload, request.user);
    case "UpdateMultiple":
    case "UpsertMultiple":
      return writeMultiple(
        organization,
        table,
        payload,
        request.user,
        name.endsWith("UpdateMultiple"),
      );
    case "AddPrivilegesRole":
      return addPrivileges(organization, table, address.key ?? "", payload);
    default:
      throw missingResource(name);
  }
}

function callUnbound(
  organization: Organization,
  request: DataverseRequest,
  address: ParsedAddress,
): DataverseResponse | undefined {
  const context = `${organization.baseUrl()}${apiPath}$metadata#${prefix}`;
  switch (address.entitySet) {
    case "WhoAmI":
      return jsonResponse(200, {
        "@odata.context": `${context}WhoAmIResponse`,
        BusinessUnitId: organization.id,
        UserId: request.user,
        OrganizationId: organization.id,
      });
    case "RetrieveCurrentOrganization":
      return jsonResponse(200, {
        "@odata.context": `${context}RetrieveCurrentOrganizationResponse`,
        Detail: {
          OrganizationId: organization.id,
          FriendlyName: "Local organisation",
          OrganizationVersion: "9.2.0.0",
          UrlName: "local",
        },
      });
    case "PublishXml":
    case "PublishAllXml":
      organization.definitions.publish();
      return noContent();
    default:
      return undefined;
  }
}

function addPrivileges(
  organization: Organization,
  roles: TableStore,
  key: string,
  payload: Payload,
): DataverseResponse {
  const { database, privileges } = organization;
  const role = database.get(roles, toRowAddress(roles, key));
  const wanted = payload["Privileges"];
  if (!Array.isArray(wanted)) throw badPayload("roles", "Privileges is missing.");
  const table = database.table("privilege");
  const names = (wanted as readonly Payload[]).map((one) => {
    const row = database.get(table, { kind: "id", id: String(one["PrivilegeId"]) });
    return String(row["name"]);
  });
  privileges.grant(String(role["name"]), names);
  return noContent();
}

function createMultiple(
  organization: Organization,
  table: TableStore,
  payload: Payload,
  user: string,
): DataverseResponse {
  const bind = createBindReader(organization.database, new Map());
  const ids = targetsOf(table, payload).map((target) =>
    table.idOf(organization.database.create(table, target, user, bind)),
  );
  return jsonResponse(200, {
    "@odata.context": `${organization.baseUrl()}${apiPath}$metadata#${prefix}CreateMultipleResponse`,
    Ids: ids,
  });
}

/** All or nothing: the request is one transaction. */
function writeMultiple(
  organization: Organization,
  table: TableStore,
  payload: Payload,
  user: string,
  mustExist: boolean,
): DataverseResponse {
  const { primaryId, entitySet } = table.metadata;
  const bind = createBindReader(organization.database, new Map());
  for (const target of targetsOf(table, payload)) {
    const { [primaryId]: id, "@odata.id": odataId, ...values } = target;
    const key =
      typeof odataId === "string"
        ? parsePath(decodeURIComponent(odataId.replace(/^.*\/(?=\w+\()/, ""))).key
        : String(id);
    if (key === undefined) throw badPayload(entitySet, "A target has neither id nor @odata.id.");
    const when = mustExist ? { ifMatch: "*" } : {};
    organization.database.upsert(table, toRowAddress(table, key), values, when, user, bind);
  }
  return noContent();
}

function targetsOf(table: TableStore, payload: Payload): readonly Payload[] {
  const targets = payload["Targets"];
  if (!Array.isArray(targets)) throw badPayload(table.metadata.entitySet, "Targets is missing.");
  const expected = `${prefix}${table.metadata.logicalName}`;
  for (const target of targets as readonly Payload[]) {
    if (String(target["@odata.type"]).replace(/^#/, "") !== expected) {
      throw badPayload(table.metadata.entitySet, `A target is not of type ${expected}.`);
    }
  }
  return targets as readonly Payload[];
}

function readBody(request: DataverseRequest, entitySet: string): Payload {
  if (request.method !== "POST") throw missingResource(entitySet);
  try {
    return JSON.parse(request.body === "" ? "{}" : request.body) as Payload;
  } catch {
    throw badPayload(entitySet, "The request body is not JSON.");
  }
}
