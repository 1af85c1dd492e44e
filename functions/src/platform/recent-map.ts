/*
 * Values by key for as long as they are young, in constant time: what is put goes to a young map, which becomes the
 * old one when it is full or its time is over, and the old one goes as a whole.
 *
 *   put ──► young ──half of the places taken, or the time over──► old ──the same again──► gone
 *
 * (One map from which the oldest are taken one by one is walked from its start each time, over all that were taken
 * before: a Map keeps the places of deleted entries until it is made anew.)
 */
import type { Clock } from "./clock.ts";

export class RecentMap<Value> {
  readonly #clock: Pick<Clock, "now">;
  readonly #mostEach: number;
  readonly #keepMs: number;
  #young = new Map<string, { readonly value: Value; readonly at: number }>();
  #old = this.#young;
  #youngSince = 0;

  /** `most` values at once, each for `keepMs`. */
  constructor(clock: Pick<Clock, "now">, most: number, keepMs: number) {
    this.#clock = clock;
    this.#mostEach = most / 2;
    this.#keepMs = keepMs;
  }

  set(key: string, value: Value): void {
    const at = this.#clock.now();
    if (this.#young.size >= this.#mostEach || at - this.#youngSince > this.#keepMs) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngSince = at;
    }
    this.#young.set(key, { value, at });
  }

  get(key: string): Value | undefined {
    const known = this.#young.get(key) ?? this.#old.get(key);
    if (known === undefined || this.#clock.now() - known.at > this.#keepMs) return undefined;
    return known.value;
  }

  delete(key: string): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }
}
