import { describe, expect, it } from "@jest/globals";
import { createProbeRounds } from "../../../functions/src/targets/probe-rounds.ts";
import { SimulatedClock } from "../../../local/clock.ts";
import { MemoryTableStore } from "../../support/memory-table-store.ts";

const places = [{ flow: "invoice-posted", target: "ce" }];

function createScene(start = "2026-11-27T08:00:00.000Z") {
  const store = new MemoryTableStore();
  const clock = new SimulatedClock(Date.parse(start));
  return { store, clock, rounds: createProbeRounds(store, clock) };
}

describe("rounds of the probe", () => {
  it("are one at a time, also for two who begin at once", async () => {
    const { clock, rounds } = createScene();
    const beginTwo = async (): Promise<number> => {
      const both = await Promise.all(["ada", "ben"].map((by) => rounds.begin(by, places)));
      return both.filter((round) => round !== undefined).length;
    };

    expect(await beginTwo()).toBe(1);
    expect(await beginTwo()).toBe(0);
    await clock.advance(180_000);
    expect(await beginTwo()).toBe(1);
  });

  it("are over at once when they could not be sent", async () => {
    const { rounds } = createScene();
    const first = await rounds.begin("ada", places);
    if (first !== undefined) await rounds.end(first);

    expect(await rounds.begin("ben", places)).toMatchObject({ by: "ben" });
    expect(await rounds.get(first?.id ?? "")).toMatchObject({ by: "ada", places, answers: [] });
  });

  it("keep one answer a place, the last one", async () => {
    const { rounds } = createScene();
    const { id = "" } = (await rounds.begin("ada", places)) ?? {};
    const answer = { flow: "invoice-posted", target: "ce", code: "", ms: 40 };
    await rounds.answer(id, { ...answer, result: "late" });
    await rounds.answer(id, { ...answer, result: "ok" });

    expect((await rounds.get(id))?.answers).toEqual([{ ...answer, result: "ok" }]);
  });

  it("lie in a table for each month, which retention drops", async () => {
    const { clock, rounds, store } = createScene("2026-11-30T23:59:00.000Z");
    const first = await rounds.begin("ada", places);
    await clock.advance(180_000);
    const second = await rounds.begin("ada", places);

    expect(store.tableNames()).toEqual(["probes202611", "probes202612"]);
    expect(await rounds.get(first?.id ?? "")).toMatchObject({ by: "ada", places });
    expect(await rounds.get(second?.id ?? "")).toMatchObject({ by: "ada", places });
  });

  it("take no answer for what is no round", async () => {
    const { rounds, store } = createScene();
    const answer = { flow: "f", target: "ce", result: "ok", code: "", ms: 1 } as const;
    await rounds.answer("current", answer);

    expect(store.tableNames()).toEqual([]);
  });
});
