/*
 * How many documents F&O is asked for at once, and how long it may take.
 *
 *   n ──answered──► a tenth more, at most 100
 *   n ──not answered in time──► n / 2 … 1, each of them late: after the others, who need not wait for it
 *   1, late ──► has a minute and more; not answered again, and others were since ──► its own matter
 *
 * Who is late, and when F&O answered last, is written down: a large step has several runners. The size is not: each
 * begins with the most.
 */
import type { ReplayItem, ReplayJob } from "./replay-job.ts";

const most = 100;
/** Short of the lease, or another runner would take the chunk meanwhile. */
const sharedMs = 10_000;
/** Longer than a request to F&O may take. */
const aloneMs = 70_000;

export class ReadPace {
  #size = most;

  get size(): number {
    return Math.floor(this.#size);
  }

  tellAnswered(): void {
    this.#size = Math.min(most, Math.max(this.#size + 1, this.#size * 1.1));
  }

  /** True when the next try is another one: for fewer, or with more time. */
  tellLate(chunk: readonly ReplayItem[]): boolean {
    this.#size = Math.max(1, Math.floor(chunk.length / 2));
    return chunk.length > 1 || !isAlone(chunk);
  }
}

/** Who was late last comes last. */
export function orderByLateness(items: readonly ReplayItem[]): readonly ReplayItem[] {
  return items.toSorted((a, b) => (a.lateAt ?? 0) - (b.lateAt ?? 0));
}

export function isAlone(chunk: readonly ReplayItem[]): boolean {
  return chunk.length === 1 && chunk[0]?.lateAt !== undefined;
}

export function limitMsOf(chunk: readonly ReplayItem[]): number {
  return isAlone(chunk) ? aloneMs : sharedMs;
}

/** F&O answers for others: when it does not for this one now, it never may. */
export function isItsOwnMatter(chunk: readonly ReplayItem[], { readAt = 0 }: ReplayJob): boolean {
  return isAlone(chunk) && (chunk[0]?.lateAt ?? Infinity) <= readAt;
}
