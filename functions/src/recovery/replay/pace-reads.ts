/*
 * How many documents F&O is asked for at once, and how long it may take. It holds for one runner.
 *
 *   n ──answered──► a tenth more, at most 100
 *   n ──not answered in time──► n / 2 … 1, each of them `late`: after the others, who need not wait for it
 *   1, late ──► has a minute and more; not answered again, and others were since ──► its own matter
 */
import type { ReplayItem } from "./replay-job.ts";

const most = 100;
/** Short of the lease, or another runner would take the chunk meanwhile. */
const sharedMs = 10_000;
/** Longer than a request to F&O may take. */
const aloneMs = 70_000;

export class ReadPace {
  #size = most;
  /** Times that F&O answered for a document. */
  #answers = 0;
  /** Item number → answers until then; whoever was late last comes last. */
  readonly #late = new Map<number, number>();

  get size(): number {
    return Math.floor(this.#size);
  }

  order(items: readonly ReplayItem[]): readonly ReplayItem[] {
    if (this.#late.size === 0) return items;
    const places = new Map([...this.#late.keys()].map((number, place) => [number, place]));
    const placeOf = ({ number }: ReplayItem): number => places.get(number) ?? -1;
    return items.toSorted((a, b) => placeOf(a) - placeOf(b));
  }

  isAlone(chunk: readonly ReplayItem[]): boolean {
    const [first] = chunk;
    return chunk.length === 1 && first !== undefined && this.#late.has(first.number);
  }

  limitMs(chunk: readonly ReplayItem[]): number {
    return this.isAlone(chunk) ? aloneMs : sharedMs;
  }

  /** F&O answers for others: when it does not for this one now, it never may. */
  isItsOwnMatter(chunk: readonly ReplayItem[]): boolean {
    const [first] = chunk;
    if (first === undefined || !this.isAlone(chunk)) return false;
    return (this.#late.get(first.number) ?? 0) < this.#answers;
  }

  tellAnswered(): void {
    this.#answers += 1;
    this.#size = Math.min(most, Math.max(this.#size + 1, this.#size * 1.1));
  }

  /** True when the next try is another one: for fewer, or with more time. */
  tellLate(chunkSize: number, late: readonly number[]): boolean {
    const isFirstTime = late.some((number) => !this.#late.has(number));
    for (const number of late) {
      this.#late.delete(number);
      this.#late.set(number, this.#answers);
    }
    // It answered for others of the same chunk.
    if (late.length < chunkSize) this.#answers += 1;
    this.#size = Math.max(1, Math.floor(chunkSize / 2));
    return chunkSize > 1 || isFirstTime;
  }
}
