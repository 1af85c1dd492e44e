import { randomBytes } from "node:crypto";
import type { LocalIdentities } from "../deploy/local-cloud.ts";
import { toDirectoryId } from "../identity/directory.ts";
import type { IdentityService } from "../identity/identity-app.ts";

export interface Principal {
  readonly principalId: string;
  readonly clientId: string;
}

export interface IdentityRegistry extends LocalIdentities {
  principalOf(resourceId: string): string | undefined;
  /** Throws for an identity that the program never made. */
  find(resourceId: string | undefined): Principal;
  /** The identity whose ARM id ends in this name's part, e.g. "functions". */
  findByName(part: string): Principal;
}

/** The managed identities that the Pulumi program makes. */
export function createIdentities(identity: IdentityService): IdentityRegistry {
  const made = new Map<string, Principal>();
  const find = (resourceId: string | undefined): Principal => {
    const principal = made.get(resourceId?.toLowerCase() ?? "");
    if (principal === undefined) throw new Error(`There is no identity ${resourceId ?? "(none)"}.`);
    return principal;
  };
  return {
    createManagedIdentity: (resourceId) => {
      const principal = {
        principalId: toDirectoryId("principal", resourceId),
        clientId: toDirectoryId("client", resourceId),
      };
      made.set(resourceId.toLowerCase(), principal);
      identity.registerManagedIdentity({ resourceId, ...principal });
      return principal;
    },
    principalOf: (resourceId) => made.get(resourceId.toLowerCase())?.principalId,
    find,
    findByName: (part) =>
      find([...made.keys()].find((id) => id.slice(id.lastIndexOf("/")).includes(part))),
  };
}

export interface Client extends Principal {
  readonly clientSecret: string;
}

/** An app registration with a secret made for this run. */
export function registerClient(identity: IdentityService, name: string): Client {
  const client = {
    clientId: toDirectoryId("client", name),
    principalId: toDirectoryId("principal", name),
    clientSecret: randomBytes(24).toString("base64url"),
  };
  identity.registerClient(client);
  return client;
}
