import { ActionFailure } from "../action-call.ts";
import type { RunState } from "../run-state.ts";
import type { WorkflowHttpRequest } from "../run-ports.ts";
import { toText } from "../wdl/content.ts";
import { type WdlValue, isObject, memberOf } from "../wdl/values.ts";
import { readBody } from "./http-content.ts";

export interface Credentials {
  readonly authorization?: string;
  readonly authentication?: NonNullable<WorkflowHttpRequest["authentication"]>;
}

/** What an action's `authentication` adds to its requests. */
export async function readCredentials(
  run: RunState,
  authentication: WdlValue,
): Promise<Credentials> {
  if (!isObject(authentication)) return {};
  const field = (name: string): string => toText(memberOf(authentication, name));
  const type = field("type");
  switch (type.toLowerCase()) {
    case "none":
      return {};
    case "basic": {
      const pair = Buffer.from(`${field("username")}:${field("password")}`, "utf8").toString(
        "base64",
      );
      return { authorization: `Basic ${pair}` };
    }
    case "raw":
      return {
        authorization: [field("scheme"), field("value") || field("parameter")].join(" ").trim(),
      };
    case "managedserviceidentity":
      return managedIdentity(
        run,
        field("audience") || "https://management.azure.com/",
        field("identity"),
      );
    case "activedirectoryoauth":
      return { authorization: await oauthToken(run, field) };
    default:
      throw new ActionFailure(
        "AuthenticationNotSupported",
        `The authentication type '${type}' is not supported by this local runner.`,
      );
  }
}

async function managedIdentity(
  run: RunState,
  audience: string,
  identity: string,
): Promise<Credentials> {
  const { getToken } = run.ports;
  if (getToken === undefined) {
    const chosen = identity === "" ? {} : { identity };
    return { authentication: { type: "ManagedServiceIdentity", audience, ...chosen } };
  }
  try {
    return {
      authorization: `Bearer ${await getToken(identity === "" ? undefined : identity, audience)}`,
    };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new ActionFailure(
      "WorkflowManagedIdentityConfigurationInvalid",
      `The managed identity gave no token for '${audience}': ${problem}`,
      { cause: error },
    );
  }
}

const tokenTimeoutMs = 120_000;

async function oauthToken(run: RunState, field: (name: string) => string): Promise<string> {
  const { http } = run.ports;
  if (http === undefined)
    throw new ActionFailure("HttpNotAvailable", "The run was given no http port.");
  const authority = (field("authority") || "https://login.microsoftonline.com").replace(/\/+$/, "");
  const response = await http({
    method: "POST",
    uri: `${authority}/${field("tenant")}/oauth2/token`,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: field("clientId"),
      client_secret: field("secret"),
      resource: field("audience"),
    }).toString(),
    timeoutMs: tokenTimeoutMs,
    signal: run.stopSignal,
  });
  const token = memberOf(readBody(response.body, "application/json"), "access_token");
  if (response.statusCode === 200 && typeof token === "string") return `Bearer ${token}`;
  throw new ActionFailure(
    "AuthorizationFailed",
    `The authority '${authority}' gave no token: status ${response.statusCode}.`,
  );
}
