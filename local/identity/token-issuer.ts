import { exportJWK, exportPKCS8, generateKeyPair, importPKCS8, jwtVerify, SignJWT } from "jose";
import type { CryptoKey, JWK, JWTPayload } from "jose";
import { createPublicKey, randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { LocalClock } from "../clock.ts";
import type { TokenClaims, TokenVerifier } from "../cloud.ts";
import { hasErrorCode } from "../error-code.ts";

export type TokenErrorCode =
  | "TOKEN_MALFORMED"
  | "TOKEN_SIGNATURE_INVALID"
  | "TOKEN_EXPIRED"
  | "TOKEN_ISSUER_INVALID"
  | "TOKEN_AUDIENCE_INVALID";

/** A token that was refused; the message says which check failed and never holds the token. */
export class TokenError extends Error {
  readonly code: TokenErrorCode;

  constructor(code: TokenErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "TokenError";
    this.code = code;
  }
}

export interface TokenRequest {
  readonly principalId: string;
  readonly clientId: string;
  readonly audience: string;
  /** ARM id of the managed identity, as Entra's `xms_mirid`. */
  readonly managedIdentityId?: string;
  readonly lifetimeMs?: number;
  readonly appRoles?: readonly string[];
  /** The signed-in person; left out for an application. */
  readonly personName?: string;
}

export interface IssuedToken {
  readonly token: string;
  /** Milliseconds since 1970, by the later of the two clocks. */
  readonly expiresAt: number;
}

export interface TokenIssuer extends TokenVerifier {
  readonly issuer: string;
  readonly tenantId: string;
  /** The public key as the JWKS document holds it. */
  readonly jwks: { readonly keys: readonly JWK[] };
  issueToken(request: TokenRequest): Promise<IssuedToken>;
}

export interface TokenIssuerOptions {
  readonly tenantId: string;
  /** Where the signing key stays between starts; without it every start has its own. */
  readonly issuerKeyFile?: string | undefined;
  /** Real time for those that do not follow the local clock (Azurite, the SDKs' token caches). */
  readonly wallClockMs?: (() => number) | undefined;
}

/** Entra's for a confidential client without a lifetime policy: 60 to 90 minutes. */
const defaultLifetimeMs = 60 * 60 * 1000;
const algorithm = "RS256";
const toleranceSeconds = 1;
/** Checking a signature costs more than most of the requests that it lets in; clients use few tokens. */
const maxTrusted = 200;

/** Signs and checks tokens of the one local tenant, in the shape of Entra's v1.0 access tokens. */
export async function createTokenIssuer(
  clock: LocalClock,
  options: TokenIssuerOptions,
): Promise<TokenIssuer> {
  const { tenantId } = options;
  const issuer = `https://sts.windows.net/${tenantId}/`;
  const privateKey = await loadSigningKey(options.issuerKeyFile);
  const publicKey = createPublicKey({ key: await exportPKCS8(privateKey), format: "pem" });
  const kid = tenantId.replaceAll("-", "");
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid, use: "sig", alg: algorithm };
  const wallClockMs = options.wallClockMs ?? Date.now;
  const trusted = new Map<string, JWTPayload>();
  return {
    issuer,
    tenantId,
    jwks: { keys: [jwk] },
    issueToken: async (request) => {
      const validity = toValidity(clock.now(), wallClockMs(), request.lifetimeMs);
      const token = await new SignJWT(toClaims(request, issuer, tenantId))
        .setProtectedHeader({ alg: algorithm, typ: "JWT", kid, x5t: kid })
        .setIssuedAt(validity.notBefore)
        .setNotBefore(validity.notBefore)
        .setExpirationTime(validity.expires)
        .sign(privateKey);
      return { token, expiresAt: validity.expires * 1000 };
    },
    verify: async (token, audiences) => {
      // Expired means by both clocks: an SDK keeps a token by the real one, while the local one may be
      // moved on by days within a second.
      const currentDate = new Date(Math.min(clock.now(), wallClockMs()));
      const known = trusted.get(token);
      if (known !== undefined && isValidAt(known, currentDate)) {
        return checkClaims(known, issuer, audiences);
      }
      const { payload } = await jwtVerify(token, publicKey, {
        algorithms: [algorithm],
        currentDate,
        clockTolerance: toleranceSeconds,
      }).catch((error: unknown) => {
        throw toTokenError(error);
      });
      if (trusted.size >= maxTrusted) trusted.clear();
      trusted.set(token, payload);
      return checkClaims(payload, issuer, audiences);
    },
  };
}

