import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import type { Running } from "../cloud.ts";

export interface BatchOptions<T> {
  readonly maxSize: number;
  /** A batch waits for so many, `maxWaitMs` at most. */
  readonly minSize: number;
  readonly maxWaitMs: number;
  /** The next batch begins when the one before has run, which may not be settled by then. */
  readonly work: (batch: readonly T[]) => BatchWork;
}

export interface BatchWork {
  readonly ran: Promise<unknown>;
  readonly settled: Promise<void>;
}

export interface Gathering<T> extends Running {
  /** Ends as the settling does of the batch that the item went with. */
  add(item: T): Promise<void>;
}

interface Waiting<T> {
  readonly item: T;
  readonly end: (result: Promise<void>) => void;
}

/** More is on its way when something came within this time. */
const pauseMs = 10;
/** Under a steady stream the first does not wait longer for company. */
const longestMs = 50;

/**
 * Turns items that come one by one into batches: empty → gathering → running → gathering or empty. Items that
 * come while one runs wait for the next. Settling goes on beside that: over a connection that was cut it takes a
 * time-out, and those who wait must not pay for it.
 */
export function gatherBatches<T>(options: BatchOptions<T>): Gathering<T> {
  let waiting: Waiting<T>[] = [];
  let running: Promise<void> | undefined;
  const settling = new Set<Promise<void>>();
  let isClosing = false;
  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      await untilGathered(options, () => (isClosing ? Infinity : waiting.length));
      const batch = waiting.slice(0, options.maxSize);
      waiting = waiting.slice(options.maxSize);
      const { ran, settled } = options.work(batch.map(({ item }) => item));
      settling.add(settled);
      const forget = (): void => void settling.delete(settled);
      settled.then(forget, forget);
      for (const { end } of batch) end(settled);
      await ran.catch(() => undefined);
    }
    running = undefined;
  };
  return {
    add: (item) =>
      new Promise((end) => {
        waiting.push({ item, end });
        running ??= run();
      }),
    close: async () => {
      isClosing = true;
      await running;
      await Promise.allSettled(settling);
    },
  };
}

async function untilGathered(
  { maxSize, minSize, maxWaitMs }: Omit<BatchOptions<unknown>, "work">,
  count: () => number,
): Promise<void> {
  const startedAt = performance.now();
  for (let before = 0; count() < maxSize;) {
    const now = count();
    const waitedMs = performance.now() - startedAt;
    const isEnough = now === before || waitedMs >= longestMs;
    if (isEnough && (now >= minSize || waitedMs >= maxWaitMs)) return;
    before = now;
    await sleep(pauseMs);
    // In a busy process timers come first: what has arrived meanwhile is read after them.
    await turn();
  }
}
