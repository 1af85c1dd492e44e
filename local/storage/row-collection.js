// Preloaded into Azurite: keeps the rows of a table by partition and key. Azurite's own database keeps two sorted
// lists over all rows of a table and moves their tails with every write (an update is a removal and an insertion),
// and its queries look at every row there is: with 400,000 rows a write takes milliseconds, a query seconds.
import { createRequire } from "node:module";

/** As much of a LokiJS collection as Azurite's table service uses. */
export class RowCollection {
  constructor(name) {
    this.name = name;
    this.partitions = new Map();
    this.sortedNames = undefined;
    /** Of the query that is about to ask; it begins with the condition on the partition. */
    this.nextFilter = undefined;
  }

  findOne({ PartitionKey, RowKey }) {
    return this.partitions.get(PartitionKey)?.rows.get(RowKey) ?? null;
  }

  insert(row) {
    const { PartitionKey, RowKey } = row;
    let partition = this.partitions.get(PartitionKey);
    if (partition === undefined) {
      partition = { rows: new Map(), sortedKeys: undefined };
      this.partitions.set(PartitionKey, partition);
      this.sortedNames = undefined;
    }
    if (!partition.rows.has(RowKey)) partition.sortedKeys = undefined;
    partition.rows.set(RowKey, row);
    return row;
  }

  update(row) {
    return this.insert(row);
  }

  remove({ PartitionKey, RowKey }) {
    const partition = this.partitions.get(PartitionKey);
    if (partition?.rows.delete(RowKey) !== true) return;
    partition.sortedKeys = undefined;
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

  *inOrder(isWanted) {
    this.sortedNames ??= [...this.partitions.keys()].sort();
    for (const name of this.sortedNames) {
      const partition = isWanted(name) ? this.partitions.get(name) : undefined;
      if (partition === undefined) continue;
      partition.sortedKeys ??= [...partition.rows.keys()].sort();
      for (const key of partition.sortedKeys) yield partition.rows.get(key);
    }
  }
}

class RowQuery {
  #rows;
  #isWanted;
  #conditions = [];
  #limit = Infinity;

  constructor(rows, filter) {
    this.#rows = rows;
    this.#isWanted = toPartitionCondition(filter);
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
    for (const row of this.#rows.inOrder(this.#isWanted)) {
      if (!this.#conditions.every((condition) => condition(row))) continue;
      found.push(row);
      if (found.length >= this.#limit) break;
    }
    return found;
  }
}

/** What a filter says about the partition where it says so first and by "and"; every row is still asked. */
function toPartitionCondition(filter = "") {
  if (/\b(or|not)\b/i.test(filter.replace(/'(?:[^']|'')*'/g, ""))) return () => true;
  const text = (pattern) => pattern.exec(filter)?.[1]?.replaceAll("''", "'");
  const equal = text(/^PartitionKey eq '((?:[^']|'')*)'/);
  if (equal !== undefined) return (name) => name === equal;
  const from = text(/^PartitionKey ge '((?:[^']|'')*)'/);
  const below = text(/^PartitionKey ge '(?:[^']|'')*' and PartitionKey lt '((?:[^']|'')*)'/);
  return (name) => (from === undefined || name >= from) && (below === undefined || name < below);
}

const require = createRequire(import.meta.url);
const fromAzurite = createRequire(require.resolve("azurite/package.json"));
const Loki = fromAzurite("lokijs");
const { addCollection } = Loki.prototype;

Loki.prototype.addCollection = function (name, options) {
  if (!options?.indices?.includes("RowKey")) return addCollection.call(this, name, options);
  const rows = new RowCollection(name);
  this.collections.push(rows);
  return rows;
};

const { default: Store } = fromAzurite("./dist/src/table/persistence/LokiTableMetadataStore.js");
const { queryTableEntities } = Store.prototype;

Store.prototype.queryTableEntities = function (context, account, table, options, ...next) {
  // Asked for in the same turn: the original reaches `chain` before it waits for anything.
  this.getEntityCollection(account, table, context).nextFilter = options?.filter;
  return queryTableEntities.call(this, context, account, table, options, ...next);
};
