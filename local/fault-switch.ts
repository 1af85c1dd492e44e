import type { Context } from "hono";
import type { LocalClock } from "./clock.ts";
import type { Fault } from "./faults.ts";

interface ActiveFault {
  readonly fault: Fault;
  readonly onHit: (() => void) | undefined;
}

interface FaultSwitch {
  readonly set: (fault: Fault, onHit?: () => void) => void;
  readonly clear: () => void;
  readonly over: (fault: Fault, onHit?: () => void) => () => void;
  readonly active: () => ActiveFault | undefined;
  /** GET, PUT and DELETE of `/sim/faults`. */
  readonly configure: (context: Context) => Promise<Response>;
}

type TimedFault = ActiveFault & { readonly untilMs: number };

/** Which fault is on, until its time is over: the last that was put over the one that is set, else that one. */
export function createFaultSwitch(clock: LocalClock): FaultSwitch {
  let current: TimedFault | undefined;
  const above: TimedFault[] = [];
  const toTimed = (fault: Fault, onHit: (() => void) | undefined): TimedFault => ({
    ...{ fault, onHit },
    untilMs: clock.now() + (fault.forMs ?? Number.POSITIVE_INFINITY),
  });
  const set = (fault: Fault, onHit?: () => void): void => {
    current = toTimed(fault, onHit);
  };
  const clear = (): void => {
    current = undefined;
  };
  const over = (fault: Fault, onHit?: () => void): (() => void) => {
    const timed = toTimed(fault, onHit);
    above.push(timed);
    return () => {
      const place = above.indexOf(timed);
      if (place >= 0) above.splice(place, 1);
    };
  };
  const active = (): ActiveFault | undefined =>
    [current, ...above].findLast((each) => each !== undefined && clock.now() < each.untilMs);
  const configure = async (context: Context): Promise<Response> => {
    if (context.req.method === "GET") return context.json(active()?.fault ?? {});
    if (context.req.method === "DELETE") {
      clear();
      return context.body(null, 204);
    }
    if (context.req.method !== "PUT") return context.body(null, 405);
    const fault = parseFault(await context.req.text());
    if (typeof fault === "string") return context.json({ error: fault }, 400);
    set(fault);
    return context.json(fault);
  };
  return { set, clear, over, active, configure };
}

const numbers = ["status", "retryAfter", "rate", "latencyMs", "forMs"] as const;
const flags = ["afterEffect", "reset", "onlyWrites"] as const;

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
  const known: readonly string[] = [...numbers, ...flags];
  const unknown = Object.keys(fault).find((name) => !known.includes(name));
  if (unknown !== undefined) return `${unknown} is not one of ${known.join(", ")}`;
  for (const name of numbers) {
    const number = fault[name];
    if (number !== undefined && !(typeof number === "number" && number >= 0)) {
      return `${name} must be a number of 0 or more`;
    }
  }
  const { status } = fault;
  // 300 is how a CRM says that a key is not unique.
  if (typeof status === "number" && (status < 300 || status > 599))
    return "status must be 300 to 599";
  return fault;
}
