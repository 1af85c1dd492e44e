import { ManagedIdentityCredential } from "@azure/identity";
import type { TokenCredential } from "@azure/identity";
import { CausewayError } from "./causeway-error.ts";
import type { Clock } from "./clock.ts";

/** A bearer token for an audience ("https://vault.azure.net"), from memory while it is fresh. */
export type GetToken = (audience: string) => Promise<string>;

type TokenErrorCode = "TOKEN_UNAVAILABLE";

/** Refreshed this long before it ends, so that a token never runs out inside a slow call. */
const refreshBeforeMs = 5 * 60_000;

/** The function app's own identity; locally the same protocol against the local identity endpoint. */
export function createCredential(clientId: string | undefined): TokenCredential {
  return clientId === undefined
    ? new ManagedIdentityCredential()
    : new ManagedIdentityCredential({ clientId });
}

/** Callers that ask at the same moment share one request. */
export function createGetToken(credential: TokenCredential, clock: Clock): GetToken {
  const known = new Map<string, { readonly token: string; readonly expiresAt: number }>();
  const asked = new Map<string, Promise<string>>();
  const ask = async (audience: string): Promise<string> => {
    try {
      const answer = await credential.getToken(`${audience}/.default`);
      if (answer === null) throw new Error("the credential gave no token");
      known.set(audience, { token: answer.token, expiresAt: answer.expiresOnTimestamp });
      return answer.token;
    } catch (cause) {
      throw new CausewayError<TokenErrorCode>(
        "TOKEN_UNAVAILABLE",
        `No token for ${audience}: is the identity assigned to the function app?`,
        { fate: "transient", ids: { audience }, cause },
      );
    } finally {
      asked.delete(audience);
    }
  };
  return (audience) => {
    const entry = known.get(audience);
    if (entry !== undefined && clock.now() < entry.expiresAt - refreshBeforeMs) {
      return Promise.resolve(entry.token);
    }
    const running = asked.get(audience) ?? ask(audience);
    asked.set(audience, running);
    return running;
  };
}
