import type { RoleAdministration } from "../cloud.ts";
import type { Azurite, RoleHolders, RoleService } from "./start-azurite.ts";

/** Storage Blob Data Owner and Contributor, Storage Table Data Contributor. */
const roles: Readonly<Record<RoleService, readonly string[]>> = {
  Blob: ["b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"],
  Table: ["0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"],
};

/** Below the account's id; the container's or table's name follows. */
const places: Readonly<Record<RoleService, string>> = {
  Blob: "/blobServices/default/containers/",
  Table: "/tableServices/default/tables/",
};

/** Lets in who holds a data role at the account, or at the container or table, from now on and as roles come and go. */
export function enforceStorageRoles(
  azurite: Azurite,
  access: RoleAdministration,
  accountId: string,
): void {
  const tell = (): void =>
    azurite.enforceRoles({
      Blob: toHolders(access, "Blob", accountId),
      Table: toHolders(access, "Table", accountId),
    });
  // Counts the assignment as used, or the refusal.
  azurite.onAsk((service, principalId, name) => {
    const below = name === "" ? "" : `${places[service]}${name}`;
    access.allows(principalId, roles[service], `${accountId}${below}`);
  });
  access.watch(tell);
  tell();
}

function toHolders(
  access: RoleAdministration,
  service: RoleService,
  accountId: string,
): RoleHolders {
  const place = `${accountId}${places[service]}`;
  const names = access
    .assignments()
    .filter(({ scope }) => scope.toLowerCase().startsWith(place.toLowerCase()))
    .map(({ scope }) => scope.slice(place.length).replace(/\/+$/, "").toLowerCase());
  return {
    account: access.holders(roles[service], accountId),
    within: Object.fromEntries(
      names.map((name) => [name, access.holders(roles[service], `${place}${name}`)]),
    ),
  };
}
