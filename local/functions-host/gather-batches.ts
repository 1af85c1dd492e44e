import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import type { Running } from "../cloud.ts";

export interface BatchOptions<T> {
  readonly maxSize: number;
  /** A batch waits for so many, `maxWaitMs` at most. */
  readonly minSize: number;
  readonly maxWaitMs: number;
  /** Called for one batch at a time. */
  readonly work: (batch: readonly T[]) => Promise<void>;
}

export interface Gathering<T> extends Running {
  /** Ends as the work does on the batch that the item went with. */
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
 * Turns items that come one by one into batches: empty → gathering → working → gathering or empty. Items that
 * come while one is worked on wait for the next.
 */
export function gatherBatches<T>(options: BatchOptions<T>): Gathering<T> {
  let waiting: Waiting<T>[] = [];
  let running: Promise<void> | undefined;
  let isClosing = false;
  const run = async (): Promise<void> => {
    while (waiting.length > 0) {
      await untilGathered(options, () => (isClosing ? Infinity : waiting.length));
      const batch = waiting.slice(0, options.maxSize);
      waiting = waiting.slice(options.maxSize);
      const work = options.work(batch.map(({ item }) => item));
      for (const { end } of batch) end(work);
      await work.catch(() => undefined);
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
