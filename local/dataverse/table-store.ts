import { DataverseError, errorCodes } from "./dataverse-error.ts";
import type { TableMetadata } from "./table-metadata.ts";

/**
 * One table's rows with their indexes. Rows are never changed in place: a write replaces the row, so that
 * an undo only has to put the old one back.
 *
 * An alternate key is Pending → InProgress → Active or Failed; only an active one can be used in an
 * address, and only an active one keeps its values unique. Text compares without case, as in Dataverse.
 */
export type Scalar = string | number | boolean | null;
export type Row = Readonly<Record<string, Scalar>>;
type KeyStatus = "Pending" | "InProgress" | "Active" | "Failed";

export interface AlternateKey {
  readonly id: string;
  readonly schemaName: string;
  readonly logicalName: string;
  readonly displayName: string;
  readonly columns: readonly string[];
  status: KeyStatus;
  readonly index: Map<string, string>;
}

export class TableStore {
  readonly metadata: TableMetadata;
  readonly keys: AlternateKey[] = [];
  /** To the millisecond, where `createdon` knows seconds only; of rows that belong to no other row. */
  readonly createdAtMs = new Map<string, number>();
  readonly #rows = new Map<string, Row>();
  readonly #indexes = new Map<string, Map<string, Set<string>>>();

  constructor(metadata: TableMetadata) {
    this.metadata = metadata;
    for (const property of metadata.indexes) this.#indexes.set(property, new Map());
  }

  get size(): number {
    return this.#rows.size;
  }

  rows(): IterableIterator<Row> {
    return this.#rows.values();
  }

  byId(id: string): Row | undefined {
    return this.#rows.get(id.toLowerCase());
  }

  /** Rows whose property has the value, from an index; undefined when the property has none. */
  byIndex(property: string, values: readonly Scalar[]): readonly Row[] | undefined {
    const ids = this.#idsByIndex(property, values);
    if (ids === undefined) return undefined;
    return [...new Set(ids)].map((id) => this.#rows.get(id)).filter((row) => row !== undefined);
  }

  byKey(key: AlternateKey, values: readonly Scalar[]): Row | undefined {
    const id = key.index.get(toKeyText(values));
    return id === undefined ? undefined : this.#rows.get(id);
  }

  /** Writes the row, keeping every index; throws when an active key's values are taken. */
  put(row: Row): void {
    const id = this.idOf(row);
    const before = this.#rows.get(id);
    for (const key of this.keys) this.#checkKey(key, row, id);
    if (before !== undefined) this.#unindex(before, id);
    this.#rows.set(id, row);
    this.#index(row, id);
  }

  remove(id: string): void {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#unindex(row, id);
    this.#rows.delete(id);
    this.createdAtMs.delete(id);
  }

  /** Builds the key's index over the rows there are; two rows with the same values make it Failed. */
  activateKey(key: AlternateKey): void {
    for (const [id, row] of this.#rows) {
      const text = this.#keyText(key, row);
      if (text === undefined) continue;
      if (key.index.has(text)) {
        key.index.clear();
        key.status = "Failed";
        return;
      }
      key.index.set(text, id);
    }
    key.status = "Active";
  }

  keyPropertyOf(column: string): string {
    return this.metadata.columns.get(column)?.type === "Lookup" ? `_${column}_value` : column;
  }

  idOf(row: Row): string {
    return String(row[this.metadata.primaryId]);
  }

  #idsByIndex(property: string, values: readonly Scalar[]): readonly string[] | undefined {
    if (property === this.metadata.primaryId) {
      return values.map((value) => String(value).toLowerCase());
    }
    const index = this.#indexes.get(property);
    if (index !== undefined) {
      return values.flatMap((value) => [...(index.get(toKeyText([value])) ?? [])]);
    }
    const key = this.keys.find(
      ({ status, columns }) =>
        status === "Active" &&
        columns.length === 1 &&
        this.keyPropertyOf(columns[0] ?? "") === property,
    );
    return key === undefined
      ? undefined
      : values.flatMap((value) => key.index.get(toKeyText([value])) ?? []);
  }

  #checkKey(key: AlternateKey, row: Row, id: string): void {
    if (key.status !== "Active") return;
    const text = this.#keyText(key, row);
    const owner = text === undefined ? undefined : key.index.get(text);
    if (owner === undefined || owner === id) return;
    throw new DataverseError(
      412,
      errorCodes.duplicateKey,
      `Entity Key ${key.displayName} violated. A record with the same value for ${key.columns.join(", ")} already exists. A duplicate record cannot be created. Select one or more unique values and try again.`,
    );
  }

  #index(row: Row, id: string): void {
    for (const key of this.keys) {
      const text = key.status === "Active" ? this.#keyText(key, row) : undefined;
      if (text !== undefined) key.index.set(text, id);
    }
    for (const [property, index] of this.#indexes) {
      const text = toKeyText([row[property] ?? null]);
      const ids = index.get(text);
      if (ids === undefined) index.set(text, new Set([id]));
      else ids.add(id);
    }
  }

  #unindex(row: Row, id: string): void {
    for (const key of this.keys) {
      const text = this.#keyText(key, row);
      if (text !== undefined && key.index.get(text) === id) key.index.delete(text);
    }
    for (const [property, index] of this.#indexes) {
      const text = toKeyText([row[property] ?? null]);
      const ids = index.get(text);
      ids?.delete(id);
      if (ids?.size === 0) index.delete(text);
    }
  }

  /** Rows with an empty key column are outside the key. */
  #keyText(key: AlternateKey, row: Row): string | undefined {
    const values = key.columns.map((column) => row[this.keyPropertyOf(column)] ?? null);
    return values.includes(null) ? undefined : toKeyText(values);
  }
}

function toKeyText(values: readonly Scalar[]): string {
  return values.map((value) => String(value).toLowerCase()).join("\u0000");
}
