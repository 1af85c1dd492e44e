import fc from "fast-check";
import { describe, expect, it } from "@jest/globals";
import { createGatheringTableStore } from "../../../../functions/src/platform/gathering-table-store.ts";
import { TableError } from "../../../../functions/src/platform/table-store.ts";
import type { TableStore, Write } from "../../../../functions/src/platform/table-store.ts";
import { createCountingStore } from "../../../support/counting-table-store.ts";
import { MemoryTableStore } from "../../../support/memory-table-store.ts";

const insert = (rowKey: string, value = rowKey, partitionKey = "p"): Write => ({
  kind: "insert",
  row: { partitionKey, rowKey, columns: { value } },
});

function createWorld(wrap: (store: TableStore) => TableStore = (store) => store) {
  const memory = new MemoryTableStore();
  const counting = createCountingStore(wrap(memory));
  return { memory, counting, store: createGatheringTableStore(counting) };
}

describe("writes that are gathered", () => {
  it("travel together when they are made together", async () => {
    const { counting, memory, store } = createWorld();

    const etags = await Promise.all(
      Array.from({ length: 90 }, (_, index) => store.write("t", insert(`row ${index}`))),
    );

    expect(counting.total()).toBe(1);
    expect(new Set(etags).size).toBe(90);
    expect(memory.rows("t")).toHaveLength(90);
  });

  it("go together when they come while others are under way", async () => {
    const { counting, store } = createWorld();
    const first = store.write("t", insert("first"));
    await new Promise((resolve) => setImmediate(resolve));

    const more = Array.from({ length: 40 }, (_, index) => store.write("t", insert(`row ${index}`)));
    await Promise.all([first, ...more]);

    expect(counting.total()).toBe(2);
  });

  it("keep to a hundred writes of one partition", async () => {
    const { counting, memory, store } = createWorld();

    await Promise.all(
      Array.from({ length: 250 }, (_, index) =>
        store.write("t", insert(`row ${index}`, "x", index % 2 === 0 ? "even" : "odd")),
      ),
    );

    expect(counting.total()).toBe(4);
    expect(memory.rows("t")).toHaveLength(250);
  });

  it("hurt nobody but the one that meets a conflict", async () => {
    const { memory, store } = createWorld();
    await memory.write("t", insert("taken"));

    const results = await Promise.allSettled([
      store.write("t", insert("a")),
      store.write("t", insert("taken", "again")),
      store.transaction("t", [insert("b"), insert("c")]),
      store.transaction("t", [insert("d"), insert("taken", "again")]),
    ]);

    expect(results.map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
      "rejected",
    ]);
    expect(results[1]).toMatchObject({ reason: { code: "EXISTS" } });
    // All or nothing holds for what a caller wanted together.
    expect(memory.rows("t").map(({ rowKey }) => rowKey)).toEqual(["a", "b", "c", "taken"]);
  });

  it("get no answer together when storage gives none", async () => {
    const away = new TableError("UNAVAILABLE", "t");
    const { counting, store } = createWorld((inner) => ({
      ...inner,
      transaction: () => Promise.reject(away),
    }));

    const results = await Promise.allSettled([
      store.write("t", insert("a")),
      store.write("t", insert("b")),
    ]);

    expect(results).toEqual([
      { status: "rejected", reason: away },
      { status: "rejected", reason: away },
    ]);
    // Trying each alone would knock at a closed door as often as there are callers.
    expect(counting.total()).toBe(1);
  });

  it("to one row are made in the order in which they came", async () => {
    const { memory, store } = createWorld();
    const upsert = (value: string): Write => ({
      kind: "upsert",
      row: { partitionKey: "p", rowKey: "row", columns: { value } },
    });

    await Promise.all([
      store.write("t", upsert("1")),
      store.write("t", insert("other")),
      store.write("t", upsert("2")),
      store.write("t", upsert("3")),
    ]);

    expect(memory.rows("t").find(({ rowKey }) => rowKey === "row")?.columns).toEqual({
      value: "3",
    });
  });

  it("have the answers and effects that they would have one after the other", async () => {
    const part = fc.array(fc.tuple(fc.constantFrom("insert", "delete"), fc.nat({ max: 5 })), {
      minLength: 1,
      maxLength: 3,
    });
    const toWrites = (items: readonly (readonly [string, number])[]): readonly Write[] =>
      [...new Map(items.map((item) => [item[1], item])).values()].map(([kind, row]) =>
        kind === "insert"
          ? insert(`row ${row}`)
          : { kind: "delete", keys: { partitionKey: "p", rowKey: `row ${row}` } },
      );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 12 }), async (parts) => {
        const { memory, store } = createWorld();
        const alone = new MemoryTableStore();

        const together = await Promise.allSettled(
          parts.map((items) => store.transaction("t", toWrites(items))),
        );
        const inOrder: PromiseSettledResult<unknown>["status"][] = [];
        for (const items of parts) {
          const [result] = await Promise.allSettled([alone.transaction("t", toWrites(items))]);
          inOrder.push(result.status);
        }

        expect(together.map(({ status }) => status)).toEqual(inOrder);
        expect(memory.rows("t").map(({ rowKey }) => rowKey)).toEqual(
          alone.rows("t").map(({ rowKey }) => rowKey),
        );
      }),
      { numRuns: 200, seed: 20261127 },
    );
  });
});