/** What the full check would say again of a token whose signature it has accepted. */
function isValidAt({ nbf = 0, exp = 0 }: JWTPayload, date: Date): boolean {
  const now = Math.floor(date.getTime() / 1000);
  return nbf <= now + toleranceSeconds && exp > now - toleranceSeconds;
}

/** Seconds. A token holds by both clocks: a simulated one may stand in another year than the real one. */
function toValidity(
  localMs: number,
  wallMs: number,
  lifetimeMs = defaultLifetimeMs,
): { readonly notBefore: number; readonly expires: number } {
  return {
    notBefore: Math.floor(Math.min(localMs, wallMs) / 1000),
    expires: Math.floor((Math.max(localMs, wallMs) + lifetimeMs) / 1000),
  };
}

function toClaims(
  request: TokenRequest,
  issuer: string,
  tenantId: string,
): Record<string, string | readonly string[]> {
  const { appRoles = [], personName } = request;
  return {
    aud: request.audience,
    iss: issuer,
    idp: issuer,
    ...(personName === undefined
      ? { idtyp: "app" }
      : { upn: personName, scp: "user_impersonation" }),
    appid: request.clientId,
    // 0: a public client; 1: client secret; 2: certificate, which is what managed identities have.
    appidacr: personName !== undefined ? "0" : request.managedIdentityId === undefined ? "1" : "2",
    oid: request.principalId,
    sub: request.principalId,
    tid: tenantId,
    uti: randomUUID(),
    ver: "1.0",
    ...(appRoles.length > 0 && { roles: appRoles }),
    ...(request.managedIdentityId !== undefined && { xms_mirid: request.managedIdentityId }),
  };
}

function checkClaims(
  payload: Readonly<Record<string, unknown>>,
  issuer: string,
  audiences: readonly string[],
): TokenClaims {
  const claim = (name: string): string => {
    const value = payload[name];
    return typeof value === "string" ? value : "";
  };
  if (withoutSlash(claim("iss")) !== withoutSlash(issuer)) {
    throw new TokenError("TOKEN_ISSUER_INVALID", `issuer is ${claim("iss")}, expected ${issuer}`);
  }
  const audience = claim("aud");
  if (!audiences.some((accepted) => withoutSlash(accepted) === withoutSlash(audience))) {
    const expected = audiences.join(" or ");
    throw new TokenError("TOKEN_AUDIENCE_INVALID", `audience is ${audience}, expected ${expected}`);
  }
  return {
    issuer: claim("iss"),
    audience,
    principalId: claim("oid"),
    clientId: claim("appid"),
    tenantId: claim("tid"),
  };
}

function withoutSlash(uri: string): string {
  return uri.replace(/\/$/, "").toLowerCase();
}

function toTokenError(error: unknown): TokenError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ERR_JWT_EXPIRED":
      return new TokenError("TOKEN_EXPIRED", "token is expired", error);
    case "ERR_JWT_CLAIM_VALIDATION_FAILED":
      return new TokenError("TOKEN_EXPIRED", "token is not valid yet", error);
    case "ERR_JWS_SIGNATURE_VERIFICATION_FAILED":
    case "ERR_JOSE_ALG_NOT_ALLOWED":
      return new TokenError(
        "TOKEN_SIGNATURE_INVALID",
        "signature is not the local issuer's",
        error,
      );
    default:
      return new TokenError("TOKEN_MALFORMED", "not a signed JSON web token", error);
  }
}

async function loadSigningKey(file: string | undefined): Promise<CryptoKey> {
  if (file !== undefined) {
    const stored = await readFile(file, "utf8").catch((error: unknown) => {
      if (hasErrorCode(error, "ENOENT")) return undefined;
      throw error;
    });
    if (stored !== undefined) return importPKCS8(stored, algorithm, { extractable: true });
  }
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  if (file !== undefined) {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, await exportPKCS8(privateKey), { mode: 0o600 });
  }
  return privateKey;
}
