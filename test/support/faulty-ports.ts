/*
 * Faults at our own ports, made from their interfaces: `faults.port("store", store)` is the same interface
 * again, and every call of every method, present and future, has a number and a name and can be told
 * to fail before or after its effect.
 *
 *   alive ──fault "kill"──► dead (every further call of every port fails) ──revive──► alive
 *     └─────fault "fail"──► this call fails with the port's own error; the process lives on
 */

/** The process is gone: nothing that it wanted to do after this happens. */
export class Killed extends Error {
  constructor() {
    super("killed");
    this.name = "Killed";
  }
}

export interface Call {
  readonly port: string;
  readonly method: string;
  /** `write ledger202611 replace`: the method, its text arguments and the kinds of its others. */
  readonly label: string;
  /** 1 for the first call through any port. */
  readonly index: number;
  /** 1 for the first call of this method of this port. */
  readonly nth: number;
}

export interface Fault {
  readonly how: "kill" | "fail";
  readonly when: "before" | "after";
}

/** Asked at every call. */
export type FaultPlan = (call: Call) => Fault | undefined;

export const noFaults: FaultPlan = () => undefined;

/** One fault at the call with that number. */
export function faultAt(index: number, fault: Fault): FaultPlan {
  return (call) => (call.index === index ? fault : undefined);
}

/** One fault at the nth call of a port's method, counted from the beginning. */
export function faultAtNth(port: string, method: string, nth: number, fault: Fault): FaultPlan {
  return (call) =>
    call.port === port && call.method === method && call.nth === nth ? fault : undefined;
}

/** Faults at a rate, the same ones for the same seed. */
export function faultsAtRandom(options: {
  readonly seed: number;
  /** Share of all calls, 0 to 1. */
  readonly rate: number;
  readonly faults: readonly Fault[];
  readonly ports?: readonly string[];
}): FaultPlan {
  const { rate, faults, ports } = options;
  const random = seededRandom(options.seed);
  return ({ port }) => {
    if (ports !== undefined && !ports.includes(port)) return undefined;
    return random() < rate ? faults[Math.floor(random() * faults.length)] : undefined;
  };
}

/** Numbers 0 ≤ n < 1, the same ones for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Method = (...args: readonly never[]) => unknown;

/** Methods whose answer is no promise. */
type SyncNames<Port> = {
  [Name in keyof Port]-?: Port[Name] extends Method
    ? ReturnType<Port[Name]> extends Promise<unknown>
      ? never
      : Name
    : never;
}[keyof Port];

interface PortOptions<Port> {
  /** What the port throws when it is told to fail. */
  readonly failure?: (call: Call) => Error;
  /** Every method that answers at once. The compiler finds one that is missing or too much. */
  readonly sync?: Readonly<Record<SyncNames<Port> & string, true>>;
}

/** An interface with methods that answer at once has to name them: failing, they throw at once too. */
type PortArguments<Port> = [SyncNames<Port>] extends [never]
  ? readonly [options?: PortOptions<Port>]
  : readonly [options: PortOptions<Port> & Required<Pick<PortOptions<Port>, "sync">>];

export class FaultyPorts {
  readonly calls: Call[] = [];
  plan: FaultPlan = noFaults;
  readonly #counts = new Map<string, number>();
  #isDead = false;

  get isDead(): boolean {
    return this.#isDead;
  }

  get labels(): readonly string[] {
    return this.calls.map(({ label }) => label);
  }

  /** A new process: without faults until the next plan. */
  revive(): void {
    this.#isDead = false;
    this.plan = noFaults;
  }

  /** Numbers and names begin anew. */
  forgetCalls(): void {
    this.calls.length = 0;
    this.#counts.clear();
  }

  /** The nth call from now, whichever it is. */
  faultIn(calls: number, fault: Fault): void {
    this.plan = faultAt(this.calls.length + calls, fault);
  }

  port<Port extends object>(name: string, inner: Port, ...rest: PortArguments<Port>): Port {
    const { failure, sync }: PortOptions<Port> = rest[0] ?? {};
    const isSync = (method: string): boolean => Object.hasOwn(sync ?? {}, method);
    const through = (method: string, effect: Method, args: readonly unknown[]): unknown =>
      isSync(method)
        ? this.#now(this.#enter(name, method, args), failure, () => effect(...(args as never[])))
        : this.#later(this.#enter(name, method, args), failure, () => effect(...(args as never[])));
    return new Proxy(inner, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== "function" || typeof key === "symbol") return value;
        // Called on what it belongs to: private members are not the proxy's.
        const effect: Method = (...args) => Reflect.apply(value, target, args) as unknown;
        return (...args: readonly unknown[]) => through(key, effect, args);
      },
      apply: (target, self, args: unknown[]) => {
        const whole = target as unknown as Method;
        return through("call", (...each) => Reflect.apply(whole, self, each), args);
      },
    });
  }

  #enter(port: string, method: string, args: readonly unknown[]): Call | undefined {
    if (this.#isDead) return undefined;
    const nth = (this.#counts.get(`${port}.${method}`) ?? 0) + 1;
    this.#counts.set(`${port}.${method}`, nth);
    const label = [method, ...args.flatMap(describe)].join(" ");
    const call = { port, method, label, index: this.calls.length + 1, nth };
    this.calls.push(call);
    return call;
  }

  async #later(call: Call | undefined, failure: Failure, effect: () => unknown): Promise<unknown> {
    const fault = this.#before(call, failure);
    const result = await effect();
    this.#after(call, fault, failure);
    return result;
  }

  #now(call: Call | undefined, failure: Failure, effect: () => unknown): unknown {
    const fault = this.#before(call, failure);
    const result = effect();
    this.#after(call, fault, failure);
    return result;
  }

  #before(call: Call | undefined, failure: Failure): Fault | undefined {
    if (call === undefined) throw new Killed();
    const fault = this.plan(call);
    if (fault?.how === "kill") this.#isDead = true;
    if (fault?.when === "before") throw this.#errorOf(call, fault, failure);
    return fault;
  }

  #after(call: Call | undefined, fault: Fault | undefined, failure: Failure): void {
    // Others may have been killed while this one was on its way: its effect stands, its answer does not.
    if (this.#isDead) throw new Killed();
    if (call !== undefined && fault !== undefined) throw this.#errorOf(call, fault, failure);
  }

  #errorOf(call: Call, fault: Fault, failure: Failure): Error {
    if (fault.how === "kill") return new Killed();
    return failure?.(call) ?? new Error(`${call.port}.${call.method} was told to fail`);
  }
}

type Failure = ((call: Call) => Error) | undefined;

function describe(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  const { kind } = (typeof value === "object" && value !== null ? value : {}) as { kind?: unknown };
  return typeof kind === "string" ? [kind] : [];
}
