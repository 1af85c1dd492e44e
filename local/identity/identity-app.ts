import { Hono } from "hono";
import { randomUUID } from "node:crypto";
import type { LocalServices } from "../cloud.ts";
import { Directory, isSameSecret } from "./directory.ts";
import type { AppRoles, HostOptions, ManagedIdentity, RegisteredClient } from "./directory.ts";
import { isLoopbackOrigin } from "../loopback-origin.ts";
import { createSignIn } from "./authorize.ts";
import { toOAuthError } from "./oauth-error.ts";
import { createTokenIssuer } from "./token-issuer.ts";
import type { IssuedToken, TokenIssuer } from "./token-issuer.ts";

export interface IdentityService {
  readonly app: Hono;
  /** Checks tokens for every local service. */
  readonly tokens: TokenIssuer;
  registerManagedIdentity(identity: ManagedIdentity): void;
  registerClient(client: RegisteredClient): void;
  assignAppRoles(assignment: AppRoles): void;
  /** Lets one host (a function app) ask for its identities; its IDENTITY_HEADER is the answer. */
  registerHost(options: HostOptions): { readonly identityHeader: string };
  /** A token without a request, for what runs inside the local Azure (workflows, Event Grid). */
  issueToken(request: {
    readonly principalId: string;
    readonly clientId: string;
    readonly audience: string;
  }): Promise<IssuedToken>;
}

export interface IdentityOptions {
  readonly tenantId: string;
  readonly issuerKeyFile?: string;
  readonly wallClockMs?: () => number;
}

/** Managed identity tokens live a day in App Service; SDKs renew at half of it. */
const managedIdentityLifetimeMs = 24 * 60 * 60 * 1000;

/** The tenant of the local Azure: managed identity endpoint, OAuth token endpoint, key discovery. */
export async function createIdentityApp(
  services: Omit<LocalServices, "tokens" | "access">,
  options: IdentityOptions,
): Promise<IdentityService> {
  const tokens = await createTokenIssuer(services.clock, options);
  const directory = new Directory();
  const signIn = createSignIn(tokens, () => services.clock.now());
  const app = new Hono();
  app.get("/msi/token", (context) => answerManagedIdentity(context.req.raw, directory, tokens));
  for (const version of ["/v2.0", ""] as const) {
    app.post(`/:tenant/oauth2${version}/token`, async (context) => {
      const form = new URLSearchParams(await context.req.text());
      const nowMs = services.clock.now();
      const tenant = context.req.param("tenant");
      if (!isTenant(tenant, tokens)) {
        return toOAuthError(90002, `Tenant '${tenant}' not found.`, nowMs);
      }
      return personGrants.includes(form.get("grant_type") ?? "")
        ? withCors(await signIn.exchange(form), context.req.header("origin"))
        : answerClientCredentials(form, { directory, tokens, tenant, nowMs });
    });
    app.on(["GET", "POST"], `/:tenant/oauth2${version}/authorize`, (context) =>
      isTenant(context.req.param("tenant"), tokens)
        ? signIn.authorize(context.req.raw)
        : context.notFound(),
    );
  }
  for (const version of ["/v2.0", ""] as const) {
    app.get(`/:tenant${version}/.well-known/openid-configuration`, (context) =>
      context.json(toDiscovery(new URL(context.req.url).origin, tokens)),
    );
    app.get(`/:tenant/discovery${version}/keys`, (context) => context.json(tokens.jwks));
  }
  return {
    app,
    tokens,
    registerManagedIdentity: (identity) => directory.registerManagedIdentity(identity),
    registerClient: (client) => directory.registerClient(client),
    assignAppRoles: (assignment) => directory.assignAppRoles(assignment),
    registerHost: (host) => directory.registerHost(host),
    issueToken: (request) => tokens.issueToken(request),
  };
}

/** App Service protocol 2019-08-01: https://learn.microsoft.com/azure/app-service/overview-managed-identity */
async function answerManagedIdentity(
  request: Request,
  directory: Directory,
  tokens: TokenIssuer,
): Promise<Response> {
  const query = new URL(request.url).searchParams;
  const host = directory.hostByHeader(request.headers.get("x-identity-header") ?? "");
  if (host === undefined) return toManagedIdentityError(401, "X-IDENTITY-HEADER is not a host's.");
  if (query.get("api-version") !== "2019-08-01") {
    return toManagedIdentityError(400, "api-version must be 2019-08-01.");
  }
  const resource = query.get("resource");
  if (resource === null || resource === "") {
    return toManagedIdentityError(400, "The parameter resource is missing.");
  }
  const identity = directory.identityOfHost(host, {
    clientId: query.get("client_id") ?? undefined,
    objectId: query.get("principal_id") ?? query.get("object_id") ?? undefined,
    resourceId: query.get("mi_res_id") ?? query.get("msi_res_id") ?? undefined,
  });
  if (identity === undefined) {
    return toManagedIdentityError(
      400,
      "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
    );
  }
  const issued = await tokens.issueToken({
    principalId: identity.principalId,
    clientId: identity.clientId,
    audience: resource,
    managedIdentityId: identity.resourceId,
    lifetimeMs: managedIdentityLifetimeMs,
  });
  return Response.json({
    access_token: issued.token,
    expires_on: String(Math.floor(issued.expiresAt / 1000)),
    resource,
    token_type: "Bearer",
    client_id: identity.clientId,
  });
}

