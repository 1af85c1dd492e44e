import { createHmac, timingSafeEqual } from "node:crypto";

import type { LocalServices } from "../cloud.ts";
import type { Broker, Right } from "./broker.ts";
import { BrokerError } from "./broker-error.ts";

/** What a token put for an address allows. */
export interface Grant {
  isCurrent(): boolean;
  /** Whether the right holds on a path; asked anew at each link, so that a new role works at once. */
  allows(right: Right, entityPath: string): boolean;
}

export interface AuthorizationOptions {
  readonly broker: Broker;
  readonly services: LocalServices;
  /** ARM id of the namespace; without it a verified token may do everything. */
  readonly namespaceResourceId: string | undefined;
}

/** https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/integration */
const roles = {
  owner: "090c5cfd-751d-490a-894a-3ce6f1109419",
  sender: "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
  receiver: "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0",
} as const;

const rolesOfRight: Readonly<Record<Right, readonly string[]>> = {
  Send: [roles.owner, roles.sender],
  Listen: [roles.owner, roles.receiver],
  Manage: [roles.owner],
};

const audience = "https://servicebus.azure.net";

/** Checks a shared access signature for a path and answers what its rule allows. */
export function verifySharedAccess(
  token: string,
  entityPath: string,
  options: AuthorizationOptions,
): Grant {
  const { broker } = options;
  const fields = parseToken(token);
  const isCurrent = (): boolean => isBefore(fields.se);
  if (!isCurrent()) throw unauthorized("The token has expired.");
  if (!covers(fields.sr, entityPath)) {
    throw unauthorized("The token was signed for another resource.");
  }
  const rule = broker
    .authorizationRules(fields.skn, entityPath)
    .find((candidate) => isSignedBy(candidate.key, fields));
  if (rule === undefined) throw unauthorized("The token has an invalid signature.");
  return {
    isCurrent,
    allows: (right) => rule.rights.includes(right) || rule.rights.includes("Manage"),
  };
}

/** Checks an Entra token; what it allows follows from the principal's roles at the time of asking. */
export async function verifyEntraToken(
  token: string,
  options: AuthorizationOptions,
): Promise<Grant> {
  const { services, namespaceResourceId } = options;
  const { principalId } = await services.tokens
    .verify(token, [audience])
    .catch((cause: unknown) => {
      throw unauthorized(cause instanceof Error ? cause.message : "The token is invalid.", cause);
    });
  return {
    // The client puts a token for each link that it opens, and each is verified.
    isCurrent: () => true,
    allows: (right, entityPath) =>
      namespaceResourceId === undefined ||
      services.access.allows(
        principalId,
        rolesOfRight[right],
        `${namespaceResourceId}/${toResourcePath(entityPath, options.broker)}`,
      ),
  };
}

export function unauthorized(message: string, cause?: unknown): BrokerError {
  return new BrokerError("amqp:unauthorized-access", message, { cause });
}

interface SharedAccessFields {
  /** The resource as sent: still encoded, because that is what was signed. */
  readonly sr: string;
  readonly se: string;
  readonly skn: string;
  readonly sig: string;
}

function parseToken(token: string): SharedAccessFields {
  const fields = new Map<string, string>();
  for (const part of token.replace(/^SharedAccessSignature\s+/, "").split("&")) {
    const at = part.indexOf("=");
    fields.set(part.slice(0, at), part.slice(at + 1));
  }
  const sr = fields.get("sr");
  const se = fields.get("se");
  const skn = fields.get("skn");
  const sig = fields.get("sig");
  if (sr === undefined || se === undefined || skn === undefined || sig === undefined) {
    throw unauthorized("The token is not a shared access signature.");
  }
  return { sr, se, skn: decodeURIComponent(skn), sig: decodeURIComponent(sig) };
}

function isSignedBy(key: string, fields: SharedAccessFields): boolean {
  const expected = createHmac("sha256", key).update(`${fields.sr}\n${fields.se}`).digest();
  const given = Buffer.from(fields.sig, "base64");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** A signature for an entity or the namespace holds for everything below it. */
function covers(encodedResource: string, entityPath: string): boolean {
  const resource = toEntityPath(decodeURIComponent(encodedResource)).toLowerCase();
  const path = entityPath.toLowerCase();
  return resource === "" || path === resource || path.startsWith(`${resource}/`);
}

/** The path in `sb://host:port/path`, without slashes around it and without `/$management`. */
export function toEntityPath(address: string): string {
  const path = address.replace(/^[a-z]+:\/\/[^/]*/i, "");
  return path.replace(/^\/+|\/+$/g, "").replace(/\/\$management$/i, "");
}

/** By the machine's clock, not the local Azure's: clients sign with the time of their own process. */
function isBefore(expirySeconds: string): boolean {
  return Date.now() < Number(expirySeconds) * 1000;
}

/** `queues/q`, `topics/t` or `topics/t/subscriptions/s`; dead-letter queues belong to their owner. */
function toResourcePath(entityPath: string, broker: Broker): string {
  const path = entityPath.replace(/(?:\/\$Transfer)?\/\$DeadLetterQueue$/i, "");
  const match = /^(.+)\/subscriptions\/([^/]+)$/i.exec(path);
  if (match !== null) return `topics/${match[1] ?? ""}/subscriptions/${match[2] ?? ""}`;
  return broker.isTopic(path) ? `topics/${path}` : `queues/${path}`;
}
