import type { TokenClaims, TokenVerifier } from "../../cloud.ts";

/** `accessControl` of a workflow as Pulumi and ARM write it. */
export interface WorkflowAccessControl {
  readonly triggers?: {
    readonly openAuthenticationPolicies?: {
      readonly policies?: Readonly<Record<string, AccessPolicy>>;
    };
  };
}

export interface AccessPolicy {
  readonly type?: string;
  readonly claims?: readonly { readonly name: string; readonly value: string }[];
}

/** Why a caller is refused, in the words of Azure's error body. */
export interface AccessRefusal {
  readonly code: "MissingAuthorization" | "InvalidAuthenticationToken" | "MisMatchingOAuthClaims";
  readonly message: string;
}

export function policiesOf(
  accessControl: WorkflowAccessControl | undefined,
): readonly AccessPolicy[] {
  return Object.values(accessControl?.triggers?.openAuthenticationPolicies?.policies ?? {});
}

/** Undefined when the token is good and every claim of at least one policy is in it. */
export async function checkPolicies(
  tokens: TokenVerifier,
  policies: readonly AccessPolicy[],
  authorization: string | undefined,
): Promise<AccessRefusal | undefined> {
  const token = /^Bearer\s+(\S+)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) {
    return {
      code: "MissingAuthorization",
      message: "The request has no bearer token in its authorization header.",
    };
  }
  const audiences = policies.flatMap((policy) =>
    (policy.claims ?? []).filter((claim) => claim.name === "aud").map((claim) => claim.value),
  );
  let claims: TokenClaims;
  try {
    claims = await tokens.verify(token, [...new Set(audiences)]);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return {
      code: "InvalidAuthenticationToken",
      message: `The access token is not accepted: ${problem}.`,
    };
  }
  if (policies.some((policy) => isMet(policy, claims))) return undefined;
  return {
    code: "MisMatchingOAuthClaims",
    message:
      "One or more claims either missing or does not match with the open authentication access control policy.",
  };
}

/** A policy without claims would let everybody in; Azure asks for at least the issuer. */
function isMet(policy: AccessPolicy, claims: TokenClaims): boolean {
  const wanted = policy.claims ?? [];
  return (
    wanted.some((claim) => claim.name === "iss") &&
    wanted.every(({ name, value }) => {
      const actual = claimValue(claims, name);
      return name === "aud" || name === "iss"
        ? withoutSlash(actual) === withoutSlash(value)
        : actual === value;
    })
  );
}

function claimValue(claims: TokenClaims, name: string): string | undefined {
  const values: Readonly<Record<string, string>> = {
    iss: claims.issuer,
    aud: claims.audience,
    oid: claims.principalId,
    sub: claims.principalId,
    appid: claims.clientId,
    azp: claims.clientId,
    tid: claims.tenantId,
  };
  return values[name];
}

function withoutSlash(text: string | undefined): string | undefined {
  return text?.replace(/\/+$/, "");
}
