import { CausewayError } from "./causeway-error.ts";

/** Whole numbers must fit 32 bits (the client writes them as Int32); instants are ISO 8601 text. */
export type ColumnValue = string | number | boolean | Uint8Array;

export interface RowKeys {
  readonly partitionKey: string;
  readonly rowKey: string;
}

export interface Row extends RowKeys {
  readonly columns: Readonly<Record<string, ColumnValue>>;
}

export interface StoredRow extends Row {
  readonly etag: string;
}

/** `merge` keeps columns it does not name; `delete` is unconditional (its absence is ABSENT). */
export type Write =
  | { readonly kind: "insert"; readonly row: Row }
  | { readonly kind: "upsert"; readonly row: Row }
  | { readonly kind: "replace"; readonly row: Row; readonly etag: string }
  | { readonly kind: "merge"; readonly row: Row; readonly etag: string }
  | { readonly kind: "delete"; readonly keys: RowKeys };

export interface RowQuery {
  /** One partition, or (timers only: it may read much) a range of them. */
  readonly partitionKey: string | { readonly from: string; readonly below: string };
  /** Row keys from this one on. */
  readonly from?: string;
  /** Row keys below this one. */
  readonly below?: string;
  /** Only these columns. */
  readonly select?: readonly string[];
  readonly limit?: number;
  readonly continuation?: string;
}

export interface RowPage {
  readonly rows: readonly StoredRow[];
  /** Present when there may be more. */
  readonly continuation?: string;
}

/** Tables that do not exist yet are created by the first write and are empty for reads. */
export interface TableStore {
  get(table: string, keys: RowKeys): Promise<StoredRow | undefined>;
  /** The row's new ETag ("" for a delete). */
  write(table: string, write: Write): Promise<string>;
  /** All or nothing: at most 100 writes to one partition, each row once. ETags in the order given. */
  transaction(table: string, writes: readonly Write[]): Promise<readonly string[]>;
  query(table: string, query: RowQuery): Promise<RowPage>;
}

/**
 * EXISTS: insert of a row that is there. CHANGED: the ETag is not the row's. ABSENT: no such row.
 * UNAVAILABLE: no answer or busy. CONTINUATION_INVALID: not one that a page before gave, and people can type one;
 * everything else is FAILED.
 */
export type TableErrorCode =
  "EXISTS" | "CHANGED" | "ABSENT" | "UNAVAILABLE" | "CONTINUATION_INVALID" | "FAILED";

export class TableError extends CausewayError<TableErrorCode> {
  constructor(code: TableErrorCode, table: string, cause?: unknown) {
    super(code, `Table ${table}: ${code}`, {
      fate: code === "FAILED" || code === "CONTINUATION_INVALID" ? "permanent" : "transient",
      ids: { table },
      cause,
    });
    this.name = "TableError";
  }
}

/** https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions */
export const maxTransactionWrites = 100;

/** True for what another writer may cause: the caller reads again and decides anew. */
export function isConflict(thrown: unknown): thrown is TableError {
  return thrown instanceof TableError && ["EXISTS", "CHANGED", "ABSENT"].includes(thrown.code);
}

export function keysOf(write: Write): RowKeys {
  return write.kind === "delete" ? write.keys : write.row;
}
