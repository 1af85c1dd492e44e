import { describe, expect, it } from "@jest/globals";
import {
  admission,
  applyReport,
  openGate,
  withPause,
} from "../../../../functions/src/delivery/gates.ts";
import type { Pause } from "../../../../functions/src/delivery/gates.ts";
import { DeliveryWorld, startOfTime } from "../../../support/delivery-world.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const pause: Pause = { at: startOfTime, by: "Ada", reason: "CE is being upgraded" };
const unreachable = { kind: "unreachable", probeAt: null } as const;

/** A world whose target is paused and that has one delivery waiting. */
async function pausedWorld(): Promise<DeliveryWorld> {
  const world = new DeliveryWorld();
  await world.gates().setPause("ce", pause);
  await world.accept(numberedEvent());
  return world;
}

describe("a paused gate", () => {
  it("lets nobody through and nobody probe", () => {
    expect(admission(withPause(openGate(0), pause, 0), 5)).toEqual({
      kind: "park",
      until: 5 + minuteMs,
    });
    const away = applyReport(openGate(0), unreachable, 0, false);
    expect(admission(withPause(away, pause, 0), dayMs).kind).toBe("park");
  });

  it("stays paused whatever calls under way report", () => {
    const gate = withPause(openGate(0), pause, 0);
    const away = applyReport(gate, unreachable, 1, false);
    expect(away).toMatchObject({ state: "outage", paused: pause });
    expect(applyReport(away, { kind: "reached" }, 2, true)).toMatchObject({
      state: "open",
      paused: pause,
    });
  });

  it("probes an outage at once when the pause ends", () => {
    const away = applyReport(openGate(0), unreachable, 0, false);
    const resumed = withPause(withPause(away, pause, 10), null, 20);
    expect(admission(resumed, 20).kind).toBe("mayProbe");
  });

  it("is kept in the table with who and why", async () => {
    const world = new DeliveryWorld();
    await world.gates().setPause("ce", pause);
    expect((await world.gates().read("ce")).paused).toEqual(pause);
    await world.gates().setPause("ce", null);
    expect((await world.gates().read("ce")).paused).toBeNull();
  });
});

describe("a delivery to a paused target", () => {
  it("is put off without an attempt, however long the pause is", async () => {
    const world = await pausedWorld();
    while (world.clock.now() < startOfTime + 8 * dayMs) await world.step();
    expect(world.target.calls).toEqual([]);
    expect(await world.row()).toMatchObject({ state: "pending", attempts: 0, code: null });
  });

  it("is woken by the end of the pause and delivered within a minute", async () => {
    const world = await pausedWorld();
    await world.step();
    const { dueAt, hop } = await world.row();
    expect(dueAt - world.clock.now()).toBeGreaterThan(5 * minuteMs);
    await world.gates().setPause("ce", null);
    expect(await world.wakeParked()).toEqual({ woken: 1, isComplete: true });
    expect((await world.row()).hop).toBe(hop + 1);
    await world.step();
    expect(await world.row()).toMatchObject({ state: "delivered", attempts: 1 });
    expect(world.clock.now() - startOfTime).toBeLessThanOrEqual(minuteMs);
    // The old copy finds a settled row.
    await world.settle();
    expect(world.target.calls).toHaveLength(1);
  });

  it("is woken although the body of another one is gone", async () => {
    const world = await pausedWorld();
    await world.accept(numberedEvent(2));
    while (
      world.broker.count("integration-events") > 0 &&
      (await world.row(numberedEvent(2))).hop < 2
    )
      await world.step();
    const gone = world.memory
      .rows("ledger202611")
      .find(({ rowKey }) => rowKey === numberedEvent(1).id);
    if (gone === undefined) throw new Error("there is no event row");
    await world.memory.write("ledger202611", { kind: "delete", keys: gone });
    await world.gates().setPause("ce", null);

    expect(await world.wakeParked()).toEqual({ woken: 1, isComplete: true });
    await world.step();
    expect((await world.row(numberedEvent(2))).state).toBe("delivered");
  });

  it("leaves retries to their own time when the pause ends", async () => {
    const world = new DeliveryWorld();
    const failing = { kind: "retry", code: "CE_BUSY", reason: "busy" } as const;
    world.target.answers = Array.from({ length: 5 }, () => failing);
    await world.accept(numberedEvent());
    for (let step = 0; step < 3; step += 1) await world.step();
    const before = await world.row();
    expect(await world.wakeParked()).toEqual({ woken: 0, isComplete: true });
    expect(await world.row()).toEqual(before);
  });

  it("wakes the rest by their own messages when there is no time left", async () => {
    const world = await pausedWorld();
    await world.step();
    await world.gates().setPause("ce", null);
    expect(await world.wakeParked(0)).toEqual({ woken: 0, isComplete: false });
    await world.settle();
    expect(await world.row()).toMatchObject({ state: "delivered" });
  });
});

describe("a delivery's trail", () => {
  it("tells every hop with its attempts and answer", async () => {
    const world = new DeliveryWorld();
    const busy = { kind: "retry", code: "CE_BUSY", reason: "busy", afterMs: 5_000 } as const;
    world.target.answers = [busy];
    await world.accept(numberedEvent());
    await world.settle();
    const { trail } = await world.row();
    expect(trail).toMatchObject([
      { hop: 1, state: "pending", code: "CE_BUSY", reason: "busy", attempts: 0 },
      { hop: 2, state: "delivered", code: null, attempts: 1, dueAt: null },
    ]);
  });

  it("keeps the first and the last steps of a long story", async () => {
    const world = await pausedWorld();
    for (let step = 0; step < 60; step += 1) await world.step();
    const hops = (await world.row()).trail.map(({ hop }) => hop);
    expect(hops).toHaveLength(30);
    expect([...hops.slice(0, 5), ...hops.slice(-2)]).toEqual([1, 2, 3, 4, 5, 59, 60]);
  });
});
