import { describe, expect, it } from "@jest/globals";
import { gatherBatches } from "../../../../local/functions-host/gather-batches.ts";

/** Batches as they were worked on; each is under way until `finish` is called. */
function createWork() {
  const batches: (readonly number[])[] = [];
  const finishers: (() => void)[] = [];
  const work = (batch: readonly number[]) => {
    batches.push(batch);
    const ran = new Promise<void>((resolve) => finishers.push(resolve));
    return { ran, settled: ran };
  };
  return { batches, work, finish: () => finishers.shift()?.() };
}

const atOnce = { maxSize: 3, minSize: 1, maxWaitMs: 0 };

describe("gathered batches", () => {
  it("hold what has come, up to their size, one after the other", async () => {
    const { batches, work, finish } = createWork();
    const gathering = gatherBatches({ ...atOnce, work });

    const over = [1, 2, 3, 4].map((item) => gathering.add(item));
    const closed = gathering.close();
    await until(() => batches.length === 1);
    const beside = [...batches];
    finish();
    await until(() => batches.length === 2);
    finish();
    await Promise.all([...over, closed]);

    expect(beside).toEqual([[1, 2, 3]]);
    expect(batches).toEqual([[1, 2, 3], [4]]);
  });

  it("wait for the smallest size", async () => {
    const { batches, work, finish } = createWork();
    const gathering = gatherBatches({ maxSize: 3, minSize: 2, maxWaitMs: 60_000, work });

    const first = gathering.add(1);
    await turns(30);
    const before = batches.length;
    const second = gathering.add(2);
    await until(() => batches.length === 1);
    finish();
    await Promise.all([first, second]);

    expect([before, batches]).toEqual([0, [[1, 2]]]);
  });

  it("end as their settling does, and the next one is worked on", async () => {
    const seen: number[] = [];
    const gathering = gatherBatches<number>({
      ...atOnce,
      work: ([first = 0]) => {
        seen.push(first);
        const settled = first === 1 ? Promise.reject(new Error("refused")) : Promise.resolve();
        return { ran: settled, settled };
      },
    });

    await expect(gathering.add(1)).rejects.toThrow("refused");
    await gathering.add(2);

    expect(seen).toEqual([1, 2]);
  });

  it("do not wait for the one before to be settled, but closing does", async () => {
    const seen: number[] = [];
    const settlers: (() => void)[] = [];
    const gathering = gatherBatches<number>({
      ...atOnce,
      work: ([first = 0]) => {
        seen.push(first);
        const settled = new Promise<void>((resolve) => settlers.push(resolve));
        return { ran: Promise.resolve(), settled };
      },
    });

    const ends = [gathering.add(1)];
    await until(() => seen.length === 1);
    ends.push(gathering.add(2));
    await until(() => seen.length === 2);
    let isClosed = false;
    const closed = gathering.close().then(() => (isClosed = true));
    await turns(30);
    const before = isClosed;
    for (const settle of settlers) settle();
    await Promise.all([...ends, closed]);

    expect(before).toBe(false);
  });
});

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await turns(1);
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
