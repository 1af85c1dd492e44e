/** Time for every local service. One instance is shared by all of them; tests share a simulated one. */
export interface LocalClock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
  /** Runs `callback` once, `delayMs` from now. A system clock's timers do not hold the process open. */
  setTimer(callback: () => void, delayMs: number): LocalTimer;
  sleep(ms: number): Promise<void>;
}

export interface LocalTimer {
  cancel(): void;
}

/** The machine's own, kept before a host process puts its globals on another time. */
const machine = { now: Date.now.bind(Date), setTimeout, clearTimeout };

export const systemClock: LocalClock = {
  now: machine.now,
  setTimer: (callback, delayMs) => {
    // Node clamps delays over 2^31-1 ms to 1 ms; such a timer is re-armed instead.
    const maxMs = 2 ** 31 - 1;
    let handle: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      handle = machine.setTimeout(
        () => {
          if (leftMs > maxMs) arm(leftMs - maxMs);
          else callback();
        },
        Math.min(Math.max(leftMs, 0), maxMs),
      );
      handle.unref();
    };
    arm(delayMs);
    return { cancel: () => machine.clearTimeout(handle) };
  },
  sleep: (ms) => new Promise((resolve) => machine.setTimeout(resolve, ms)),
};

/**
 * Real time that can be moved on: runs with the machine's clock, and `advance` skips ahead. Fault runs
 * share one between all local services; the host of the function app has its own, moved by the same steps.
 */
export class AdvancingClock implements LocalClock {
  #offsetMs: number;
  readonly #timers = new Set<AdvancingTimer>();

  /** `offsetMs`: how far it is ahead of the machine's clock from the start. */
  constructor(offsetMs = 0) {
    this.#offsetMs = offsetMs;
  }

  get offsetMs(): number {
    return this.#offsetMs;
  }

  now(): number {
    return machine.now() + this.#offsetMs;
  }

  setTimer(callback: () => void, delayMs: number): LocalTimer {
    const timer: AdvancingTimer = {
      dueAt: this.now() + Math.max(delayMs, 0),
      callback,
      system: undefined,
    };
    this.#timers.add(timer);
    this.#arm(timer);
    return { cancel: () => this.#drop(timer) };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.setTimer(resolve, ms));
  }

  /** When the next timer is due; undefined without one. */
  nextDueMs(): number | undefined {
    let next: number | undefined;
    for (const { dueAt } of this.#timers) if (next === undefined || dueAt < next) next = dueAt;
    return next;
  }

  /** Skips `ms`, running each timer that becomes due at its own time; less than 0 only sets it back. */
  async advance(ms: number): Promise<void> {
    let left = ms;
    await settle();
    for (;;) {
      const end = this.now() + left;
      const next = [...this.#timers]
        .filter(({ dueAt }) => dueAt <= end)
        .reduce<AdvancingTimer | undefined>(earlier, undefined);
      if (next === undefined) break;
      const stepMs = Math.min(left, Math.max(0, next.dueAt - this.now()));
      this.#offsetMs += stepMs;
      left -= stepMs;
      this.#fire(next);
      await settle();
    }
    this.#offsetMs += left;
    for (const timer of this.#timers) this.#arm(timer);
  }

  #arm(timer: AdvancingTimer): void {
    timer.system?.cancel();
    timer.system = systemClock.setTimer(() => this.#fire(timer), timer.dueAt - this.now());
  }

  #fire(timer: AdvancingTimer): void {
    this.#drop(timer);
    timer.callback();
  }

  #drop(timer: AdvancingTimer): void {
    this.#timers.delete(timer);
    timer.system?.cancel();
  }
}

interface AdvancingTimer {
  readonly dueAt: number;
  readonly callback: () => void;
  system: LocalTimer | undefined;
}

function earlier(best: AdvancingTimer | undefined, timer: AdvancingTimer): AdvancingTimer {
  return best === undefined || timer.dueAt < best.dueAt ? timer : best;
}

/** A clock that stands still until it is advanced; timers run in order of their due time. */
export class SimulatedClock implements LocalClock {
  #now: number;
  #order = 0;
  readonly #timers = new Map<number, { readonly dueAt: number; readonly callback: () => void }>();

  constructor(startMs: number) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  setTimer(callback: () => void, delayMs: number): LocalTimer {
    const id = (this.#order += 1);
    this.#timers.set(id, { dueAt: this.#now + Math.max(delayMs, 0), callback });
    return { cancel: () => void this.#timers.delete(id) };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.setTimer(resolve, ms));
  }

  /** Moves time on, running each timer at its own time and letting promises settle in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const next = this.#nextDue(end);
      if (next === undefined) break;
      this.#timers.delete(next.id);
      this.#now = Math.max(this.#now, next.dueAt);
      next.callback();
      await settle();
    }
    this.#now = end;
  }

  #nextDue(
    end: number,
  ): { readonly id: number; readonly dueAt: number; readonly callback: () => void } | undefined {
    let best: { id: number; dueAt: number; callback: () => void } | undefined;
    for (const [id, timer] of this.#timers) {
      if (timer.dueAt <= end && (best === undefined || timer.dueAt < best.dueAt)) {
        best = { id, ...timer };
      }
    }
    return best;
  }
}

/** Lets pending promise callbacks and one round of I/O callbacks run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
