import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createBudgets } from "../../../../functions/src/delivery/budgets.ts";
import { reserveIn, withoutPlaces } from "../../../../functions/src/delivery/places.ts";
import { createCountingStore } from "../../../support/counting-table-store.ts";
import { ManualClock, startOfTime } from "../../../support/delivery-world.ts";
import { seededRandom } from "../../../support/faulty-ports.ts";
import { MemoryTableStore } from "../../../support/memory-table-store.ts";
import { withTurns } from "../../../support/model-world.ts";
import { TableError } from "../../../../functions/src/platform/table-store.ts";

const hourMs = 3_600_000;

describe("places in a sliding window", () => {
  it("are free up to the limit and then come a window later, one for one", () => {
    const { places } = reserveIn([], { limit: 2, windowMs: 100 }, 5, 1_000);
    expect(places).toEqual([1_000, 1_000, 1_100, 1_100, 1_200]);
  });

  it("never give more than the limit in any window, however they are asked for", () => {
    const asks = fc.array(fc.tuple(fc.nat(80), fc.integer({ min: 1, max: 6 })), { maxLength: 30 });
    fc.assert(
      fc.property(asks, fc.integer({ min: 1, max: 5 }), (steps, limit) => {
        let now = 0;
        let taken: readonly number[] = [];
        const all: number[] = [];
        for (const [later, count] of steps) {
          now += later;
          const result = reserveIn(taken, { limit, windowMs: 100 }, count, now);
          taken = result.taken;
          all.push(...result.places);
        }
        all.sort((a, b) => a - b);
        return all.every((place, index) => {
          const before = all[index - limit];
          return before === undefined || place - before >= 100;
        });
      }),
    );
  });
});

describe("places that were given back", () => {
  it("never let a window have more than the limit", () => {
    const step = fc.record({
      later: fc.nat(80),
      count: fc.integer({ min: 1, max: 6 }),
      back: fc.array(fc.nat(40), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 30 }),
        fc.integer({ min: 1, max: 5 }),
        (steps, limit) => {
          let now = 0;
          let taken: readonly number[] = [];
          const kept: number[] = [];
          for (const { later, count, back } of steps) {
            now += later;
            const result = reserveIn(taken, { limit, windowMs: 100 }, count, now);
            kept.push(...result.places);
            const unused = back.flatMap((index) => kept.splice(index, 1));
            taken = withoutPlaces(result.taken, unused);
          }
          kept.sort((a, b) => a - b);
          return kept.every((place, index) => {
            const before = kept[index - limit];
            return before === undefined || place - before >= 100;
          });
        },
      ),
    );
  });
});

