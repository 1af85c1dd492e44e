import type { RoleAdministration } from "../cloud.ts";
import type { Azurite, RoleService } from "./start-azurite.ts";

/** Storage Blob Data Owner and Contributor, Storage Table Data Contributor. */
const roles: Readonly<Record<RoleService, readonly string[]>> = {
  Blob: ["b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"],
  Table: ["0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"],
};

/** Lets into the account who holds a data role at it, from now on and as roles come and go. */
export function enforceStorageRoles(
  azurite: Azurite,
  access: RoleAdministration,
  accountId: string,
): void {
  const tell = (): void =>
    azurite.enforceRoles({
      Blob: access.holders(roles.Blob, accountId),
      Table: access.holders(roles.Table, accountId),
    });
  // Counts the assignment as used, or the refusal.
  azurite.onAsk((service, principalId) => access.allows(principalId, roles[service], accountId));
  access.watch(tell);
  tell();
}
