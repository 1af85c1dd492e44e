import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import type { JWTPayload, JWTVerifyGetKey } from "jose";
import type { Clock } from "../platform/clock.ts";
import type { OperatorSettings } from "../platform/config.ts";
import { OperatorError } from "./operator-error.ts";
import { toOperatorRoles } from "./operator-role.ts";
import type { Caller } from "./operator-role.ts";

/** The caller that an `Authorization` header stands for; throws NOT_SIGNED_IN for everything else. */
export type CheckToken = (authorization: string | null) => Promise<Caller>;

/** Clocks differ a little between Entra and us. */
const clockToleranceSeconds = 60;
const keyTimeoutMs = 10_000;

/**
 * Checks Entra access tokens: signature by the tenant's published keys, issuer (v1.0 and v2.0 tokens name
 * different ones), audience, expiry. https://learn.microsoft.com/entra/identity-platform/access-tokens
 */
export function createCheckToken(settings: OperatorSettings, clock: Clock): CheckToken {
  const { authority, tenantId, audiences } = settings;
  const keysUrl = new URL(`${authority}/${tenantId}/discovery/v2.0/keys`);
  const keys = createRemoteJWKSet(keysUrl, { timeoutDuration: keyTimeoutMs });
  const issuers = [
    `https://sts.windows.net/${tenantId}/`,
    `https://login.microsoftonline.com/${tenantId}/v2.0`,
  ];
  return async (authorization) => {
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization ?? "")?.[1];
    if (token === undefined) throw refuse("no bearer token came with the request");
    const payload = await verify(token, keys, {
      algorithms: ["RS256"],
      issuer: issuers,
      audience: [...audiences],
      currentDate: new Date(clock.now()),
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ["exp", "oid"],
    });
    return toCaller(payload);
  };
}

async function verify(
  token: string,
  keys: JWTVerifyGetKey,
  options: Parameters<typeof jwtVerify>[2],
): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, keys, options)).payload;
  } catch (error) {
    // What the keys could not be had for is nobody's wrong token.
    const isTheTokens = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout);
    if (!isTheTokens) {
      throw new OperatorError(
        "OPERATOR_FAILED",
        "The tenant's signing keys could not be read.",
        "Try again in a minute; check the setting operator.authority when it stays.",
        error,
      );
    }
    throw refuse(`the token was refused (${error.code})`, error);
  }
}

function toCaller(payload: JWTPayload): Caller {
  const text = (name: string): string | undefined => {
    const value = payload[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const id = text("oid");
  if (id === undefined) throw refuse("the token names nobody");
  const clientId = text("azp") ?? text("appid") ?? id;
  const name = text("preferred_username") ?? text("upn") ?? text("unique_name") ?? text("name");
  return { id, name: name ?? `app:${clientId}`, roles: toOperatorRoles(payload["roles"]) };
}

function refuse(what: string, cause?: unknown): OperatorError {
  return new OperatorError(
    "NOT_SIGNED_IN",
    `You are not signed in: ${what}.`,
    "Sign in (az login) and try again; the token must be for this stack's audience.",
    cause,
  );
}
