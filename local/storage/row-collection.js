// Loaded before Azurite: keeps the rows of a table by partition and key. Azurite's own database keeps two sorted
// lists over all rows of a table and moves their tails with every write (an update is a removal and an insertion),
// and its queries look at every row there is: with 400,000 rows a write takes milliseconds, a query seconds.
import BTreeModule from "sorted-btree";
import StoreModule from "azurite/dist/src/table/persistence/LokiTableMetadataStore.js";

/** As much of a LokiJS collection as Azurite's table service uses. */
export class RowCollection {
  constructor(name) {
    this.name = name;
    this.partitions = new Map();
    this.sortedNames = undefined;
    /** Of the query that is about to ask. */
    this.nextFilter = undefined;
  }

  findOne({ PartitionKey, RowKey }) {
    return this.partitions.get(PartitionKey)?.rows.get(RowKey) ?? null;
  }

  insert(row) {
    const { PartitionKey, RowKey } = row;
    let partition = this.partitions.get(PartitionKey);
    if (partition === undefined) {
      partition = { rows: new Map(), keys: undefined };
      this.partitions.set(PartitionKey, partition);
      this.sortedNames = undefined;
    }
    if (!partition.rows.has(RowKey)) partition.keys?.set(RowKey);
    partition.rows.set(RowKey, row);
    return row;
  }

  update(row) {
    return this.insert(row);
  }

  remove({ PartitionKey, RowKey }) {
    const partition = this.partitions.get(PartitionKey);
    if (partition?.rows.delete(RowKey) !== true) return;
    partition.keys?.delete(RowKey);
    if (partition.rows.size > 0) return;
    this.partitions.delete(PartitionKey);
    this.sortedNames = undefined;
  }

  /** In the order of the keys, so that what follows sorts in vain. */
  chain() {
    const filter = this.nextFilter;
    this.nextFilter = undefined;
    return new RowQuery(this, filter);
  }

  /** In the order of the keys; what is outside of the bounds is never looked at. */
  *inOrder({ partitions, rows }) {
    const isOne = partitions.from !== undefined && partitions.from === partitions.to;
    if (!isOne) this.sortedNames ??= [...this.partitions.keys()].sort();
    for (const name of isOne ? [partitions.from] : within(this.sortedNames, partitions)) {
      const partition = this.partitions.get(name);
      if (partition === undefined) continue;
      for (const key of sortedKeys(partition, rows)) yield partition.rows.get(key);
    }
  }
}

/** Sorted by the first query, and kept so: many partitions are never asked for a range. */
function* sortedKeys(partition, { from, to }) {
  partition.keys ??= new BTree([...partition.rows.keys()].sort().map((key) => [key]));
  for (const key of partition.keys.keys(from)) {
    if (to !== undefined && key > to) return;
    yield key;
  }
}

function* within(sorted, { from, to }) {
  let at = from === undefined ? 0 : firstFrom(sorted, from);
  for (; at < sorted.length && (to === undefined || sorted[at] <= to); at += 1) yield sorted[at];
}

/** Index of the first that is not below `text`. */
function firstFrom(sorted, text) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

class RowQuery {
  #rows;
  #bounds;
  #conditions = [];
  #limit = Infinity;

  constructor(rows, filter) {
    this.#rows = rows;
    this.#bounds = toBounds(filter);
  }

  where(condition) {
    this.#conditions.push(condition);
    return this;
  }

  sort() {
    return this;
  }

  limit(count) {
    this.#limit = count;
    return this;
  }

  data() {
    const found = [];
    for (const row of this.#rows.inOrder(this.#bounds)) {
      if (!this.#conditions.every((condition) => condition(row))) continue;
      found.push(row);
      if (found.length >= this.#limit) break;
    }
    return found;
  }
}

/** What a filter that joins its conditions by "and" says of the keys, both ends taken in; every row is still asked. */
function toBounds(filter = "") {
  const bounds = { partitions: {}, rows: {} };
  if (/\b(or|not)\b/i.test(filter.replace(/'(?:[^']|'')*'/g, ""))) return bounds;
  for (const [, key, operator, quoted] of filter.matchAll(condition)) {
    if (operator === "ne" || !(key in names)) continue;
    const own = bounds[names[key]];
    const text = quoted.replaceAll("''", "'");
    if (operator !== "lt" && operator !== "le") own.from = text;
    if (operator !== "gt" && operator !== "ge") own.to = text;
  }
  return bounds;
}

const names = { PartitionKey: "partitions", RowKey: "rows" };
/** Of any column, so that what stands inside of a text is never taken for a condition. */
const condition = /\b(\w+) (eq|ne|ge|gt|le|lt) '((?:[^']|'')*)'/g;

const { default: Store } = StoreModule;
const { default: BTree } = BTreeModule;
// The database that Azurite itself loads, whichever copy of LokiJS that is.
const Loki = Object.getPrototypeOf(new Store("unused", true).db);
const { addCollection } = Loki;

Loki.addCollection = function (name, options) {
  if (!options?.indices?.includes("RowKey")) return addCollection.call(this, name, options);
  const rows = new RowCollection(name);
  this.collections.push(rows);
  return rows;
};

const { queryTableEntities } = Store.prototype;

Store.prototype.queryTableEntities = function (context, account, table, options, ...next) {
  // Asked for in the same turn: the original reaches `chain` before it waits for anything.
  this.getEntityCollection(account, table, context).nextFilter = options?.filter;
  return queryTableEntities.call(this, context, account, table, options, ...next);
};
