/** The message ids of an entity's last `windowMs`. Disabled, it remembers nothing and lets all pass. */
export class DuplicateHistory {
  readonly #windowMs: number;
  /** In order of time, so that the oldest are first. */
  readonly #seenAtMs = new Map<string, number>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** True when the id was not seen inside the window; from then on it was. */
  admits(messageId: string, nowMs: number): boolean {
    this.#forget(nowMs - this.#windowMs);
    if (this.#seenAtMs.has(messageId)) return false;
    this.#seenAtMs.set(messageId, nowMs);
    return true;
  }

  #forget(untilMs: number): void {
    for (const [messageId, seenAtMs] of this.#seenAtMs) {
      if (seenAtMs > untilMs) return;
      this.#seenAtMs.delete(messageId);
    }
  }
}
