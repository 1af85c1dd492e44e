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

/** An item is at most 30 KB (its failure's summary, twenty changes), a row 1 MiB. */
const itemsPerRow = 20;
const columnShape = /^item(\d+)$/;

/** Makes them, in the order of their numbers; what was there from the first one on is written over. */
export function addItems(
  store: TableStore,
  partition: Partition,
  items: readonly ReplayItem[],
): Promise<void> {
  return write(store, partition, items, (row) =>
    toColumn(0) in row.columns ? { kind: "upsert", row } : { kind: "merge", row, etag: "*" },
  );
}

/** Items that are there. Throws ABSENT for a row that is not: nothing of it would say how they ended. */
export function saveItems(
  store: TableStore,
  partition: Partition,
  items: readonly ReplayItem[],
): Promise<void> {
  return write(store, partition, items, (row) => ({ kind: "merge", row, etag: "*" }));
}

async function write(
  store: TableStore,
  { table, partitionKey }: Partition,
  items: readonly ReplayItem[],
  toWrite: (row: Row) => Write,
): Promise<void> {
  const rows = new Map<number, ReplayItem[]>();
  for (const item of items) {
    const place = Math.floor(item.number / itemsPerRow);
    const row = rows.get(place);
    if (row === undefined) rows.set(place, [item]);
    else row.push(item);
  }
  const writes = [...rows].map(([place, own]) => ({
    table,
    write: toWrite({ partitionKey, rowKey: toRowKey(place), columns: toColumns(own) }),
  }));
  for (const result of await writeAll(store, writes)) {
    if (result.kind === "conflict") throw result.error;
  }
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
