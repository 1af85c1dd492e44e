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

export const systemClock: LocalClock = {
  now: () => Date.now(),
  setTimer: (callback, delayMs) => {
    // Node clamps delays over 2^31-1 ms to 1 ms; such a timer is re-armed instead.
    const maxMs = 2 ** 31 - 1;
    let handle: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      handle = setTimeout(
        () => {
          if (leftMs > maxMs) arm(leftMs - maxMs);
          else callback();
        },
        Math.min(Math.max(leftMs, 0), maxMs),
      );
      handle.unref();
    };
    arm(delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

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
