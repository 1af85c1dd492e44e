import type { LocalClock } from "./clock.ts";

/**
 * What the local Azure knows about identities and roles: filled by the Pulumi program's own resources,
 * read by every local service that checks a token.
 */
export interface RoleAssignment {
  readonly principalId: string;
  /** Last segment of roleDefinitionId: the role's GUID. */
  readonly roleId: string;
  /** ARM id; an assignment holds for the scope and everything below it. */
  readonly scope: string;
}

export interface AccessControl {
  assign(assignment: RoleAssignment): void;
  /** True when the principal holds one of the roles at the resource or above it (ARM ids, ignoring case). */
  allows(principalId: string, roleIds: readonly string[], resourceId: string): boolean;
  assignments(): readonly RoleAssignment[];
  /** Called after every change; of what stays open, somebody may no longer be allowed to have it. */
  watch?(listener: () => void): void;
}

/** The whole of it, for whoever administers roles and not for services. */
export interface RoleAdministration extends AccessControl {
  /** Takes an assignment away again; what it allowed is refused from the next check on. */
  revoke(assignment: RoleAssignment): void;
  /** Principals that hold one of the roles at the resource or above it. */
  holders(roleIds: readonly string[], resourceId: string): readonly string[];
  watch(listener: () => void): void;
  /** Times that each assignment has let a call through, in the order of `assignments`. */
  uses(): readonly (RoleAssignment & { readonly count: number })[];
  /** What principals were refused since their roles last changed. */
  refusals(): readonly Refusal[];
}

/** One of the roles would have allowed it. */
export interface Refusal {
  readonly principalId: string;
  readonly roleIds: readonly string[];
  /** ARM id. */
  readonly resourceId: string;
}

/** What a checked token says. */
export interface TokenClaims {
  readonly issuer: string;
  readonly audience: string;
  /** Service principal object id (`oid`). */
  readonly principalId: string;
  /** Client id (`appid`). */
  readonly clientId: string;
  readonly tenantId: string;
}

export interface TokenVerifier {
  /**
   * Checks signature, expiry, issuer and audience (each with and without a trailing slash).
   * Throws an Error whose message says which check failed.
   */
  verify(token: string, audiences: readonly string[]): Promise<TokenClaims>;
}

/** Everything a local service may need from the others. */
export interface LocalServices {
  readonly clock: LocalClock;
  readonly access: AccessControl;
  readonly tokens: TokenVerifier;
  readonly log: (line: string) => void;
  /** 0 ≤ random < 1; what simulated systems draw with. Fault runs give a seeded one. */
  readonly random?: () => number;
}

/** Something that was started and must be stopped; close is idempotent. */
export interface Running {
  close(): Promise<void>;
}
