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
  it("are each fault alone and three mixes of four", () => {
    const rounds = planRounds(everything);
    const mixes = rounds.filter(({ name }) => name.startsWith("mixed-"));

    expect(rounds.slice(0, -3).map(({ faults }) => faults)).toEqual(
      allFaults.map(({ name }) => [name]),
    );
    expect(mixes.map(({ faults }) => new Set(faults).size)).toEqual([4, 4, 4]);
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
