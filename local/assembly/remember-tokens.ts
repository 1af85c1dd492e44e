import type { LocalClock } from "../clock.ts";
import type { IssuedToken } from "../identity/token-issuer.ts";

type IssueToken = (
  identityResourceId: string | undefined,
  audience: string,
) => Promise<IssuedToken>;

/** Renewed this long before it ends, as the platform's own cache does. */
const renewBeforeMs = 5 * 60_000;

/** A workflow's managed identity has one token per audience until it is about to end. */
export function rememberTokens(
  clock: LocalClock,
  issue: IssueToken,
): (identityResourceId: string | undefined, audience: string) => Promise<string> {
  const known = new Map<string, IssuedToken>();
  return async (identityResourceId, audience) => {
    const key = `${identityResourceId ?? ""} ${audience}`;
    const remembered = known.get(key);
    if (remembered !== undefined && clock.now() < remembered.expiresAt - renewBeforeMs) {
      return remembered.token;
    }
    const issued = await issue(identityResourceId, audience);
    known.set(key, issued);
    return issued.token;
  };
}
