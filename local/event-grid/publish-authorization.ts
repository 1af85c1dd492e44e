import { createHmac } from "node:crypto";
import type { LocalServices } from "../cloud.ts";
import { isSameSecret } from "../identity/directory.ts";
import { PublishError } from "./publish-error.ts";

export interface AuthorizedTopic {
  readonly id: string;
  readonly name: string;
  readonly disableLocalAuth: boolean;
  readonly keys: readonly [string, string];
}

const audience = "https://eventgrid.azure.net";
/** EventGrid Data Sender, EventGrid Data Contributor. */
const senderRoles = [
  "d5a91429-5739-47e2-a06b-3470a27159e7",
  "1d8c3fe3-8864-474b-8749-01e3783e8157",
];

/** Resolves when the request may publish to the topic: by key, by shared access signature or by Entra token. */
export async function authorizePublish(
  request: Request,
  topic: AuthorizedTopic,
  services: LocalServices,
): Promise<void> {
  const authorization = request.headers.get("authorization") ?? "";
  const [scheme, credentials = ""] = splitOnce(authorization, " ");
  if (scheme.toLowerCase() === "bearer") {
    await authorizeToken(credentials, topic, services);
    return;
  }
  const url = new URL(request.url);
  const key = request.headers.get("aeg-sas-key") ?? url.searchParams.get("aeg-sas-key");
  const signature =
    request.headers.get("aeg-sas-token") ??
    (scheme.toLowerCase() === "sharedaccesssignature" ? credentials : undefined);
  if (key === null && signature === undefined) {
    throw unauthorized(
      "Request must contain one of the following authorization signature: aeg-sas-token, aeg-sas-key.",
    );
  }
  if (topic.disableLocalAuth) throw refused(topic, "Local authentication is disabled.");
  if (key !== null) {
    if (!topic.keys.some((own) => isSameSecret(own, key))) {
      throw refused(topic, "Keys do not match.");
    }
    return;
  }
  checkSignature(signature ?? "", topic, services.clock.now());
}

async function authorizeToken(
  token: string,
  topic: AuthorizedTopic,
  { tokens, access }: LocalServices,
): Promise<void> {
  const claims = await tokens.verify(token, [audience]).catch((error: unknown) => {
    throw refused(topic, error instanceof Error ? error.message : String(error));
  });
  if (access.allows(claims.principalId, senderRoles, topic.id)) return;
  throw unauthorized(
    `The principal associated with access token presented with the incoming request does not have permission to send data to ${topic.id}.`,
  );
}

/** `r=<resource>&e=<expiry>&s=<signature>`; what is signed is the text before `&s=` as it was sent. */
function checkSignature(token: string, topic: AuthorizedTopic, nowMs: number): void {
  const [signed, given] = splitOnce(token, "&s=");
  const fields = new URLSearchParams(signed);
  const [resource, expiry] = [fields.get("r"), fields.get("e")];
  if (given === undefined || resource === null || expiry === null) {
    throw refused(topic, "The signature needs the fields r, e and s.");
  }
  const signature = decodeURIComponent(given);
  const isOwn = topic.keys.some((key) =>
    isSameSecret(
      createHmac("sha256", Buffer.from(key, "base64")).update(signed).digest("base64"),
      signature,
    ),
  );
  if (!isOwn) throw refused(topic, "The signature does not match.");
  const path = URL.canParse(resource) ? new URL(resource).pathname.toLowerCase() : "";
  if (!path.startsWith(`/${topic.name.toLowerCase()}/`)) {
    throw refused(topic, "The signature is for another resource.");
  }
  // .NET's en-US text has no zone; it is UTC. ISO texts say theirs.
  const expiresAt = Date.parse(/[zZ]|[+-]\d\d:\d\d$/.test(expiry) ? expiry : `${expiry} UTC`);
  if (Number.isNaN(expiresAt) || expiresAt <= nowMs) {
    throw refused(topic, "The signature has expired.");
  }
}

function refused(topic: AuthorizedTopic, reason: string): PublishError {
  return unauthorized(
    `The request authorization key is not authorized for ${topic.name.toUpperCase()}. This is due to the reason: ${reason}`,
  );
}

function unauthorized(message: string): PublishError {
  return new PublishError("Unauthorized", "Unauthorized", message);
}

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}
