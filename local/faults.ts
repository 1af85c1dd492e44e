import type { HonoRequest, MiddlewareHandler } from "hono";
import type { LocalClock } from "./clock.ts";
import { createFaultSwitch } from "./fault-switch.ts";
import { answerWithoutConnection } from "./front-door.ts";

/** What a simulated system is told to get wrong, as `PUT /sim/faults` takes it. */
export interface Fault {
  /** The answer instead of the real one; left out: the real one, only slow or cut off. */
  readonly status?: number;
  /** Seconds, as the header Retry-After. */
  readonly retryAfter?: number;
  /** Share of requests that are hit; 1 when left out. */
  readonly rate?: number;
  readonly latencyMs?: number;
  /** The fault ends by itself after this time. */
  readonly forMs?: number;
  /** The request is carried out first; what is wrong (answer, delay, cut) comes after: the caller cannot know. */
  readonly afterEffect?: boolean;
  /** The connection is cut instead of an answer. */
  readonly reset?: boolean;
  /** Requests that only read, and those for a token, are left alone. */
  readonly onlyWrites?: boolean;
}

export interface Faults {
  /** Answers `/sim/faults` and breaks every other request as told; never one below `/sim/`. */
  readonly middleware: MiddlewareHandler;
  /** `onHit` is told of each request that is hit: after its effect when the fault comes after it. */
  set(fault: Fault, onHit?: () => void): void;
  clear(): void;
  /** In front of what is set, until what it gives back is called; what is set stays. */
  over(fault: Fault, onHit?: () => void): () => void;
  /** Requests that came, without those below `/sim/`; whether a fault hit them or not. */
  readonly seen: () => number;
}

export interface FaultOptions {
  readonly random?: () => number;
  /** The body of a faulty answer, in the words of the system; a neutral one when left out. */
  readonly toBody?: (status: number) => unknown;
}

/** none → set (until forMs, clear or DELETE) → none; of several the last one wins, and the one before comes back. */
export function createFaults(
  clock: LocalClock,
  { random = Math.random, toBody = toNeutralBody }: FaultOptions = {},
): Faults {
  const faults = createFaultSwitch(clock);
  let seen = 0;
  const middleware: MiddlewareHandler = async (context, next) => {
    const { path } = context.req;
    if (path === "/sim/faults") return faults.configure(context);
    if (path.startsWith("/sim/")) return next();
    seen += 1;
    const { fault, onHit } = faults.active() ?? {};
    if (fault === undefined || random() >= (fault.rate ?? 1)) return next();
    if (fault.onlyWrites === true && !(await isWrite(context.req))) return next();
    const { status, retryAfter, latencyMs, afterEffect = false, reset = false } = fault;
    if (afterEffect) await next();
    onHit?.();
    if (latencyMs !== undefined) await clock.sleep(latencyMs);
    if (reset) context.res = answerWithoutConnection();
    else if (status !== undefined) context.res = toFaultyAnswer(status, retryAfter, toBody);
    else if (!afterEffect) return next();
    return undefined;
  };
  const { set, clear, over } = faults;
  return { middleware, set, clear, over, seen: () => seen };
}

/** A batch writes when one of the requests in it does. */
async function isWrite(request: HonoRequest): Promise<boolean> {
  const { method, path } = request;
  if (method === "GET" || path.includes("/oauth2/")) return false;
  return !path.endsWith("/$batch") || /^(?:POST|PATCH|PUT|DELETE) /m.test(await request.text());
}

function toFaultyAnswer(
  status: number,
  retryAfter: number | undefined,
  toBody: (status: number) => unknown,
): Response {
  const headers = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
  return Response.json(toBody(status), { status, headers });
}

function toNeutralBody(status: number): unknown {
  return { error: { code: String(status), message: "A fault that was asked for" } };
}