describe("budgets", () => {
  it("per hour are shared by all instances", async () => {
    const store = new MemoryTableStore();
    const clock = new ManualClock();
    const instances = [1, 2, 3].map(() =>
      createBudgets({ store, clock, instances: 3, random: () => 0.5 }),
    );
    const places = await Promise.all(
      instances.map((budgets) => budgets.reserve("email", { perHour: 90 }, 40)),
    );
    // Who finds the row changed pauses for a moment.
    const now = places.flat().filter(({ at }) => at < startOfTime + 5_000);
    const later = places.flat().filter(({ at }) => at >= startOfTime + hourMs);
    expect([now.length, later.length]).toEqual([90, 30]);
  });

  it("of 32 mails at once on each of 3 instances take few requests, and nobody finds the row contended", async () => {
    const counting = createCountingStore(new MemoryTableStore());
    const clock = new ManualClock();
    const random = seededRandom(7);
    const instances = [1, 2, 3].map(() =>
      createBudgets({ store: withTurns(counting, random), clock, instances: 3, random }),
    );
    const mails = instances.flatMap((budgets) =>
      Array.from({ length: 32 }, () => budgets.reserve("email", { perHour: 90 }, 1)),
    );

    const places = (await Promise.all(mails)).flat();

    expect(places.every(({ isReserved }) => isReserved)).toBe(true);
    expect(places.filter(({ at }) => at < startOfTime + hourMs)).toHaveLength(90);
    expect(counting.total() / mails.length).toBeLessThanOrEqual(1);
  });

  it("give those who ask together the places in the order in which they came", async () => {
    const budgets = createBudgets({
      store: new MemoryTableStore(),
      clock: new ManualClock(),
      instances: 1,
      random: () => 0.5,
    });
    const asks = [1, 2, 1].map((count) => budgets.reserve("email", { perHour: 1 }, count));
    const hours = (await Promise.all(asks)).map((places) =>
      places.map(({ at }) => (at - startOfTime) / hourMs),
    );
    expect(hours).toEqual([[0], [1, 2], [3]]);
  });

  it("whose row nobody can write are refused to all who waited for them, and given to the next", async () => {
    const store = new MemoryTableStore();
    const write = store.write.bind(store);
    const away = new TableError("UNAVAILABLE", "gates");
    store.write = () => Promise.reject(away);
    const clock = new ManualClock();
    const budgets = createBudgets({ store, clock, instances: 1, random: () => 0.5 });
    const asks = [1, 2, 3].map(() => budgets.reserve("email", { perHour: 1 }, 1));
    for (const ask of asks) await expect(ask).rejects.toBe(away);
    store.write = write;
    expect(await budgets.reserve("email", { perHour: 1 }, 1)).toHaveLength(1);
  });

  it("beyond 2,500 reservations only say when to ask again", async () => {
    const store = new MemoryTableStore();
    const budgets = createBudgets({
      store,
      clock: new ManualClock(),
      instances: 1,
      random: () => 0.5,
    });
    const places = await budgets.reserve("email", { perHour: 90 }, 2_503);
    expect(places.filter(({ isReserved }) => isReserved)).toHaveLength(2_500);
    expect(places.slice(2_500).map(({ isReserved }) => isReserved)).toEqual([false, false, false]);
    const [again] = await budgets.reserve("email", { perHour: 90 }, 1);
    expect(again).toEqual({ at: startOfTime + 27 * hourMs, isReserved: false });
  });

  it("larger than what can be written down are kept at what can", async () => {
    const store = new MemoryTableStore();
    const budgets = createBudgets({
      store,
      clock: new ManualClock(),
      instances: 1,
      random: () => 0.5,
    });
    const places = await budgets.reserve("ce", { perHour: 4_000 }, 2_501);
    expect(places[2_499]).toEqual({ at: startOfTime, isReserved: true });
    expect(places[2_500]).toEqual({ at: startOfTime + hourMs, isReserved: false });
  });

  it("get back what nothing was called for, and give it to the next", async () => {
    const store = new MemoryTableStore();
    const budgets = createBudgets({
      store,
      clock: new ManualClock(),
      instances: 1,
      random: () => 0.5,
    });
    await budgets.reserve("email", { perHour: 3 }, 5);
    await budgets.giveBack("email", { perHour: 3 }, [startOfTime, startOfTime]);
    const places = await budgets.reserve("email", { perHour: 3 }, 3);
    const times = places.map(({ at }) => at - startOfTime);
    expect(times).toEqual([0, 0, hourMs]);
  });

  it("per minute are the instance's share", async () => {
    const store = new MemoryTableStore();
    const budgets = createBudgets({
      store,
      clock: new ManualClock(),
      instances: 10,
      random: () => 0.5,
    });
    const places = await budgets.reserve("crm", { perMinute: 30 }, 4);
    const times = places.map(({ at }) => at);
    expect(times).toEqual([startOfTime, startOfTime, startOfTime, startOfTime + 60_000]);
    expect(store.rows("gates")).toEqual([]);
  });

  it("per minute say how many of the last minute's calls were this instance's", async () => {
    const [store, clock] = [new MemoryTableStore(), new ManualClock()];
    const budgets = createBudgets({ store, clock, instances: 1, random: () => 0.5 });
    await budgets.reserve("crm", { perMinute: 3 }, 5);
    expect(budgets.lastMinute()).toEqual({ crm: 3 });
    clock.advance(60_000);
    expect(budgets.lastMinute()).toEqual({ crm: 2 });
  });

  it("in flight let the instance's share run and the others wait in line", async () => {
    const store = new MemoryTableStore();
    const budgets = createBudgets({
      store,
      clock: new ManualClock(),
      instances: 2,
      random: () => 0.5,
    });
    let running = 0;
    let most = 0;
    const finished = Array.from({ length: 6 }, () =>
      budgets.inFlight("crm", { concurrency: 5 }, async () => {
        running += 1;
        most = Math.max(most, running);
        await Promise.resolve();
        running -= 1;
      }),
    );
    await Promise.all(finished);
    expect(most).toBe(2);
  });

  it("without limits ask nobody", async () => {
    const store = new MemoryTableStore();
    const budgets = createBudgets({
      store,
      clock: new ManualClock(),
      instances: 1,
      random: () => 0.5,
    });
    const free = { at: startOfTime, isReserved: true };
    expect(await budgets.reserve("ce", {}, 2)).toEqual([free, free]);
    expect(store.tableNames()).toEqual([]);
  });
});
