import type { Context, MiddlewareHandler } from "hono";
import type { LocalClock } from "./clock.ts";

/** What a simulated system is told to get wrong, as `PUT /sim/faults` takes it. */
interface Fault {
  /** The answer instead of the real one; left out: only slow. */
  readonly status?: number;
  /** Seconds, as the header Retry-After. */
  readonly retryAfter?: number;
  /** Share of requests that are hit; 1 when left out. */
  readonly rate?: number;
  readonly latencyMs?: number;
  /** The fault ends by itself after this time. */
  readonly forMs?: number;
  /** The request is carried out and only its answer replaced: the caller cannot know. */
  readonly afterEffect?: boolean;
}

export interface Faults {
  /** Answers `/sim/faults` and breaks every other request as told; never one below `/sim/`. */
  readonly middleware: MiddlewareHandler;
  set(fault: Fault): void;
  clear(): void;
}

export interface FaultOptions {
  readonly random?: () => number;
  /** The body of a faulty answer, in the words of the system; a neutral one when left out. */
  readonly toBody?: (status: number) => unknown;
}

/** none → set (until forMs, clear or DELETE) → none; one fault at a time, the last one wins. */
export function createFaults(
  clock: LocalClock,
  { random = Math.random, toBody = toNeutralBody }: FaultOptions = {},
): Faults {
  let current: { readonly fault: Fault; readonly untilMs: number } | undefined;
  const set = (fault: Fault): void => {
    current = { fault, untilMs: clock.now() + (fault.forMs ?? Number.POSITIVE_INFINITY) };
  };
  const clear = (): void => {
    current = undefined;
  };
  const active = (): Fault | undefined =>
    current !== undefined && clock.now() < current.untilMs ? current.fault : undefined;
  const middleware: MiddlewareHandler = async (context, next) => {
    const { path } = context.req;
    if (path === "/sim/faults") return configure(context, { set, clear, active });
    const fault = path.startsWith("/sim/") ? undefined : active();
    if (fault === undefined || random() >= (fault.rate ?? 1)) return next();
    if (fault.latencyMs !== undefined) await clock.sleep(fault.latencyMs);
    if (fault.status === undefined) return next();
    if (fault.afterEffect === true) await next();
    context.res = toFaultyAnswer(fault.status, fault.retryAfter, toBody);
    return undefined;
  };
  return { middleware, set, clear };
}

interface Switch {
  set(fault: Fault): void;
  clear(): void;
  active(): Fault | undefined;
}

async function configure(context: Context, faults: Switch): Promise<Response> {
  if (context.req.method === "GET") return context.json(faults.active() ?? {});
  if (context.req.method === "DELETE") {
    faults.clear();
    return context.body(null, 204);
  }
  if (context.req.method !== "PUT") return context.body(null, 405);
  const text = await context.req.text();
  const fault = parseFault(text);
  if (typeof fault === "string") return context.json({ error: fault }, 400);
  faults.set(fault);
  return context.json(fault);
}

const NUMBERS = ["status", "retryAfter", "rate", "latencyMs", "forMs"] as const;

/** The fault, or what is wrong with it. */
function parseFault(text: string): Fault | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "The body is not JSON";
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return "The body is not a JSON object";
  }
  const fault = value as Readonly<Record<string, unknown>>;
  const known: readonly string[] = [...NUMBERS, "afterEffect"];
  const unknown = Object.keys(fault).find((name) => !known.includes(name));
  if (unknown !== undefined) return `${unknown} is not one of ${known.join(", ")}`;
  for (const name of NUMBERS) {
    const number = fault[name];
    if (number !== undefined && !(typeof number === "number" && number >= 0)) {
      return `${name} must be a number of 0 or more`;
    }
  }
  const { status } = fault;
  if (typeof status === "number" && (status < 400 || status > 599))
    return "status must be 400 to 599";
  return fault;
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
