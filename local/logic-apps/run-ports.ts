import type { LocalClock } from "../clock.ts";

/** What a workflow asks of the network. `body` is already what goes over the wire. */
export interface WorkflowHttpRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Only where the runner was given no `getToken`: the port has to authenticate by itself. */
  readonly authentication?: {
    readonly type: string;
    readonly audience: string;
    readonly identity?: string;
  };
}

/** `body`: text, bytes, or JSON data that is already parsed. */
export interface WorkflowHttpResponse {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export type WorkflowHttp = (request: WorkflowHttpRequest) => Promise<WorkflowHttpResponse>;

interface ConnectorCall {
  readonly method: string;
  readonly path: string;
  readonly queries: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export type Connector = (call: ConnectorCall) => Promise<WorkflowHttpResponse>;

/** Everything outside of the run. */
export interface RunPorts {
  readonly http?: WorkflowHttp;
  /** Managed connectors by the name of their API, e.g. `servicebus`. */
  readonly connectors?: Readonly<Record<string, Connector>>;
  readonly getToken?: (identityResourceId: string | undefined, audience: string) => Promise<string>;
  readonly clock: LocalClock;
}
