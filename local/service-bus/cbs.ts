import {
  toEntityPath,
  unauthorized,
  verifyEntraToken,
  verifySharedAccess,
  type AuthorizationOptions,
  type Grant,
} from "./authorization.ts";
import type { Right } from "./broker.ts";
import { BrokerError, toEntityNotFound } from "./broker-error.ts";

/** A put-token request as it comes over `$cbs`. */
export interface PutTokenRequest {
  readonly operation: unknown;
  readonly type: unknown;
  /** The address that the token is for: `sb://host[:port]/<entity>[/$management]`. */
  readonly name: unknown;
  readonly token: unknown;
}

export interface PutTokenAnswer {
  readonly statusCode: number;
  /** Never empty: the client does not take the answer for an AMQP error then. */
  readonly statusDescription: string;
}

/** The tokens that one connection has put, by the path that each was put for. */
export class ClaimsTable {
  readonly #options: AuthorizationOptions;
  readonly #grants = new Map<string, Grant>();

  constructor(options: AuthorizationOptions) {
    this.#options = options;
  }

  async putToken(request: PutTokenRequest): Promise<PutTokenAnswer> {
    try {
      await this.#put(request);
      return { statusCode: 202, statusDescription: "Accepted" };
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      return { statusCode: toStatusCode(error), statusDescription: error.message };
    }
  }

  /** Throws unless a token of this connection gives the right on the path. */
  require(right: Right, entityPath: string): void {
    const grant = this.#grants.get(entityPath.toLowerCase());
    if (grant?.isCurrent() === true && grant.allows(right, entityPath)) return;
    throw unauthorized(
      `Unauthorized access. '${right}' claim(s) are required to perform this operation. Resource: '${entityPath}'.`,
    );
  }

  async #put(request: PutTokenRequest): Promise<void> {
    const { name, token } = request;
    if (request.operation !== "put-token" || typeof name !== "string") {
      throw new BrokerError("com.microsoft:argument-error", "The request is not a put-token.");
    }
    if (typeof token !== "string") throw unauthorized("The request carries no token.");
    const entityPath = toEntityPath(name);
    const grant = await this.#verify(request.type, token, entityPath);
    if (this.#options.broker.findEntity(entityPath) === undefined) {
      throw toEntityNotFound(toHost(name), entityPath);
    }
    const isOfUse = grant.allows("Send", entityPath) || grant.allows("Listen", entityPath);
    if (!isOfUse) {
      throw unauthorized(
        `Unauthorized access. 'Send' or 'Listen' claim(s) are required. Resource: '${entityPath}'.`,
      );
    }
    this.#grants.set(entityPath.toLowerCase(), grant);
  }

  async #verify(type: unknown, token: string, entityPath: string): Promise<Grant> {
    switch (type) {
      case "servicebus.windows.net:sastoken":
        return verifySharedAccess(token, entityPath, this.#options);
      case "jwt":
        return verifyEntraToken(token, this.#options);
      default:
        throw unauthorized(`The token type ${String(type)} is unknown.`);
    }
  }
}

function toHost(address: string): string {
  return /^[a-z]+:\/\/([^/:]*)/i.exec(address)?.[1] ?? "localhost";
}

function toStatusCode(error: BrokerError): number {
  switch (error.condition) {
    case "amqp:unauthorized-access":
      return 401;
    case "amqp:not-found":
      return 404;
    default:
      return 400;
  }
}
