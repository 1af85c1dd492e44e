/**
 * What the Functions host and a Node worker say to each other, as far as the `@azure/functions` library
 * sees it (its `@azure/functions-core` exists only inside the worker and is published nowhere).
 */
export interface RpcTypedData {
  readonly string?: string;
  readonly json?: string;
  readonly bytes?: Uint8Array;
  readonly int?: number;
  readonly double?: number;
  readonly http?: RpcHttpData;
  readonly collectionString?: { readonly string: readonly string[] };
  readonly collectionSint64?: { readonly sint64: readonly RpcLong[] };
}

/** 64-bit numbers reach the app as protobuf's Long objects, not as numbers. */
export interface RpcLong {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

export interface RpcHttpData {
  readonly method?: string;
  readonly url?: string;
  readonly nullableHeaders?: Readonly<Record<string, { readonly value: string }>>;
  readonly nullableQuery?: Readonly<Record<string, { readonly value: string }>>;
  readonly nullableParams?: Readonly<Record<string, { readonly value: string }>>;
  readonly body?: RpcTypedData | null;
  readonly statusCode?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly RpcHttpCookie[];
}

export interface RpcHttpCookie {
  readonly name: string;
  readonly value: string;
  readonly domain?: { readonly value: string };
  readonly path?: { readonly value: string };
  readonly expires?: { readonly value: unknown };
  readonly maxAge?: { readonly value: number };
  readonly secure?: { readonly value: boolean };
  readonly httpOnly?: { readonly value: boolean };
  readonly sameSite?: string;
}

export interface RpcBinding {
  readonly type: string;
  readonly direction: "in" | "out";
  readonly name: string;
  readonly [option: string]: unknown;
}

export interface RpcFunctionMetadata {
  readonly name: string;
  readonly functionId?: string;
  readonly bindings: Readonly<Record<string, RpcBinding>>;
}

export type TriggerMetadata = Readonly<Record<string, RpcTypedData>>;

interface RpcTraceContext {
  readonly traceParent: string;
  readonly traceState: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface RpcInvocationRequest {
  readonly inputs: readonly { readonly name: string; readonly data: RpcTypedData }[];
  readonly triggerMetadata?: TriggerMetadata;
  readonly traceContext?: RpcTraceContext;
}

export interface RpcInvocationResponse {
  readonly invocationId: string;
  readonly outputData: readonly { readonly name: string; readonly data: RpcTypedData }[];
  readonly returnValue?: RpcTypedData | null;
}
