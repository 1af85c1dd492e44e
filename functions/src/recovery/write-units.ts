import { maxTransactionBytes, sizeOf } from "../platform/transaction-size.ts";
import { isConflict, keysOf, maxTransactionWrites } from "../platform/table-store.ts";
import { inParallel } from "../delivery/batch-writes.ts";
import type { TableStore, Write } from "../platform/table-store.ts";

/** Transactions under way at once. */
const parallel = 4;

/**
 * Writes that belong together (one partition, all or nothing), many such units in few requests. True for
 * a unit that was written, false for one that somebody else was faster with. Throws for everything that is
 * not a conflict.
 */
export async function writeUnits(
  store: TableStore,
  table: string,
  units: readonly (readonly Write[])[],
): Promise<readonly boolean[]> {
  const written: boolean[] = units.map(() => false);
  await inParallel(toGroups(units), parallel, async (group) => {
    for (const index of await writeGroup(store, table, units, group)) written[index] = true;
  });
  return written;
}

interface Group {
  readonly places: number[];
  readonly rows: Set<string>;
  writes: number;
  bytes: number;
}

/** Places of the units that go into one transaction, which may have a row once: not two units with one in common. */
function toGroups(units: readonly (readonly Write[])[]): readonly (readonly number[])[] {
  const groups: number[][] = [];
  const current = new Map<string, Group>();
  for (const [index, unit] of units.entries()) {
    const [first] = unit;
    if (first === undefined) continue;
    const partition = keysOf(first).partitionKey;
    const rows = unit.map((write) => keysOf(write).rowKey);
    const bytes = unit.reduce((sum, write) => sum + sizeOf(write), 0);
    let entry = current.get(partition);
    if (
      entry === undefined ||
      entry.writes + unit.length > maxTransactionWrites ||
      entry.bytes + bytes > maxTransactionBytes ||
      rows.some((row) => entry?.rows.has(row))
    ) {
      entry = { places: [], rows: new Set(), writes: 0, bytes: 0 };
      current.set(partition, entry);
      groups.push(entry.places);
    }
    entry.places.push(index);
    for (const row of rows) entry.rows.add(row);
    entry.writes += unit.length;
    entry.bytes += bytes;
  }
  return groups;
}

async function writeGroup(
  store: TableStore,
  table: string,
  units: readonly (readonly Write[])[],
  group: readonly number[],
): Promise<readonly number[]> {
  try {
    await store.transaction(
      table,
      group.flatMap((index) => units[index] ?? []),
    );
    return group;
  } catch (error) {
    if (!isConflict(error)) throw error;
    if (group.length === 1) return [];
    const written: number[] = [];
    for (const index of group) {
      written.push(...(await writeGroup(store, table, units, [index])));
    }
    return written;
  }
}
