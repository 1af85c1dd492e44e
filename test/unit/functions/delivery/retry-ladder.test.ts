import { describe, expect, it } from "@jest/globals";
import type { Outcome } from "../../../../functions/src/targets/target.ts";
import { DeliveryWorld, startOfTime } from "../../../support/delivery-world.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

const minute = 60;
const hour = 60 * minute;

/** Seconds after the start at which a target that always answers so is called; no jitter. */
async function callsFor(answer: Outcome): Promise<{
  readonly world: DeliveryWorld;
  readonly seconds: readonly number[];
}> {
  const world = new DeliveryWorld({ random: () => 0.5 });
  const seconds: number[] = [];
  world.target.onCall = () => seconds.push((world.clock.now() - startOfTime) / 1_000);
  world.target.answers = Array.from({ length: 3_000 }, () => answer);
  await world.accept(numberedEvent());
  await world.settle(3_000);
  return { world, seconds };
}

/** Rounded, for the quick attempts' pauses of 0.3 s add up. */
function rounded(seconds: readonly number[]): readonly number[] {
  return seconds.map((each) => Math.floor(each));
}

describe("the schedule on a clock that is moved on", () => {
  it("of retries: twice at once, 10 s, 30 s, 1, 5, 15, 30 min, then hourly for 24 hours", async () => {
    const retry: Outcome = { kind: "retry", code: "CE_TEMPORARY", reason: "deadlock" };
    const { world, seconds } = await callsFor(retry);
    expect(seconds.slice(0, 3)).toEqual([0, 0.3, 0.6]);
    const steps = [10, 40, 100, 400, 1_300, 3_100];
    const hourly = Array.from({ length: 23 }, (_none, index) => 3_100 + (index + 1) * hour);
    const last = 24 * hour;
    expect(rounded(seconds.slice(3))).toEqual([...steps, ...hourly, last]);
    const row = await world.row();
    expect(row).toMatchObject({ state: "failed", code: "RETRIES_EXHAUSTED", attempts: 33 });
  });

  it("of a missing record: at once, 20 s, 2 and 15 minutes, then on each full hour for 5 days", async () => {
    const wait: Outcome = { kind: "wait", code: "CE_CUSTOMER_MISSING", missing: ["account/US-3"] };
    const { world, seconds } = await callsFor(wait);
    expect(seconds.slice(0, 6)).toEqual([0, 20, 140, 1_040, hour + 30, 2 * hour + 30]);
    expect(seconds.at(-1)).toBe(5 * 24 * hour + 30);
    expect(seconds).toHaveLength(4 + 120);
    expect(await world.row()).toMatchObject({ state: "failed", attempts: 0 });
  });

  it("of an unsure outcome: 5, 10, 30 s, 1, 5, then each 15 minutes for an hour", async () => {
    const unsure: Outcome = { kind: "unsure", code: "LOST" };
    const world = new DeliveryWorld({ random: () => 0.5, once: true });
    const seconds: number[] = [];
    world.target.onCall = () => seconds.push((world.clock.now() - startOfTime) / 1_000);
    world.target.answers = [unsure];
    world.target.confirmations = Array.from({ length: 30 }, () => unsure);
    await world.accept(numberedEvent());
    await world.settle();
    expect(seconds).toEqual([0, 5, 15, 45, 105, 405, 1_305, 2_205, 3_105, hour]);
    expect(await world.row()).toMatchObject({ state: "failed", code: "OUTCOME_UNKNOWN" });
  });

  it("of an outage: a probe about each minute at first, and the failure TARGET_DOWN after 7 days", async () => {
    const away: Outcome = { kind: "retry", code: "AWAY", reason: "", unreachable: true };
    const { world, seconds } = await callsFor(away);
    expect(rounded(seconds.slice(0, 4))).toEqual([0, 0, 0, 90]);
    expect(await world.row()).toMatchObject({ state: "failed", code: "TARGET_DOWN", attempts: 0 });
    const days = (seconds.at(-1) ?? 0) / (24 * hour);
    expect(days).toBeGreaterThanOrEqual(7);
    expect(days).toBeLessThan(7.05);
  });
});
