import { DataverseError, errorCodes } from "./dataverse-error.ts";
import type { DataverseRequest, Organization } from "./organization.ts";
import type { Payload } from "./read-payload.ts";
import type { TableMetadata } from "./table-metadata.ts";

export type AccessRight = "Create" | "Read" | "Write" | "Delete" | "Append" | "AppendTo" | "Assign";

/**
 * What a caller's security roles allow, at organisation depth only: business units are not modelled.
 * Roles get their privileges through AddPrivilegesRole; a caller without a list of roles may do anything,
 * as a system administrator may.
 */
export class RolePrivileges {
  readonly #byRole = new Map<string, Set<string>>();

  grant(roleName: string, privileges: readonly string[]): void {
    const known = this.#byRole.get(roleName) ?? new Set<string>();
    for (const privilege of privileges) known.add(privilege);
    this.#byRole.set(roleName, known);
  }

  has(roleNames: readonly string[], privilege: string): boolean {
    return roleNames.some((name) => this.#byRole.get(name)?.has(privilege) === true);
  }
}

/** Tables whose rights are those of another: lines are their invoice's, units the catalogue's (from memory). */
const privilegeNames: Readonly<Record<string, string>> = {
  invoicedetail: "Invoice",
  uom: "Product",
  systemuser: "User",
};

/** Throws 403 in Dataverse's words when the caller's roles lack the right. */
export function checkAccess(
  { privileges }: Organization,
  { roles, user }: DataverseRequest,
  right: AccessRight,
  table: TableMetadata,
): void {
  if (roles === "all") return;
  const name = privilegeOf(right, table);
  if (privileges.has(roles, name)) return;
  throw missing(name, table.logicalName, user, roles.length);
}

/** Metadata is for customizers. */
export function checkCustomizer({ roles, user }: DataverseRequest): void {
  if (roles !== "all") throw missing("prvCreateAttribute", "attribute", user, roles.length);
}

/** Pointing at a row takes Append here and AppendTo there; giving a row away takes Assign. */
export function checkBinds(
  organization: Organization,
  request: DataverseRequest,
  table: TableMetadata,
  payload: Payload,
): void {
  if (request.roles === "all") return;
  for (const property of Object.keys(payload)) {
    if (!property.endsWith("@odata.bind")) continue;
    const navigation = table.navigation.get(property.slice(0, -"@odata.bind".length));
    if (navigation === undefined) continue;
    if (navigation.column === "ownerid") {
      checkAccess(organization, request, "Assign", table);
      continue;
    }
    checkAccess(organization, request, "Append", table);
    for (const target of navigation.targets) {
      checkAccess(organization, request, "AppendTo", organization.database.table(target).metadata);
    }
  }
}

function privilegeOf(right: AccessRight, table: TableMetadata): string {
  return `prv${right}${privilegeNames[table.logicalName] ?? table.schemaName}`;
}

function missing(
  privilege: string,
  entity: string,
  user: string,
  roleCount: number,
): DataverseError {
  return new DataverseError(
    403,
    errorCodes.privilegeDenied,
    `Principal user (Id=${user}, type=8, roleCount=${roleCount}), is missing ${privilege} privilege for entity '${entity}'.`,
  );
}
