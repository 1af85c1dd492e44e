import type { Caller, OperatorRole } from "./operator-role.ts";

export interface OperatorRequest {
  readonly method: string;
  /** Below `ops/v1/`, without a slash in front. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | null;
  /** Header `client-ip`. */
  readonly clientIp: string | null;
  /** Read only after the caller's role has been checked. */
  readonly text: () => Promise<string>;
}

export interface OperatorAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** A call that may be made: signed in, role checked, body parsed and valid by the route's schema. */
export interface OperatorCall {
  readonly caller: Caller;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

export interface OperatorRoute {
  readonly method: "GET" | "POST";
  /** `failures/{target}/{failureId}`. */
  readonly path: string;
  /** The least role that may call it. */
  readonly role: OperatorRole;
  /** JSON Schema of the body; a POST without one takes none. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** What goes into the answer's body; 200 unless `created` says that something has begun. */
  readonly handle: (call: OperatorCall) => Promise<unknown>;
  readonly created?: true;
}
