/*
 * Items of a replay in its partition, twenty to a row, each in a column of its own: a chunk that settles is a few
 * rows and not a hundred, and who changes some of a row's items sends only those.
 */
import { writeAll } from "../../delivery/batch-writes.ts";
import type { ColumnValue, Row, TableStore, Write } from "../../platform/table-store.ts";
import type { ReplayItem } from "./replay-job.ts";

interface Partition {
  readonly table: string;
  readonly partitionKey: string;
}

/** An item is at most 30 KB of UTF-16 (its failure's summary, twenty changes), a row 1 MiB. */
const itemsPerRow = 20;
const columnShape = /^item(\d+)$/;

/**
 * Makes them, in the order of their numbers. Whatever else is in their rows stays: a planner that was held up for
 * longer than its lease must not take away what its successor has planned since.
 */
export async function addItems(
  store: TableStore,
  partition: Partition,
  items: readonly ReplayItem[],
): Promise<void> {
  const rows = toRows(partition, items);
  const isNew = (row: Row): boolean => toColumn(0) in row.columns;
  const taken = await write(store, partition, rows.filter(isNew), (row) => ({
    kind: "insert",
    row,
  }));
  const begun = [...taken, ...rows.filter((row) => !isNew(row))];
  refuse(await write(store, partition, begun, toMerge));
}

/** Items that are there. Throws for a row that is not: nothing would say how its items ended. */
export async function saveItems(
  store: TableStore,
  partition: Partition,
  items: readonly ReplayItem[],
): Promise<void> {
  refuse(await write(store, partition, toRows(partition, items), toMerge));
}

function toMerge(row: Row): Write {
  return { kind: "merge", row, etag: "*" };
}

/** No conflict: that would be taken for a lost lease, and the next runner would meet the same. */
function refuse([missing]: readonly Row[]): void {
  if (missing === undefined) return;
  throw new RangeError(`items of the replay ${missing.partitionKey} are gone: ${missing.rowKey}`);
}

function toRows({ partitionKey }: Partition, items: readonly ReplayItem[]): readonly Row[] {
  const rows = new Map<number, ReplayItem[]>();
  for (const item of items) {
    const place = Math.floor(item.number / itemsPerRow);
    const row = rows.get(place);
    if (row === undefined) rows.set(place, [item]);
    else row.push(item);
  }
  return [...rows].map(([place, own]) => ({
    partitionKey,
    rowKey: toRowKey(place),
    columns: toColumns(own),
  }));
}

/** Those that met a conflict: the row is there, or is not. */
async function write(
  store: TableStore,
  { table }: Partition,
  rows: readonly Row[],
  toWrite: (row: Row) => Write,
): Promise<readonly Row[]> {
  const results = await writeAll(
    store,
    rows.map((row) => ({ table, write: toWrite(row) })),
  );
  return rows.filter((_row, index) => results[index]?.kind === "conflict");
}

/** In the order of their numbers, `below` not among them. */
export async function readItems(
  store: TableStore,
  { table, partitionKey }: Partition,
  from: number,
  below: number,
): Promise<readonly ReplayItem[]> {
  const items: ReplayItem[] = [];
  let continuation: string | undefined;
  do {
    const page = await store.query(table, {
      partitionKey,
      from: toRowKey(Math.floor(from / itemsPerRow)),
      below: toRowKey(Math.ceil(below / itemsPerRow)),
      ...(continuation === undefined ? {} : { continuation }),
    });
    items.push(...page.rows.flatMap(toItems));
    continuation = page.continuation;
  } while (continuation !== undefined);
  return items.filter(({ number }) => number >= from && number < below);
}

/** The items of one row. */
export function toItems({ columns }: Pick<Row, "columns">): readonly ReplayItem[] {
  return Object.entries(columns)
    .filter(([name]) => columnShape.test(name))
    .map(([, item]) => JSON.parse(String(item)) as ReplayItem)
    .sort((a, b) => a.number - b.number);
}

/** Of a row with nothing but these. */
export function toColumns(items: readonly ReplayItem[]): Readonly<Record<string, ColumnValue>> {
  return Object.fromEntries(items.map((item) => [toColumn(item.number), JSON.stringify(item)]));
}

function toColumn(number: number): string {
  return `item${number % itemsPerRow}`;
}

function toRowKey(place: number): string {
  return String(place).padStart(8, "0");
}
