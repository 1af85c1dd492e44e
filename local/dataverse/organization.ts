import type { LocalClock } from "../clock.ts";
import type { RolePrivileges } from "./access-check.ts";
import type { Database } from "./database.ts";
import type { EntityDefinitions } from "./entity-definitions.ts";

/** What every request works on. */
export interface Organization {
  readonly id: string;
  readonly clock: LocalClock;
  readonly database: Database;
  readonly definitions: EntityDefinitions;
  readonly privileges: RolePrivileges;
  /** `https://org.crm.dynamics.com`, no trailing slash. */
  readonly baseUrl: () => string;
  /** Whether OData-EntityId of an upsert by key names the row by GUID or by the key as called (both were seen). */
  readonly entityIdStyle: "guid" | "key";
}

export interface DataverseRequest {
  readonly method: string;
  /** Behind `/api/data/v9.2/`, still encoded, with the query. */
  readonly path: string;
  readonly headers: { get(name: string): string | null };
  readonly body: string;
  /** systemuserid of the caller. */
  readonly user: string;
  /** Names of the caller's security roles; `all` for an administrator. */
  readonly roles: readonly string[] | "all";
}

export interface DataverseResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export const apiPath = "/api/data/v9.2/";

export function jsonResponse(
  status: number,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): DataverseResponse {
  return {
    status,
    headers: {
      "content-type": "application/json; odata.metadata=minimal",
      "odata-version": "4.0",
      ...headers,
    },
    body: JSON.stringify(value),
  };
}

export function noContent(headers: Readonly<Record<string, string>> = {}): DataverseResponse {
  return { status: 204, headers: { "odata-version": "4.0", ...headers }, body: undefined };
}
