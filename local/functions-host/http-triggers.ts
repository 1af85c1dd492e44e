import { timingSafeEqual } from "node:crypto";
import { describeFailure } from "./describe-failure.ts";
import type { FunctionApp } from "./load-function-app.ts";
import { matchRoute } from "./match-route.ts";
import type { RpcFunctionMetadata, RpcHttpCookie, RpcHttpData, RpcTypedData } from "./rpc-types.ts";

export interface HostKeys {
  /** The host key `default`: opens every function of level `function`. */
  readonly default: string;
  /** By function name: opens that function only. */
  readonly functions: Readonly<Record<string, string>>;
  /** The host key `_master`: opens everything, level `admin` and /admin included. */
  readonly master: string;
}

interface HttpTriggerOptions {
  readonly app: FunctionApp;
  readonly routePrefix: string;
  readonly keys: HostKeys;
  readonly log: (line: string) => void;
}

/** Answers requests to the app's HTTP functions; undefined when no function has that route and method. */
export function createHttpTriggers(
  options: HttpTriggerOptions,
): (request: Request) => Promise<Response | undefined> {
  const triggers = options.app.functions.flatMap((metadata) => toHttpTrigger(metadata, options));
  return async (request) => {
    const url = new URL(request.url);
    for (const trigger of triggers) {
      const params = matchRoute(trigger.route, url.pathname);
      // A known route with another method is not found either, as in Azure.
      if (params === undefined || !trigger.methods.includes(request.method)) continue;
      if (!isAllowed(trigger, request, url, options.keys))
        return new Response(null, { status: 401 });
      return answer(trigger, request, params, options);
    }
    return undefined;
  };
}

interface HttpTrigger {
  readonly name: string;
  readonly bindingName: string;
  readonly route: string;
  readonly methods: readonly string[];
  readonly authLevel: string;
}

function toHttpTrigger(
  metadata: RpcFunctionMetadata,
  { routePrefix }: HttpTriggerOptions,
): HttpTrigger[] {
  const binding = Object.values(metadata.bindings).find(({ type }) => type === "httpTrigger");
  if (binding === undefined) return [];
  const { route, methods, authLevel } = binding;
  const path = typeof route === "string" ? route : metadata.name;
  return [
    {
      name: metadata.name,
      bindingName: binding.name,
      route: `/${routePrefix}/${path}`.replace(/\/{2,}/g, "/"),
      methods: (Array.isArray(methods) ? methods : ["GET", "POST"]).map((method) =>
        String(method).toUpperCase(),
      ),
      authLevel: typeof authLevel === "string" ? authLevel.toLowerCase() : "anonymous",
    },
  ];
}

function isAllowed(trigger: HttpTrigger, request: Request, url: URL, keys: HostKeys): boolean {
  if (trigger.authLevel === "anonymous") return true;
  const given = request.headers.get("x-functions-key") ?? url.searchParams.get("code") ?? "";
  if (isSameKey(given, keys.master)) return true;
  if (trigger.authLevel !== "function") return false;
  const own = keys.functions[trigger.name];
  return isSameKey(given, keys.default) || (own !== undefined && isSameKey(given, own));
}

export function isSameKey(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return b.length > 0 && a.length === b.length && timingSafeEqual(a, b);
}

async function answer(
  trigger: HttpTrigger,
  request: Request,
  params: Readonly<Record<string, string>>,
  { app, log }: HttpTriggerOptions,
): Promise<Response> {
  const body = new Uint8Array(await request.arrayBuffer());
  const http: RpcHttpData = {
    method: request.method,
    url: request.url,
    nullableHeaders: toNullable(request.headers),
    nullableQuery: toNullable(new URL(request.url).searchParams),
    nullableParams: toNullable(Object.entries(params)),
    body: { bytes: body },
  };
  try {
    const response = await app.invoke(trigger.name, {
      inputs: [{ name: trigger.bindingName, data: { http } }],
    });
    return toResponse(response.returnValue);
  } catch (error) {
    log(`Executed 'Functions.${trigger.name}' (Failed): ${describeFailure(error)}`);
    return new Response(null, { status: 500 });
  }
}

function toNullable(entries: Iterable<[string, string]>): Record<string, { value: string }> {
  return Object.fromEntries([...entries].map(([name, value]) => [name, { value }]));
}

function toResponse(value: RpcTypedData | null | undefined): Response {
  const http = value?.http;
  if (http === undefined) return new Response(null, { status: 204 });
  const headers = new Headers(http.headers);
  for (const cookie of http.cookies ?? []) headers.append("set-cookie", toSetCookie(cookie));
  const status = Number(http.statusCode ?? "200");
  const bytes = http.body?.bytes;
  const isEmpty = bytes === undefined || bytes.length === 0 || status === 204 || status === 304;
  return new Response(isEmpty ? null : Buffer.from(bytes), { status, headers });
}

function toSetCookie(cookie: RpcHttpCookie): string {
  const parts = [`${cookie.name}=${cookie.value}`];
  if (cookie.domain !== undefined) parts.push(`Domain=${cookie.domain.value}`);
  if (cookie.path !== undefined) parts.push(`Path=${cookie.path.value}`);
  if (cookie.maxAge !== undefined) parts.push(`Max-Age=${cookie.maxAge.value}`);
  if (cookie.secure?.value === true) parts.push("Secure");
  if (cookie.httpOnly?.value === true) parts.push("HttpOnly");
  if (cookie.sameSite !== undefined) parts.push(`SameSite=${capitalise(cookie.sameSite)}`);
  return parts.join("; ");
}

/** RPC's enum member `strict` stands for `Strict`. */
function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
