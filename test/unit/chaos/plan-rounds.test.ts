import { describe, expect, it } from "@jest/globals";
import { allFaults } from "../../chaos/all-faults.ts";
import { planRounds, type PlanOptions } from "../../chaos/plan-rounds.ts";

const everything: PlanOptions = {
  seed: 3,
  events: 2_000,
  faults: allFaults.map(({ name }) => name),
  plan: "aloneAndMixed",
};

const eventsOf = (options: PlanOptions): number =>
  planRounds(options).reduce((sum, { events }) => sum + events, 0);

describe("the rounds of a fault run", () => {
  it("are each fault alone and three mixes that hold every fault that may be mixed", () => {
    const rounds = planRounds(everything);
    const mixes = rounds.filter(({ name }) => name.startsWith("mixed-"));

    expect(rounds.slice(0, -3).map(({ faults }) => faults)).toEqual(
      allFaults.map(({ name }) => [name]),
    );
    expect(mixes.map(({ faults }) => new Set(faults).size)).toEqual([8, 8, 8]);
    expect(mixes.flatMap(({ faults }) => faults).sort()).toEqual(
      allFaults
        .filter(({ isAlone }) => isAlone !== true)
        .map(({ name }) => name)
        .sort(),
    );
  });

  it("mix what would undo each other in different rounds", () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      for (const { name, faults } of planRounds({ ...everything, seed })) {
        const has = (...names: readonly string[]): boolean =>
          names.every((each) => faults.includes(each));
        const clashes = [
          has("clock-5-minutes-ahead", "clock-5-minutes-behind"),
          has("storage-away-5s", "storage-away-60s"),
          has("three-doors", "no-duplicate-detection"),
        ];
        expect([seed, name, clashes]).toEqual([seed, name, [false, false, false]]);
      }
    }
  });

  it("mix all of a few, and no fault twice", () => {
    const few = ["locks-lost", "poison-row", "three-doors"];
    const mixes = planRounds({ ...everything, faults: few }).slice(few.length);

    expect(mixes.map(({ faults }) => [...faults].sort())).toEqual([few, few, few]);
  });

  it("find a fault that met nothing wanting, except where others are mixed with it by chance", () => {
    const lenient = planRounds(everything).filter(({ hasToMeet }) => !hasToMeet);

    expect(lenient.map(({ name }) => name)).toEqual(["mixed-1", "mixed-2", "mixed-3"]);
    expect(planRounds({ ...everything, plan: "together" }).map((round) => round.hasToMeet)).toEqual(
      [true],
    );
  });

  it("choose the same whatever other rounds there are", () => {
    const seedOf = (options: PlanOptions): number | undefined =>
      planRounds(options).find(({ name }) => name === "poison-row")?.seed;

    expect(seedOf(everything)).toBeGreaterThan(0);
    expect(seedOf({ ...everything, faults: ["poison-row"] })).toBe(seedOf(everything));
  });

  it.each([1, 2, 60, 2_000, 20_000])("share %i events and keep none back", (events) => {
    expect(eventsOf({ ...everything, events })).toBe(events);
  });

  it("have enough events in ten hours for a call in every minute", () => {
    const long = planRounds(everything).filter(({ name }) => name.endsWith("10h"));

    expect(long.length).toBeGreaterThan(2);
    for (const { events } of long) expect(events).toBeGreaterThanOrEqual(50);
  });

  it("choose by the seed, each for itself", () => {
    const rounds = planRounds(everything);

    expect(planRounds(everything)).toEqual(rounds);
    expect(planRounds({ ...everything, seed: 4 })).not.toEqual(rounds);
    expect(new Set(rounds.map(({ seed }) => seed)).size).toBe(rounds.length);
  });
});
