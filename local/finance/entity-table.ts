import type { FilterNode } from "../odata/odata-query.ts";
import type { EntitySet } from "./entity-sets.ts";
import { FinanceError } from "./finance-error.ts";

export interface StoredRow {
  readonly recId: number;
  /** Rises with every change; the etag is made of it. */
  version: number;
  /** Columns never written are read through to the entity's defaults. */
  readonly values: Record<string, unknown>;
}

/** Rows of one entity set in the order in which they were written; keys and texts ignore case. */
export class EntityTable {
  readonly set: EntitySet;
  readonly #nextRecId: () => number;
  readonly #rows = new Map<string, StoredRow>();
  readonly #indexes: ReadonlyMap<string, Map<string, Set<StoredRow>>>;

  constructor(set: EntitySet, nextRecId: () => number) {
    this.set = set;
    this.#nextRecId = nextRecId;
    this.#indexes = new Map(set.indexed.map((column) => [column, new Map()]));
  }

  get rows(): readonly StoredRow[] {
    return [...this.#rows.values()];
  }

  insert(values: Readonly<Record<string, unknown>>): StoredRow {
    const row: StoredRow = {
      recId: this.#nextRecId(),
      version: 1,
      values: Object.assign(Object.create(this.set.defaults) as Record<string, unknown>, values),
    };
    const key = this.#keyOf(row.values);
    if (this.#rows.has(key)) {
      throw new FinanceError(
        "WRITE_FAILED",
        `Cannot create a record in ${this.set.entityType}. The record already exists.`,
      );
    }
    this.#rows.set(key, row);
    this.#index(row);
    return row;
  }

  update(row: StoredRow, change: Readonly<Record<string, unknown>>): void {
    const oldKey = this.#keyOf(row.values);
    this.#unindex(row);
    Object.assign(row.values, change);
    row.version += 1;
    const key = this.#keyOf(row.values);
    // A row keeps its place unless its key changed.
    if (key !== oldKey) this.#rows.delete(oldKey);
    this.#rows.set(key, row);
    this.#index(row);
  }

  delete(row: StoredRow): void {
    this.#unindex(row);
    this.#rows.delete(this.#keyOf(row.values));
  }

  find(keys: Readonly<Record<string, unknown>>): StoredRow | undefined {
    return this.#rows.get(this.#keyOf(keys));
  }

  /** Rows with this text or number in an indexed column. */
  findBy(column: string, value: unknown): readonly StoredRow[] {
    return [...(this.#indexes.get(column)?.get(normalise(value)) ?? [])];
  }

  /** A superset of what the filter lets through, as small as the indexes allow. */
  candidates(filter: FilterNode | undefined): readonly StoredRow[] {
    for (const [column, index] of filter === undefined ? [] : this.#indexes) {
      const wanted = filter === undefined ? undefined : wantedValues(filter, column);
      if (wanted === undefined) continue;
      const found = new Set<StoredRow>();
      for (const value of wanted) {
        for (const row of index.get(value) ?? []) found.add(row);
      }
      return [...found].sort((left, right) => left.recId - right.recId);
    }
    return this.rows;
  }

  #keyOf(values: Readonly<Record<string, unknown>>): string {
    return JSON.stringify(this.set.keys.map((key) => normalise(values[key])));
  }

  #index(row: StoredRow): void {
    for (const [column, index] of this.#indexes) {
      const value = normalise(row.values[column]);
      const rows = index.get(value) ?? new Set();
      rows.add(row);
      index.set(value, rows);
    }
  }

  #unindex(row: StoredRow): void {
    for (const [column, index] of this.#indexes) {
      index.get(normalise(row.values[column]))?.delete(row);
    }
  }
}

/** The values that `column` must have for the filter to hold; undefined when the filter does not say. */
function wantedValues(filter: FilterNode, column: string): ReadonlySet<string> | undefined {
  if (filter.kind === "and") {
    return wantedValues(filter.left, column) ?? wantedValues(filter.right, column);
  }
  if (filter.kind === "or") {
    const left = wantedValues(filter.left, column);
    const right = left === undefined ? undefined : wantedValues(filter.right, column);
    return left === undefined || right === undefined ? undefined : new Set([...left, ...right]);
  }
  if (filter.kind !== "compare" || filter.operator !== "eq" || filter.path !== column) {
    return undefined;
  }
  const { value } = filter;
  if (value.type === "null" || value.type === "enum") return undefined;
  // A wildcard stands for more than one value.
  if (value.type === "string" && value.value.includes("*")) return undefined;
  return new Set([normalise(value.value)]);
}

function normalise(value: unknown): string {
  return typeof value === "string" ? value.toLowerCase() : String(value);
}
