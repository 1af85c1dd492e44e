import { describe, expect, it } from "@jest/globals";
import {
  addItems,
  readItems,
  saveItems,
} from "../../../../../functions/src/recovery/replay/item-rows.ts";
import type { ReplayItem } from "../../../../../functions/src/recovery/replay/replay-job.ts";
import { MemoryTableStore } from "../../../../support/memory-table-store.ts";

const partition = { table: "replays", partitionKey: "a-replay" };

function item(number: number, more: Partial<ReplayItem> = {}): ReplayItem {
  return {
    ...{ number, target: "ce", failureId: `f${number}`, failure: null, isRepair: false },
    ...{ settledAt: null, eventId: `e${number}`, time: "", businessKey: "", state: "planned" },
    ...{ generation: -1, outcome: "", changes: [] },
    ...more,
  };
}

function items(from: number, below: number): readonly ReplayItem[] {
  return Array.from({ length: below - from }, (_each, index) => item(from + index));
}

async function numbers(store: MemoryTableStore, from: number, below: number): Promise<string> {
  const read = await readItems(store, partition, from, below);
  return read.map(({ number }) => number).join(" ");
}

describe("the items of a replay", () => {
  it("are read in order and by number, whatever rows they share", async () => {
    const store = new MemoryTableStore();
    await addItems(store, partition, items(0, 13));
    await addItems(store, partition, items(13, 45));
    expect(await numbers(store, 0, 45)).toBe(
      items(0, 45)
        .map(({ number }) => number)
        .join(" "),
    );
    expect(await numbers(store, 11, 22)).toBe("11 12 13 14 15 16 17 18 19 20 21");
    expect(await numbers(store, 19, 20)).toBe("19");
    expect(await numbers(store, 45, 60)).toBe("");
  });

  it("stay as they are beside one that changes", async () => {
    const store = new MemoryTableStore();
    await addItems(store, partition, items(0, 25));
    await saveItems(store, partition, [item(0, { state: "sent" }), item(21, { state: "refused" })]);
    const read = await readItems(store, partition, 0, 25);
    expect(read).toEqual(
      items(0, 25).map((each) => ({
        ...each,
        state: each.number === 0 ? "sent" : each.number === 21 ? "refused" : "planned",
      })),
    );
  });

  it("are fewer when a planning that a crash ended is made again and finds fewer", async () => {
    const store = new MemoryTableStore();
    await addItems(store, partition, items(0, 5));
    await addItems(store, partition, items(5, 30));
    await addItems(store, partition, items(5, 8));
    // The job's total is eight by then: what lies behind it is nobody's.
    expect(await numbers(store, 0, 8)).toBe("0 1 2 3 4 5 6 7");
  });

  it("stay when a planner that was held up writes its own once more", async () => {
    const store = new MemoryTableStore();
    await addItems(store, partition, items(0, 7));
    await addItems(store, partition, items(7, 30));
    await addItems(store, partition, items(0, 7));
    expect(await readItems(store, partition, 0, 30)).toHaveLength(30);
  });

  it("cannot be saved before they are there", async () => {
    const store = new MemoryTableStore();
    await expect(saveItems(store, partition, items(3, 4))).rejects.toThrow("items of the replay");
  });
});
