import { Hono } from "hono";
import { randomUUID } from "node:crypto";
import type { LocalServices, TokenClaims } from "../cloud.ts";
import { toKeyVaultError } from "./key-vault-error.ts";

export interface SecretVersion {
  /** 32 hex digits. */
  readonly version: string;
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** Where a method takes `vault`, it is the vault's ARM id or its name. */
export interface KeyVaultService {
  readonly app: Hono;
  /** The vault's URI is the service's base address followed by `path`. */
  createVault(vault: { readonly id: string; readonly name: string }): { readonly path: string };
  /** ARM id of the vault with that name. */
  vaultId(name: string): string | undefined;
  /** Adds a version; the newest is what a request without one gets. */
  setSecret(vault: string, name: string, value: string): SecretVersion;
  /** The newest version, for who resolves references in app settings; undefined when there is none. */
  secret(vault: string, name: string): SecretVersion | undefined;
  /** Whether a principal may read that secret: a role at the vault or at the secret itself. */
  allows(principalId: string, vaultId: string, name: string): boolean;
}

interface Vault {
  readonly id: string;
  readonly name: string;
  readonly secrets: Map<string, SecretVersion[]>;
}

const audience = "https://vault.azure.net";
/** Key Vault Secrets User, Key Vault Secrets Officer. */
const readRoles = ["4633458b-17de-408a-b874-0445c86b69e6", "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"];

/** Reading secrets under Azure's permission model by roles: no token 401, no role 403, nothing there 404. */
export function createKeyVaultApp(services: LocalServices): KeyVaultService {
  const vaults = new Map<string, Vault>();
  const vaultById = (idOrName: string): Vault => {
    const vault =
      vaults.get(idOrName.toLowerCase()) ??
      [...vaults.values()].find(({ id }) => id.toLowerCase() === idOrName.toLowerCase());
    if (vault === undefined) throw new Error(`there is no vault ${idOrName}`);
    return vault;
  };
  const allows = (principalId: string, vaultId: string, name: string): boolean =>
    services.access.allows(principalId, readRoles, `${vaultId}/secrets/${name}`);
  const app = new Hono();
  app.get("/:vault/secrets/:name/:version?", async (context) => {
    const { vault: vaultName, name, version } = context.req.param();
    const vault = vaults.get(vaultName.toLowerCase());
    if (vault === undefined) return toKeyVaultError("VaultNotFound", vaultName);
    const claims = await authenticate(context.req.raw, services);
    if (claims instanceof Response) return claims;
    if (context.req.query("api-version") === undefined) return toKeyVaultError("BadParameter", "");
    if (!allows(claims.principalId, vault.id, name)) {
      const caller = `appid=${claims.clientId};oid=${claims.principalId};iss=${claims.issuer}`;
      return toKeyVaultError("Forbidden", `${caller}\r\nResource: '${vault.id}/secrets/${name}'`);
    }
    const found = findVersion(vault, name, version);
    if (found === undefined) return toKeyVaultError("SecretNotFound", name);
    const { origin } = new URL(context.req.url);
    return context.json(toSecretBundle(`${origin}/${vault.name}/secrets/${name}`, found));
  });
  return {
    app,
    createVault: ({ id, name }) => {
      const secrets = vaults.get(name.toLowerCase())?.secrets ?? new Map<string, SecretVersion[]>();
      vaults.set(name.toLowerCase(), { id, name, secrets });
      return { path: `/${name}/` };
    },
    vaultId: (name) => vaults.get(name.toLowerCase())?.id,
    setSecret: (vaultId, name, value) => {
      const { secrets } = vaultById(vaultId);
      const version = randomUUID().replaceAll("-", "");
      const added = { version, value, createdAt: services.clock.now() };
      const key = name.toLowerCase();
      secrets.set(key, [...(secrets.get(key) ?? []), added]);
      return added;
    },
    secret: (vaultId, name) => findVersion(vaultById(vaultId), name, undefined),
    allows,
  };
}

function findVersion(
  { secrets }: Vault,
  name: string,
  version: string | undefined,
): SecretVersion | undefined {
  const versions = secrets.get(name.toLowerCase()) ?? [];
  return version === undefined
    ? versions.at(-1)
    : versions.find((each) => each.version === version.toLowerCase());
}

async function authenticate(
  request: Request,
  { tokens }: LocalServices,
): Promise<TokenClaims | Response> {
  const [scheme, token] = (request.headers.get("authorization") ?? "").split(" ");
  if (scheme?.toLowerCase() !== "bearer" || token === undefined) {
    return toKeyVaultError("Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.");
  }
  try {
    return await tokens.verify(token, [audience]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return toKeyVaultError("Unauthorized", `AKV10022: Invalid token: ${reason}.`);
  }
}

function toSecretBundle(id: string, { version, value, createdAt }: SecretVersion): object {
  const createdSeconds = Math.floor(createdAt / 1000);
  return {
    value,
    id: `${id}/${version}`,
    attributes: {
      enabled: true,
      created: createdSeconds,
      updated: createdSeconds,
      recoveryLevel: "Recoverable",
      recoverableDays: 90,
    },
  };
}
