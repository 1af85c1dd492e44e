/*
 * Writes that different invocations make to one partition at the same time travel as one transaction:
 * sixteen deliveries that settle together cost one request and not sixteen. Nothing waits for company:
 * a write that meets no other goes at once, and what comes while two requests to a partition are under
 * way goes together when one of them has ended.
 *
 *   waiting ──a flight is free──► flying ──done──► settled
 *                                   └──refused──► each alone, in the order in which they came
 *
 * Every caller gets its own answer. A transaction that was refused (somebody else's row, a row too large)
 * has written nothing, so each part is tried as if it had never had company. No answer is no answer for
 * all parts: what each caller does then is right whether its own part was written or not.
 */
import { isConflict, keysOf, maxTransactionWrites, TableError } from "./table-store.ts";
import type { TableStore, Write } from "./table-store.ts";
import { maxTransactionBytes, sizeOf } from "./transaction-size.ts";

/** What one caller wants written, all or nothing. */
interface Part {
  readonly writes: readonly Write[];
  readonly bytes: number;
  /** Makes the writes as the caller asked for them. */
  readonly alone: () => Promise<readonly string[]>;
  readonly resolve: (etags: readonly string[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Requests under way to one partition; a second one hides the first one's way there and back. */
const flightsPerPartition = 1;

class Partition {
  readonly #store: TableStore;
  readonly #table: string;
  readonly #onIdle: () => void;
  #waiting: Part[] = [];
  #flights = 0;
  readonly #flying = new Set<string>();
  #isDue = false;

  constructor(store: TableStore, table: string, onIdle: () => void) {
    this.#store = store;
    this.#table = table;
    this.#onIdle = onIdle;
  }

  add(part: Part): void {
    this.#waiting.push(part);
    if (this.#isDue) return;
    this.#isDue = true;
    // After the turn of the loop, so that callers who were woken by the same answer meet.
    setImmediate(() => {
      this.#isDue = false;
      this.#depart();
    });
  }

  #depart(): void {
    while (this.#waiting.length > 0 && this.#flights < flightsPerPartition) {
      const parts = this.#board();
      if (parts.length === 0) return;
      const rows = parts.flatMap(rowsOf);
      this.#flights += 1;
      for (const row of rows) this.#flying.add(row);
      void this.#fly(parts).finally(() => {
        this.#flights -= 1;
        for (const row of rows) this.#flying.delete(row);
        if (this.#waiting.length > 0) this.#depart();
        else if (this.#flights === 0) this.#onIdle();
      });
    }
  }

  /** As many parts as fit a transaction; a row that is under way already waits for the next. */
  #board(): readonly Part[] {
    const aboard: Part[] = [];
    const left: Part[] = [];
    const rows = new Set(this.#flying);
    let writes = 0;
    let bytes = 0;
    for (const part of this.#waiting) {
      const keys = rowsOf(part);
      const fits =
        keys.every((key) => !rows.has(key)) &&
        (aboard.length === 0 ||
          (writes + keys.length <= maxTransactionWrites &&
            bytes + part.bytes <= maxTransactionBytes));
      // What stays behind keeps its place before later writes to the same row.
      for (const key of keys) rows.add(key);
      if (!fits) left.push(part);
      else {
        aboard.push(part);
        writes += keys.length;
        bytes += part.bytes;
      }
    }
    this.#waiting = left;
    return aboard;
  }

  async #fly(parts: readonly Part[]): Promise<void> {
    const [first] = parts;
    if (first === undefined) return;
    if (parts.length === 1) return settle(first);
    try {
      const etags = await this.#store.transaction(
        this.#table,
        parts.flatMap(({ writes }) => writes),
      );
      let at = 0;
      for (const { writes, resolve } of parts) {
        resolve(etags.slice(at, at + writes.length));
        at += writes.length;
      }
    } catch (error) {
      if (!isRefusal(error)) {
        for (const { reject } of parts) reject(error);
        return;
      }
      for (const part of parts) await settle(part);
    }
  }
}

function rowsOf({ writes }: Part): readonly string[] {
  return writes.map((write) => keysOf(write).rowKey);
}

async function settle({ alone, resolve, reject }: Part): Promise<void> {
  try {
    resolve(await alone());
  } catch (error) {
    reject(error);
  }
}

/** An answer that proves that nothing was written. */
function isRefusal(error: unknown): boolean {
  return isConflict(error) || (error instanceof TableError && error.code === "FAILED");
}

/** The same store with fewer requests; reads are not touched. */
export function createGatheringTableStore(store: TableStore): TableStore {
  const partitions = new Map<string, Partition>();
  const gather = (
    table: string,
    writes: readonly Write[],
    alone: Part["alone"],
  ): Promise<readonly string[]> => {
    const [first] = writes;
    if (first === undefined) return Promise.resolve([]);
    const name = `${table}\n${keysOf(first).partitionKey}`;
    const partition =
      partitions.get(name) ?? new Partition(store, table, () => partitions.delete(name));
    partitions.set(name, partition);
    const bytes = writes.reduce((sum, write) => sum + sizeOf(write), 0);
    return new Promise((resolve, reject) =>
      partition.add({ writes, bytes, alone, resolve, reject }),
    );
  };
  return {
    get: (table, keys) => store.get(table, keys),
    query: (table, query) => store.query(table, query),
    write: async (table, write) => {
      const [etag] = await gather(table, [write], async () => [await store.write(table, write)]);
      return etag ?? "";
    },
    transaction: (table, writes) => gather(table, writes, () => store.transaction(table, writes)),
  };
}
