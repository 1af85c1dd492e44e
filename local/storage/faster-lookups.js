// Preloaded into Azurite. It finds an entity by { PartitionKey, RowKey }, and its database takes the first
// column's index and then looks at every row of the partition: with 10,000 rows a write took 8 ms. Row keys
// are nearly unique, so asking for them first makes it independent of the partition's size.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const Loki = createRequire(require.resolve("azurite/package.json"))("lokijs");
const { Collection } = Loki;
const { findOne } = Collection.prototype;

Collection.prototype.findOne = function (query) {
  const { PartitionKey, RowKey, ...rest } = query ?? {};
  const reordered =
    PartitionKey === undefined || RowKey === undefined ? query : { RowKey, PartitionKey, ...rest };
  return findOne.call(this, reordered);
};
