import { isConflict, keysOf, maxTransactionWrites } from "../platform/table-store.ts";
import type { TableError, TableStore, Write } from "../platform/table-store.ts";
import { maxTransactionBytes, sizeOf } from "../platform/transaction-size.ts";

export interface TableWrite {
  readonly table: string;
  readonly write: Write;
}

export type WriteResult =
  | { readonly kind: "written"; readonly etag: string }
  | { readonly kind: "conflict"; readonly error: TableError };

/**
 * Independent writes in as few requests as there are partitions. Where a transaction meets a conflict
 * its writes are made one by one, so that one changed row costs only itself. Throws for everything
 * that is not a conflict.
 */
export async function writeAll(
  store: TableStore,
  writes: readonly TableWrite[],
): Promise<readonly WriteResult[]> {
  const results = new Map<TableWrite, WriteResult>();
  const groups = toGroups(writes);
  await inParallel(groups, 8, async (group) => {
    for (const [write, result] of await writeGroup(store, group)) results.set(write, result);
  });
  return writes.map((write) => resultOf(results, write));
}

/** Runs `work` for each item, a few at a time; the first failure is thrown after the rest has ended. */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) {
      try {
        await work(item);
      } catch (error) {
        failures.push(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
}

/** By table and partition, at most 100 writes and 3 MiB each, a row at most once per transaction. */
function toGroups(writes: readonly TableWrite[]): readonly (readonly TableWrite[])[] {
  const groups: TableWrite[][] = [];
  const current = new Map<string, { group: TableWrite[]; rows: Set<string>; bytes: number }>();
  for (const item of writes) {
    const { partitionKey, rowKey } = keysOf(item.write);
    const place = `${item.table}\n${partitionKey}`;
    const bytes = sizeOf(item.write);
    let entry = current.get(place);
    if (
      entry === undefined ||
      entry.group.length >= maxTransactionWrites ||
      entry.bytes + bytes > maxTransactionBytes ||
      entry.rows.has(rowKey)
    ) {
      entry = { group: [], rows: new Set(), bytes: 0 };
      current.set(place, entry);
      groups.push(entry.group);
    }
    entry.group.push(item);
    entry.rows.add(rowKey);
    entry.bytes += bytes;
  }
  return groups;
}

async function writeGroup(
  store: TableStore,
  group: readonly TableWrite[],
): Promise<readonly (readonly [TableWrite, WriteResult])[]> {
  const [first] = group;
  if (first === undefined) return [];
  if (group.length === 1) return [[first, await writeOne(store, first)]];
  try {
    const etags = await store.transaction(
      first.table,
      group.map((item) => item.write),
    );
    return group.map((item, index) => [item, { kind: "written", etag: etags[index] ?? "" }]);
  } catch (error) {
    if (!isConflict(error)) throw error;
    const results: (readonly [TableWrite, WriteResult])[] = [];
    for (const item of group) results.push([item, await writeOne(store, item)]);
    return results;
  }
}

async function writeOne(store: TableStore, item: TableWrite): Promise<WriteResult> {
  try {
    return { kind: "written", etag: await store.write(item.table, item.write) };
  } catch (error) {
    if (!isConflict(error)) throw error;
    return { kind: "conflict", error };
  }
}

function resultOf(results: ReadonlyMap<TableWrite, WriteResult>, write: TableWrite): WriteResult {
  const result = results.get(write);
  if (result === undefined) throw new RangeError("a write has no result");
  return result;
}
