import { MinHeap } from "./min-heap.ts";
import type { StoredMessage } from "./stored-message.ts";

/** Which messages expire next. Only those that wait are handed over when their time comes. */
export class ExpiryWatch {
  readonly #messages = new MinHeap<StoredMessage>(
    (left, right) => left.expiresAtMs < right.expiresAtMs,
  );

  /** `liveCount` is how many messages there are at all, to know when many watched ones are gone. */
  add(message: StoredMessage, liveCount: number): void {
    if (message.expiresAtMs === Infinity) return;
    this.#messages.push(message);
    // Settled messages stay in the heap until their time; drop them before they outnumber the others.
    if (this.#messages.size > 1024 && this.#messages.size > liveCount * 2) {
      this.#messages.prune((entry) => entry.place !== "gone");
    }
  }

  /** Locked messages expire when their lock ends, deferred ones never: both are passed over. */
  takeDue(nowMs: number): StoredMessage[] {
    const due: StoredMessage[] = [];
    for (;;) {
      const next = this.#messages.peek();
      if (next === undefined || next.expiresAtMs > nowMs) return due;
      this.#messages.pop();
      if (next.place === "ready") due.push(next);
    }
  }

  nextMs(): number {
    return this.#messages.peek()?.expiresAtMs ?? Infinity;
  }
}