function toManagedIdentityError(statusCode: 400 | 401, message: string): Response {
  return Response.json(
    { statusCode, message, correlationId: randomUUID() },
    { status: statusCode },
  );
}

interface TokenEndpoint {
  readonly directory: Directory;
  readonly tokens: TokenIssuer;
  readonly tenant: string;
  readonly nowMs: number;
}

/** Grants of people who signed in at the authorize page. */
const personGrants = ["authorization_code", "refresh_token"];

function isTenant(tenant: string, tokens: TokenIssuer): boolean {
  return tenant.toLowerCase() === tokens.tenantId.toLowerCase();
}

/** Entra answers a single-page application's own origin so; here only pages of this machine. */
function withCors(response: Response, origin: string | undefined): Response {
  if (origin === undefined || !isLoopbackOrigin(origin)) return response;
  response.headers.set("access-control-allow-origin", origin);
  response.headers.set("vary", "origin");
  return response;
}

async function answerClientCredentials(
  form: URLSearchParams,
  { directory, tokens, tenant, nowMs }: TokenEndpoint,
): Promise<Response> {
  const grant = readGrant(form, nowMs);
  if (grant instanceof Response) return grant;
  const client = directory.client(grant.clientId);
  if (client === undefined) {
    const text = `Application with identifier '${grant.clientId}' was not found in the directory '${tenant}'.`;
    return toOAuthError(700016, text, nowMs);
  }
  if (!isSameSecret(client.clientSecret, grant.clientSecret)) {
    const text = `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${grant.clientId}'.`;
    return toOAuthError(7000215, text, nowMs);
  }
  const { audience } = grant;
  const appRoles = directory.appRolesOf(client.principalId, audience);
  const { token, expiresAt } = await tokens.issueToken({ ...client, audience, appRoles });
  // Counted in the real time that the caller lives in, which is what the issuer's later clock gives.
  const expiresIn = Math.max(0, Math.floor((expiresAt - nowMs) / 1000));
  return Response.json({
    token_type: "Bearer",
    expires_in: expiresIn,
    ext_expires_in: expiresIn,
    access_token: token,
  });
}

interface Grant {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly audience: string;
}

/** v2.0 names the audience by `scope`, v1 by `resource`; either is taken at both endpoints. */
function readGrant(form: URLSearchParams, nowMs: number): Grant | Response {
  const missing = (name: string): Response =>
    toOAuthError(
      900144,
      `The request body must contain the following parameter: '${name}'.`,
      nowMs,
    );
  const grantType = form.get("grant_type");
  if (grantType === null) return missing("grant_type");
  if (grantType !== "client_credentials") {
    const text = `The app requested an unsupported grant type '${grantType}'.`;
    return toOAuthError(70003, text, nowMs);
  }
  const clientId = form.get("client_id");
  if (clientId === null) return missing("client_id");
  const clientSecret = form.get("client_secret");
  if (clientSecret === null) {
    const text =
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
    return toOAuthError(7000218, text, nowMs);
  }
  const resource = form.get("resource");
  if (resource !== null) return { clientId, clientSecret, audience: resource };
  return readScope(form, { clientId, clientSecret }, nowMs) ?? missing("scope");
}

function readScope(
  form: URLSearchParams,
  client: Omit<Grant, "audience">,
  nowMs: number,
): Grant | Response | undefined {
  // MSAL adds the OpenID scopes to what the caller asked for.
  const openIdScopes = ["openid", "profile", "offline_access"];
  const scope = form
    .get("scope")
    ?.split(" ")
    .find((part) => part !== "" && !openIdScopes.includes(part));
  if (scope === undefined) return undefined;
  if (!scope.endsWith("/.default")) {
    const text = `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`;
    return toOAuthError(1002012, text, nowMs);
  }
  return { ...client, audience: scope.slice(0, -"/.default".length) };
}

function toDiscovery(origin: string, { tenantId, issuer }: TokenIssuer): Record<string, unknown> {
  const base = `${origin}/${tenantId}`;
  return {
    issuer,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_types_supported: ["code", "id_token", "token"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    token_endpoint_auth_methods_supported: ["client_secret_post"],
  };
}
