import { describe, expect, it } from "@jest/globals";
import { AdvancingClock } from "../../../local/clock.ts";

const hourMs = 3_600_000;

describe("a clock that can be moved on", () => {
  it("skips time and runs what became due in its order, each at its own time", async () => {
    const clock = new AdvancingClock();
    const start = clock.now();
    const ran: [string, number][] = [];
    const mark = (name: string) => (): void =>
      void ran.push([name, Math.round((clock.now() - start) / hourMs)]);
    clock.setTimer(mark("late"), 5 * hourMs);
    clock.setTimer(() => {
      mark("early")();
      clock.setTimer(mark("between"), hourMs);
    }, hourMs);
    clock.setTimer(mark("cancelled"), 2 * hourMs).cancel();
    clock.setTimer(mark("not yet"), 11 * hourMs).cancel();
    await clock.advance(10 * hourMs);
    expect(ran).toEqual([
      ["early", 1],
      ["between", 2],
      ["late", 5],
    ]);
    expect(clock.offsetMs).toBe(10 * hourMs);
  });

  it("lets real time pass as well", async () => {
    const clock = new AdvancingClock(hourMs);
    const before = clock.now();
    await clock.sleep(5);
    expect(clock.now() - before).toBeGreaterThanOrEqual(4);
  });

  it("runs a timer on time that was set before the skip and due after it", async () => {
    const clock = new AdvancingClock();
    const begin = clock.now();
    const slept = clock.sleep(hourMs + 10);
    await clock.advance(hourMs);
    await slept;
    expect(clock.now() - begin).toBeGreaterThanOrEqual(hourMs + 9);
    expect(clock.nextDueMs()).toBeUndefined();
  });
});
