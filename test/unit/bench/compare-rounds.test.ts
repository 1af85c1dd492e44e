import { describe, expect, it } from "@jest/globals";
import { compareRounds } from "../../../bench/compare-rounds.ts";

const sample = (cpuMsPerEvent: number, eventsPerSecond: number) => ({
  cpuMsPerEvent,
  eventsPerSecond,
});

describe("the comparison of rounds", () => {
  it("sets what all rounds together cost against what they cost without, and shows the spread", () => {
    const { cpu } = compareRounds([
      { on: sample(21, 50), off: sample(20, 50) },
      { on: sample(33, 50), off: sample(30, 50) },
      { on: sample(10, 50), off: sample(10, 50) },
    ]);
    expect(cpu.overall).toBeCloseTo(4 / 60);
    expect([cpu.least, cpu.median, cpu.most].map((share) => share.toFixed(3))).toEqual([
      "0.000",
      "0.050",
      "0.100",
    ]);
  });

  it("counts a lower rate as more time for an event, and takes the middle of two rounds", () => {
    const { throughput } = compareRounds([
      { on: sample(1, 50), off: sample(1, 100) },
      { on: sample(1, 100), off: sample(1, 100) },
    ]);
    expect(throughput).toMatchObject({ overall: 0.5, median: 0.5, least: 0, most: 1 });
  });
});
