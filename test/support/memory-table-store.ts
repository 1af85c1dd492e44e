import { keysOf, TableError } from "../../functions/src/platform/table-store.ts";
import type { TableCatalog } from "../../functions/src/platform/table-catalog.ts";
import type {
  Row,
  RowKeys,
  RowPage,
  RowQuery,
  StoredRow,
  TableStore,
  Write,
} from "../../functions/src/platform/table-store.ts";

const maxWrites = 100;

/** Azure Tables' rules for one process: ETags, entity-group transactions, order by key. */
export class MemoryTableStore implements TableStore, TableCatalog {
  readonly #tables = new Map<string, Map<string, StoredRow>>();
  #version = 0;

  get(table: string, keys: RowKeys): Promise<StoredRow | undefined> {
    return Promise.resolve(this.#tables.get(table)?.get(idOf(keys)));
  }

  async write(table: string, write: Write): Promise<string> {
    return (await this.transaction(table, [write]))[0] ?? "";
  }

  async transaction(table: string, writes: readonly Write[]): Promise<readonly string[]> {
    // Callers await their own clock in between, as with a real service.
    await Promise.resolve();
    checkTransaction(table, writes);
    const rows = this.#tables.get(table) ?? new Map<string, StoredRow>();
    for (const write of writes) checkWrite(table, rows, write);
    this.#tables.set(table, rows);
    return writes.map((write) => this.#apply(rows, write));
  }

  async query(table: string, query: RowQuery): Promise<RowPage> {
    await Promise.resolve();
    const { partitionKey, from = "", below } = query;
    if (query.continuation?.includes("\n") === false) {
      throw new TableError("CONTINUATION_INVALID", table);
    }
    const all = this.rows(table).filter(
      (row) =>
        (typeof partitionKey === "string"
          ? row.partitionKey === partitionKey
          : row.partitionKey >= partitionKey.from && row.partitionKey < partitionKey.below) &&
        row.rowKey >= from &&
        (below === undefined || row.rowKey < below) &&
        (query.continuation === undefined || idOf(row) >= query.continuation),
    );
    const limit = query.limit ?? 1_000;
    const rows = all.slice(0, limit).map((row) => select(row, query.select));
    const next = all[limit];
    return next === undefined ? { rows } : { rows, continuation: idOf(next) };
  }

  /** Everything in a table, in key order. */
  rows(table: string): readonly StoredRow[] {
    const rows = [...(this.#tables.get(table)?.values() ?? [])];
    return rows.sort((a, b) =>
      a.partitionKey === b.partitionKey
        ? compare(a.rowKey, b.rowKey)
        : compare(a.partitionKey, b.partitionKey),
    );
  }

  tableNames(): readonly string[] {
    return [...this.#tables.keys()].sort(compare);
  }

  names(): Promise<readonly string[]> {
    return Promise.resolve(this.tableNames());
  }

  /** The same rows, from which the two then go their own ways. */
  copyTo(other: MemoryTableStore): void {
    for (const [table, rows] of this.#tables) other.#tables.set(table, new Map(rows));
    other.#version = this.#version;
  }

  drop(table: string): Promise<void> {
    this.#tables.delete(table);
    return Promise.resolve();
  }

  #apply(rows: Map<string, StoredRow>, write: Write): string {
    const id = idOf(keysOf(write));
    if (write.kind === "delete") {
      rows.delete(id);
      return "";
    }
    const etag = `W/"${(this.#version += 1)}"`;
    const before = write.kind === "merge" ? rows.get(id)?.columns : undefined;
    rows.set(id, { ...write.row, columns: { ...before, ...write.row.columns }, etag });
    return etag;
  }
}

function checkTransaction(table: string, writes: readonly Write[]): void {
  const partitions = new Set(writes.map((write) => keysOf(write).partitionKey));
  const keys = new Set(writes.map((write) => keysOf(write).rowKey));
  if (writes.length > maxWrites || partitions.size > 1 || keys.size < writes.length) {
    throw new TableError("FAILED", table, "more than 100 writes, two partitions or one row twice");
  }
  for (const write of writes) checkKeys(table, keysOf(write));
}

function checkKeys(table: string, keys: RowKeys): void {
  for (const key of [keys.partitionKey, keys.rowKey]) {
    if (/[/\\#?\u0000-\u001f\u007f-\u009f]/.test(key) || key.length > 512) {
      throw new TableError("FAILED", table, `the key ${key} is not allowed`);
    }
  }
}

function checkWrite(table: string, rows: Map<string, StoredRow>, write: Write): void {
  const stored = rows.get(idOf(keysOf(write)));
  if (write.kind === "insert") {
    if (stored !== undefined) throw new TableError("EXISTS", table);
  } else if (write.kind !== "upsert") {
    if (stored === undefined) throw new TableError("ABSENT", table);
    if (write.kind !== "delete" && write.etag !== "*" && write.etag !== stored.etag) {
      throw new TableError("CHANGED", table);
    }
  }
  if (write.kind !== "delete") checkColumns(table, write.row);
}

/** An entity may have 1 MiB, names and all; text takes two bytes a character. */
const maxEntityBytes = 1024 * 1024;

function checkColumns(table: string, row: Row): void {
  const bytes = Object.entries(row.columns).reduce((sum, [name, value]) => {
    const size = value instanceof Uint8Array ? value.byteLength : 2 * String(value).length;
    return sum + 8 + 2 * name.length + size;
  }, 0);
  if (bytes > maxEntityBytes) throw new TableError("FAILED", table, "entity too large");
  for (const [name, value] of Object.entries(row.columns)) {
    const tooLong =
      (typeof value === "string" && value.length > 32_768) ||
      (value instanceof Uint8Array && value.byteLength > 65_536);
    const tooBig = typeof value === "number" && Number.isInteger(value) && value !== (value | 0);
    if (tooLong || tooBig) throw new TableError("FAILED", table, `column ${name}`);
  }
}

function select(row: StoredRow, names: readonly string[] | undefined): StoredRow {
  if (names === undefined) return row;
  const columns = Object.entries(row.columns).filter(([name]) => names.includes(name));
  return { ...row, columns: Object.fromEntries(columns) };
}

function idOf(keys: RowKeys): string {
  return `${keys.partitionKey}\n${keys.rowKey}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
