import { describe, expect, it } from "@jest/globals";
import { FirstVersions } from "../../../../functions/src/delivery/first-versions.ts";
import { createDeliveryRow } from "../../../../functions/src/delivery/ledger-rows.ts";
import type { DeliveryRow } from "../../../../functions/src/delivery/ledger-rows.ts";
import { createCountingStore } from "../../../support/counting-table-store.ts";
import { DeliveryWorld, ManualClock } from "../../../support/delivery-world.ts";
import type { WorldOptions } from "../../../support/delivery-world.ts";
import { MemoryTableStore } from "../../../support/memory-table-store.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

const minuteMs = 60_000;
const ledger = "ledger202611";
const events = Array.from({ length: 20 }, (_each, index) => numberedEvent(index + 1));

/** Their ends are written in one transaction each. */
const shards = 4;

/** Requests to the ledger for twenty deliveries whose turn comes so long after their acceptance. */
async function requestsAfter(waitMs: number, deliveryCount = 1): Promise<number> {
  const counting = createCountingStore(new MemoryTableStore());
  const world = new DeliveryWorld({ store: counting });
  await world.accept(...events);
  world.clock.advance(waitMs);
  counting.forget();
  await world.handle([...(world.broker.waiting.get(world.entity) ?? [])], deliveryCount);
  expect(world.target.effects).toHaveLength(events.length);
  return counting.requests.get(ledger) ?? 0;
}

describe("a delivery whose turn comes late", () => {
  it("is not read back by the process that accepted it", async () => {
    expect(await requestsAfter(20 * minuteMs)).toBe(shards);
  });

  it("is read after half an hour", async () => {
    expect(await requestsAfter(31 * minuteMs)).toBe(events.length + shards);
  });

  it("is read when its message comes again", async () => {
    expect(await requestsAfter(20 * minuteMs, 2)).toBe(events.length + shards);
  });
});

/** Accepted here, and delivered by another process whose duplicate of the message came first. */
async function deliveredElsewhere(options: WorldOptions): Promise<DeliveryWorld> {
  const world = new DeliveryWorld(options);
  await world.accept(numberedEvent());
  const [message] = world.broker.waiting.get(world.entity) ?? [];
  if (message === undefined) throw new Error("nothing was sent");
  const accepting = [world.ledger, world.lane] as const;
  world.restart();
  await world.handle([message]);
  [world.ledger, world.lane] = accepting;
  world.clock.advance(10 * minuteMs);
  await world.handle([message]);
  await world.settle();
  return world;
}

describe("a delivery that another process has made meanwhile", () => {
  it("keeps its end, and its effect is the same one", async () => {
    const world = await deliveredElsewhere({});
    expect(new Set(world.target.effects).size).toBe(1);
    expect(await world.row()).toMatchObject({ state: "delivered", hop: 1 });
    expect(world.openRows()).toEqual([]);
  });

  it("is not made again where it must not be", async () => {
    const world = await deliveredElsewhere({ targetName: "email", once: true });
    expect(world.target.effects).toHaveLength(1);
    expect((await world.row()).state).toBe("delivered");
  });
});

const id = { eventId: "e1", time: "2026-11-24T11:59:30.000Z", target: "ce" };

function row(more: Partial<DeliveryRow> = {}): DeliveryRow {
  const start = { state: "pending", acceptedAt: 1_000, traceparent: "t" } as const;
  return { ...createDeliveryRow(id, start), ...more };
}

describe("versions of rows that nobody has called for", () => {
  const create = (): FirstVersions => new FirstVersions(new ManualClock());

  it("give the row as it was accepted, for each target its own", () => {
    const versions = create();
    versions.note(row(), "v1");
    versions.note(row({ target: "crm", acceptedAt: 2_000, dueAt: 2_000 }), "v2");
    expect(versions.recall(id)).toEqual({ row: row(), etag: "v1" });
    expect(versions.recall({ ...id, target: "crm" })).toEqual({
      row: row({ target: "crm", acceptedAt: 2_000, dueAt: 2_000 }),
      etag: "v2",
    });
    expect(versions.recall({ ...id, target: "email" })).toBeUndefined();
  });

  it.each([
    ["was called", { attempts: 1 }],
    ["was put off", { hop: 2 }],
    ["has ended", { state: "delivered" }],
    ["is due at another time", { dueAt: 5_000 }],
    ["is replayed", { generation: 1 }],
  ] as const)("forget a row that %s", (_what, more) => {
    const versions = create();
    versions.note(row(), "v1");
    versions.note(row(more), "v2");
    expect(versions.recall(id)).toBeUndefined();
  });
});
