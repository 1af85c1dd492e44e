import { randomBytes, timingSafeEqual } from "node:crypto";
import { v5 as uuidV5 } from "uuid";

/** Who exists in the local tenant. Names map to the same ids on every start (UUIDv5). */

export interface ManagedIdentity {
  /** ARM id of the user-assigned identity, or of the resource whose system-assigned identity it is. */
  readonly resourceId: string;
  readonly principalId: string;
  readonly clientId: string;
}

export interface RegisteredClient {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly principalId: string;
}

/** App roles that a principal has in another application (Entra: app role assignment). */
export interface AppRoles {
  /** The application that defines them. */
  readonly audience: string;
  readonly principalId: string;
  readonly roles: readonly string[];
}

export interface HostOptions {
  /** ARM id of the function app, or of whatever runs code under managed identities. */
  readonly resourceId: string;
  /** ARM ids of its user-assigned identities. */
  readonly userAssigned: readonly string[];
}

/** How a request to the managed identity endpoint names the identity that it wants. */
export interface IdentitySelector {
  readonly clientId?: string | undefined;
  readonly objectId?: string | undefined;
  readonly resourceId?: string | undefined;
}

/** Our own namespace for names of the local tenant, so that they meet no other UUIDv5 of the same text. */
const namespace = "5d0f6a0e-6d3a-4c39-9c0b-2a5a3f0f6c11";

/** The same GUID for the same kind and name on every machine and start; ARM ids ignore case. */
export function toDirectoryId(kind: "principal" | "client" | "tenant", name: string): string {
  return uuidV5(`${kind}:${name.toLowerCase()}`, namespace);
}

export class Directory {
  readonly #identities = new Map<string, ManagedIdentity>();
  readonly #clients = new Map<string, RegisteredClient>();
  readonly #appRoles: AppRoles[] = [];
  readonly #hosts = new Map<string, HostOptions & { readonly header: string }>();

  registerManagedIdentity(identity: ManagedIdentity): void {
    this.#identities.set(identity.resourceId.toLowerCase(), identity);
  }

  registerClient(client: RegisteredClient): void {
    this.#clients.set(client.clientId.toLowerCase(), client);
  }

  assignAppRoles(assignment: AppRoles): void {
    this.#appRoles.push(assignment);
  }

  /** What Entra puts into `roles` of a token for that application. */
  appRolesOf(principalId: string, audience: string): readonly string[] {
    return this.#appRoles
      .filter((each) => each.principalId === principalId && each.audience === audience)
      .flatMap(({ roles }) => roles);
  }

  /** The secret for IDENTITY_HEADER: whoever sends it gets this host's identities and no others. */
  registerHost(options: HostOptions): { readonly identityHeader: string } {
    const header = randomBytes(24).toString("base64url");
    this.#hosts.set(options.resourceId.toLowerCase(), { ...options, header });
    return { identityHeader: header };
  }

  managedIdentity(resourceId: string): ManagedIdentity | undefined {
    return this.#identities.get(resourceId.toLowerCase());
  }

  client(clientId: string): RegisteredClient | undefined {
    return this.#clients.get(clientId.toLowerCase());
  }

  hostByHeader(header: string): HostOptions | undefined {
    return [...this.#hosts.values()].find((host) => isSameSecret(host.header, header));
  }

  /** Without a selector it is the host's own identity; an identity of another host is not found. */
  identityOfHost(host: HostOptions, selector: IdentitySelector): ManagedIdentity | undefined {
    const { clientId, objectId, resourceId } = selector;
    if (clientId === undefined && objectId === undefined && resourceId === undefined) {
      return this.managedIdentity(host.resourceId);
    }
    return host.userAssigned
      .map((id) => this.managedIdentity(id))
      .find(
        (identity) =>
          identity !== undefined &&
          (isSameId(identity.clientId, clientId) ||
            isSameId(identity.principalId, objectId) ||
            isSameId(identity.resourceId, resourceId)),
      );
  }
}

/** Takes the same time whatever differs. */
export function isSameSecret(expected: string, given: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(given)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function isSameId(own: string, asked: string | undefined): boolean {
  return asked !== undefined && own.toLowerCase() === asked.toLowerCase();
}
