import { describe, expect, it } from "@jest/globals";
import type { Outcome } from "../../../../functions/src/targets/target.ts";
import { DeliveryWorld, startOfTime } from "../../../support/delivery-world.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

const minuteMs = 60_000;
const reject: Outcome = { kind: "reject", code: "CE_REJECTED", reason: "too long" };

/** A delivery whose wake-up was lost. */
async function lostWakeUp(): Promise<DeliveryWorld> {
  const world = new DeliveryWorld();
  await world.accept(numberedEvent());
  world.broker.waiting.clear();
  return world;
}

describe("the sweep", () => {
  it("wakes a delivery whose message is gone, 15 minutes after it was due", async () => {
    const world = await lostWakeUp();
    world.clock.advance(15 * minuteMs - 1);
    expect(await world.sweep()).toEqual({ seen: 1, woken: 0, stuck: 0, cleared: 0 });
    world.clock.advance(1);
    expect(await world.sweep()).toEqual({ seen: 1, woken: 1, stuck: 0, cleared: 0 });
    await world.settle();
    expect(await world.row()).toMatchObject({ state: "delivered", hop: 2 });
    expect(world.target.calls[0]?.body).toEqual(numberedEvent());
  });

  it("calls a delivery STUCK when three new wake-ups were lost too", async () => {
    const world = await lostWakeUp();
    for (let round = 0; round < 4; round += 1) {
      world.clock.advance(16 * minuteMs);
      await world.sweep();
      world.broker.waiting.delete("integration-events");
    }
    const row = await world.row();
    expect(row).toMatchObject({ state: "failed", code: "STUCK" });
    expect(world.broker.next("dead-letters")?.messageId).toBe(row.failureId);
    expect(world.openRows()).toEqual([]);
  });

  it("leaves deliveries alone that wait in a backlog", async () => {
    const world = await lostWakeUp();
    world.clock.advance(600 * minuteMs);
    expect(await world.sweep(startOfTime - 1)).toMatchObject({ woken: 0 });
    expect(await world.sweep(startOfTime + 1)).toMatchObject({ woken: 1 });
  });

  it("clears open rows of settled deliveries", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    await world.ledger.addOpen([{ ...(await world.row()), acceptedAt: startOfTime - 3_600_000 }]);
    await world.settle();
    expect(world.openRows()).toHaveLength(1);
    world.clock.advance(1);
    expect(await world.sweep()).toMatchObject({ cleared: 1 });
    expect(world.openRows()).toEqual([]);
  });

  it("leaves an open row alone whose delivery is being accepted", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    const row = await world.row();
    const other = new DeliveryWorld();
    await other.ledger.addOpen([row]);
    other.clock.advance(24 * 60 * minuteMs);
    expect(await other.sweep()).toMatchObject({ seen: 1, cleared: 0 });
  });

  it("tells a failure again that nobody was told of", async () => {
    const world = new DeliveryWorld();
    world.target.answers = [reject];
    await world.accept(numberedEvent());
    const row = await world.row();
    await world.settle();
    world.broker.waiting.clear();
    await world.ledger.addOpen([row]);
    world.clock.advance(1);
    await world.sweep();
    expect(world.broker.next("dead-letters")?.messageId).toBe((await world.row()).failureId);
    expect(world.openRows()).toEqual([]);
  });

  /** As acceptance leaves it that broke off after its open row and was begun again an hour later. */
  async function withStray(): Promise<DeliveryWorld> {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    const [right] = world.memory.rows("open");
    if (right === undefined) throw new Error("there is no open row");
    const row = { ...right, partitionKey: "ce|2026112411" };
    await world.memory.write("open", { kind: "upsert", row });
    return world;
  }

  it("tells a failure once, though an open row of another hour points at it", async () => {
    const world = await withStray();
    world.target.answers = [reject];
    await world.settle();
    world.broker.waiting.clear();
    world.clock.advance(minuteMs);
    await world.sweep();
    expect(world.openRows()).toEqual([]);
    expect(world.broker.count("dead-letters")).toBe(1);
  });

  it("wakes a delivery once, though two open rows point at it, and keeps the right one", async () => {
    const world = await withStray();
    world.broker.waiting.clear();
    world.clock.advance(16 * minuteMs);
    expect(await world.sweep()).toMatchObject({ seen: 2, woken: 1 });
    expect(world.memory.rows("open").map(({ partitionKey }) => partitionKey)).toEqual([
      "ce|2026112412",
    ]);
    expect(world.broker.count("integration-events")).toBe(1);
  });

  it("goes on past a delivery whose body is gone", async () => {
    const world = await lostWakeUp();
    await world.accept(numberedEvent(2));
    world.broker.waiting.clear();
    const [gone] = world.memory
      .rows("ledger202611")
      .filter(({ rowKey }) => rowKey === numberedEvent(1).id);
    if (gone === undefined) throw new Error("there is no event row");
    await world.memory.write("ledger202611", { kind: "delete", keys: gone });
    world.clock.advance(16 * minuteMs);
    expect(await world.sweep()).toMatchObject({ seen: 2, woken: 1 });
    await world.settle();
    expect((await world.row(numberedEvent(2))).state).toBe("delivered");
  });
});
