/** The message ids of an entity's last `windowMs`. */
export class DuplicateHistory {
  readonly #windowMs: number;
  /** In order of time, so that the oldest are first. */
  readonly #seenAtMs = new Map<string, number>();
  #forgetAtMs = -Infinity;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** True when the id was not seen inside the window; from then on it was. */
  admits(messageId: string, nowMs: number): boolean {
    this.#forgetSometimes(nowMs);
    const seenAtMs = this.#seenAtMs.get(messageId);
    if (seenAtMs !== undefined) {
      if (seenAtMs > nowMs - this.#windowMs) return false;
      this.#seenAtMs.delete(messageId);
    }
    this.#seenAtMs.set(messageId, nowMs);
    return true;
  }

  /** In bulk: a map that loses its first entry each time would walk over its holes each time. */
  #forgetSometimes(nowMs: number): void {
    if (nowMs < this.#forgetAtMs) return;
    this.#forgetAtMs = nowMs + this.#windowMs / 16;
    for (const [messageId, seenAtMs] of this.#seenAtMs) {
      if (seenAtMs > nowMs - this.#windowMs) return;
      this.#seenAtMs.delete(messageId);
    }
  }
}
