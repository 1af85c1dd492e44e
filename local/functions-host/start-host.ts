import type { LocalCertificate } from "../certificate-authority.ts";
import type { LocalClock } from "../clock.ts";
import type { Running } from "../cloud.ts";
import { startFrontDoor } from "../front-door.ts";
import { describeFailure } from "./describe-failure.ts";
import { FunctionsHostError } from "./functions-host-error.ts";
import { readHostJson } from "./host-json.ts";
import { createHttpTriggers, isSameKey } from "./http-triggers.ts";
import type { HostKeys } from "./http-triggers.ts";
import { loadFunctionApp } from "./load-function-app.ts";
import type { FunctionApp } from "./load-function-app.ts";
import { startServiceBusTriggers } from "./service-bus-triggers.ts";
import { startTimerTriggers } from "./timer-triggers.ts";
import type { TimerTriggers } from "./timer-triggers.ts";

export interface HostOptions {
  readonly appDir: string;
  readonly settings: Readonly<Record<string, string | undefined>>;
  readonly keys: HostKeys;
  readonly port: number;
  readonly certificate: LocalCertificate | undefined;
  readonly clock: LocalClock;
  readonly hasTimers: boolean;
  readonly log: (line: string) => void;
}

export interface Host extends Running {
  readonly port: number;
  readonly functions: readonly string[];
}

const SUPPORTED = ["httpTrigger", "serviceBusTrigger", "timerTrigger"];
const LOUD_LEVELS = ["information", "warning", "error", "critical"];

/** Loads the app into this process and opens its triggers. */
export async function startHost(options: HostOptions): Promise<Host> {
  const { appDir, settings, keys, clock, hasTimers, log } = options;
  const hostJson = readHostJson(appDir);
  const app = await loadFunctionApp(appDir, (level, category, message) => {
    if (category === "user" ? LOUD_LEVELS.includes(level) : level === "warning") log(message);
  });
  assertSupported(app);
  const http = createHttpTriggers({ app, routePrefix: hostJson.routePrefix, keys, log });
  const timers = startTimerTriggers({ app, settings, clock, isScheduled: hasTimers, log });
  const serviceBus = await startServiceBusTriggers({
    app,
    settings,
    host: hostJson.serviceBus,
    log,
  });
  const fetch = createHostFetch({ app, keys, http, timers, log });
  const door = await startFrontDoor({
    fetch,
    port: options.port,
    ...(options.certificate === undefined ? {} : { certificate: options.certificate }),
  });
  return {
    port: door.port,
    functions: app.functions.map(({ name }) => name),
    close: async () => {
      await Promise.all([door.close(), timers.close(), serviceBus.close()]);
      await app.terminate();
    },
  };
}

function assertSupported(app: FunctionApp): void {
  for (const { name, bindings } of app.functions) {
    const other = Object.values(bindings).find(
      ({ type, direction }) =>
        (direction === "in" && !SUPPORTED.includes(type)) ||
        (direction === "out" && type !== "http"),
    );
    if (other === undefined) continue;
    throw new FunctionsHostError(
      "UNSUPPORTED_TRIGGER",
      `Function ${name} has a binding of type ${other.type}; the local Functions host knows ` +
        `${SUPPORTED.join(", ")} and http answers`,
    );
  }
}

interface HostFetchOptions {
  readonly app: FunctionApp;
  readonly keys: HostKeys;
  readonly http: (request: Request) => Promise<Response | undefined>;
  readonly timers: TimerTriggers;
  readonly log: (line: string) => void;
}

function createHostFetch(options: HostFetchOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname } = new URL(request.url);
    try {
      if (pathname.startsWith("/admin/")) return await answerAdmin(request, pathname, options);
      return (await options.http(request)) ?? new Response(null, { status: 404 });
    } catch (error) {
      options.log(`The Functions host failed on ${request.method}: ${describeFailure(error)}`);
      return new Response(null, { status: 500 });
    }
  };
}

/** The host's own API, with the master key, as far as tools use it. */
async function answerAdmin(
  request: Request,
  path: string,
  { app, keys, timers }: HostFetchOptions,
): Promise<Response> {
  const given = request.headers.get("x-functions-key") ?? "";
  const code = new URL(request.url).searchParams.get("code") ?? "";
  if (!isSameKey(given, keys.master) && !isSameKey(code, keys.master)) {
    return new Response(null, { status: 401 });
  }
  if (request.method === "GET" && path === "/admin/host/status") {
    return Response.json({ id: "local", state: "Running", version: "4.1040.300.0" });
  }
  if (request.method === "GET" && path === "/admin/functions") {
    return Response.json(app.functions.map(({ name }) => ({ name })));
  }
  const name = /^\/admin\/functions\/([^/]+)$/.exec(path)?.[1];
  if (request.method !== "POST" || name === undefined) return new Response(null, { status: 404 });
  // Azure answers before the run; here the answer comes after it, so that a caller can go on from there.
  const isTimer = await timers.runNow(decodeURIComponent(name));
  return new Response(null, { status: isTimer ? 202 : 404 });
}
