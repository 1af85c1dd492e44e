import type { Environment } from "../local/environment.ts";
import { callJson } from "./call-json.ts";

/** A token for the operator API, of the outside client that may do everything. */
export async function signIn({ identity, operator }: Environment): Promise<string> {
  const answer = (await callJson(`${identity.baseUrl}/${identity.tenantId}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: identity.clientId,
      client_secret: identity.clientSecret,
      scope: `${operator.audience}/.default`,
    }),
  })) as { readonly access_token: string };
  return answer.access_token;
}
