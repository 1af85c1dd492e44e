import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DefaultAzureCredential } from "@azure/identity";
import { CausewayError } from "../functions/src/platform/causeway-error.ts";
import { systemClock } from "../functions/src/platform/clock.ts";
import type { Http } from "../functions/src/platform/http.ts";
import { createGetToken, type GetToken } from "../functions/src/platform/token.ts";

export type ConnectErrorCode = "LOCAL_NOT_RUNNING" | "LOCAL_SIGN_IN_FAILED";

export interface Connection {
  readonly dataverseUrl: string;
  readonly getToken: GetToken;
}

interface LocalEnvironment {
  readonly dataverse: { readonly baseUrl: string };
  readonly operator: { readonly baseUrl: string; readonly audience: string };
  readonly identity: {
    readonly baseUrl: string;
    readonly tenantId: string;
    readonly clientId: string;
    readonly clientSecret: string;
  };
}

/** With an address: that environment, as the signed-in person. Without: the local Azure that is running. */
export async function connect(url: string | undefined, http: Http): Promise<Connection> {
  if (url !== undefined) {
    return {
      dataverseUrl: url.replace(/\/+$/, ""),
      getToken: createGetToken(new DefaultAzureCredential(), systemClock),
    };
  }
  const local = await readLocalEnvironment();
  return {
    dataverseUrl: local.dataverse.baseUrl,
    getToken: (audience) => signInLocally(local.identity, audience, http),
  };
}

/** `folder`: where `npm start` keeps what belongs to it, when it is not `.local`. */
export async function readLocalEnvironment(folder?: string): Promise<LocalEnvironment> {
  const file =
    folder === undefined
      ? new URL("../.local/environment.json", import.meta.url)
      : join(folder, "environment.json");
  try {
    return JSON.parse(await readFile(file, "utf8")) as LocalEnvironment;
  } catch (cause) {
    throw new CausewayError<ConnectErrorCode>(
      "LOCAL_NOT_RUNNING",
      "The local Azure is not running here (no .local/environment.json). Start it with `npm start`, or name another one (--stack, --url).",
      { fate: "permanent", cause },
    );
  }
}

export async function signInLocally(
  identity: LocalEnvironment["identity"],
  audience: string,
  http: Http,
): Promise<string> {
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: identity.clientId,
    client_secret: identity.clientSecret,
    scope: `${audience}/.default`,
  });
  const response = await http({
    method: "POST",
    url: `${identity.baseUrl}/${identity.tenantId}/oauth2/v2.0/token`,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: form.toString(),
  });
  const answer = JSON.parse(response.body) as { access_token?: string; error_description?: string };
  if (answer.access_token === undefined) {
    throw new CausewayError<ConnectErrorCode>(
      "LOCAL_SIGN_IN_FAILED",
      `The local identity gave no token for ${audience}: ${answer.error_description ?? "no reason given"}`,
      { fate: "permanent", ids: { status: response.status } },
    );
  }
  return answer.access_token;
}
