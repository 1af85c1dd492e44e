import type { AdvancingClock, LocalTimer } from "../clock.ts";

/** The globals through which an app tells the time; `globalThis` in a host process. */
export interface TimeGlobals {
  Date: DateConstructor;
  setTimeout: typeof setTimeout;
  clearTimeout: typeof clearTimeout;
}

/**
 * Shorter timers measure the wire and the processor, which are real: AMQP's idle time-outs, pauses of
 * milliseconds. Those of 50 s or more (time-outs of targets, leases, locks, tokens) are time that a fault run skips: the
 * Service Bus client waits what is left of a minute for an answer over a connection that has been cut meanwhile.
 */
const firstMovedMs = 50_000;
/** rhea's watch over a silent connection: twice the idle time-out that the Service Bus client asks for. */
const silentConnectionMs = 120_000;

/**
 * Puts a process on a clock that can be moved on: `Date` and long timers follow it. The host does this to
 * its own process before it loads the app, which sees nothing but time that passes.
 */
export function installProcessTime(globals: TimeGlobals, clock: AdvancingClock): void {
  const { Date: RealDate, setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globals;
  const real = RealDate.now.bind(RealDate);
  const now = (): number => real() + clock.offsetMs;
  globals.Date = new Proxy(RealDate, {
    construct: (target, given: unknown[], newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as object,
    apply: () => new RealDate(now()).toString(),
    get: (target, name, receiver) =>
      name === "now" ? now : (Reflect.get(target, name, receiver) as unknown),
  });
  const longTimers = new WeakMap<object, LocalTimer>();
  const set = (callback: (...given: unknown[]) => void, ms?: number, ...given: unknown[]) => {
    const delayMs = ms ?? 0;
    if (delayMs < firstMovedMs || delayMs === silentConnectionMs) {
      return realSetTimeout(callback, ms, ...given);
    }
    // A genuine handle, so that ref, unref and every other habit of callers holds; it is never due itself.
    const handle = realSetTimeout(() => undefined, neverMs);
    const timer = clock.setTimer(() => {
      realClearTimeout(handle);
      callback(...given);
    }, delayMs);
    longTimers.set(handle, timer);
    return handle;
  };
  // With what Node hangs on it: `util.promisify(setTimeout)` looks there.
  globals.setTimeout = Object.assign<typeof set, typeof setTimeout>(set, realSetTimeout);
  globals.clearTimeout = (handle) => {
    if (typeof handle === "object") longTimers.get(handle)?.cancel();
    realClearTimeout(handle);
  };
}

/** The longest delay that Node knows, 24.8 days. */
const neverMs = 2 ** 31 - 1;
