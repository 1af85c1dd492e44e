import type { LocalClock, LocalTimer } from "../clock.ts";

/**
 * One timer for everything that an entity waits for. It is only ever moved forward in time: when the
 * work it was set for has gone, it runs for nothing and is set again for what is next. So a message
 * costs no timer of its own.
 */
export class WakeUp {
  readonly #clock: LocalClock;
  readonly #run: () => number;
  #timer: LocalTimer | undefined;
  #dueAtMs = Infinity;

  /** `run` does what is due and answers when it wants to run next (Infinity for never). */
  constructor(clock: LocalClock, run: () => number) {
    this.#clock = clock;
    this.#run = run;
  }

  notLaterThan(atMs: number): void {
    if (atMs >= this.#dueAtMs) return;
    this.#timer?.cancel();
    this.#dueAtMs = atMs;
    this.#timer = this.#clock.setTimer(() => this.#fire(), atMs - this.#clock.now());
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#dueAtMs = Infinity;
  }

  #fire(): void {
    this.#dueAtMs = Infinity;
    this.notLaterThan(this.#run());
  }
}
