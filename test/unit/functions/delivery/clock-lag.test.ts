import { describe, expect, it } from "@jest/globals";
import { ClockLag } from "../../../../functions/src/delivery/clock-lag.ts";
import { createDeliveryRow, withStep } from "../../../../functions/src/delivery/ledger-rows.ts";
import type { DeliveryRow } from "../../../../functions/src/delivery/ledger-rows.ts";
import type { Outcome } from "../../../../functions/src/targets/target.ts";
import { DeliveryWorld, ManualClock, startOfTime } from "../../../support/delivery-world.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

const minuteMs = 60_000;
const behindMs = 5 * minuteMs;
const away: Outcome = { kind: "retry", code: "AWAY", reason: "", unreachable: true };
const retry: Outcome = { kind: "retry", code: "BUSY", reason: "busy" };

/** The world moves it to Service Bus's time; the app reads less. */
class LateClock extends ManualClock {
  readonly #behindMs: number;

  constructor(lateMs: number) {
    super();
    this.#behindMs = lateMs;
  }

  override now(): number {
    return super.now() - this.#behindMs;
  }

  trueNow(): number {
    return super.now();
  }
}

interface Story {
  readonly hops: number;
  readonly seconds: readonly number[];
  /** Calls of deliveries that were not due by the app's own clock. */
  readonly early: number;
}

function worldBehind(lateMs: number): { world: DeliveryWorld; clock: LateClock } {
  const clock = new LateClock(lateMs);
  return { world: new DeliveryWorld({ clock, isOneProcess: true }), clock };
}

function dueAtOf(world: DeliveryWorld, eventId: string): number {
  const row = world.memory.rows("ledger202611").find((each) => each.rowKey === `${eventId}|ce`);
  return Date.parse(String(row?.columns["dueAt"]));
}

/** One delivery's way when the target gives this answer for so long. */
async function tell(
  { world, clock }: ReturnType<typeof worldBehind>,
  number: number,
  answer: Outcome,
  forMs: number,
): Promise<Story> {
  const event = numberedEvent(number);
  const endsAt = clock.trueNow() + forMs;
  const begunAt = clock.trueNow();
  const seconds: number[] = [];
  let early = 0;
  world.target.answers = Array.from({ length: 5_000 }, () => (): Outcome => {
    seconds.push(Math.round((clock.trueNow() - begunAt) / 1_000));
    const isFirst = seconds.length === 1;
    if (!isFirst && dueAtOf(world, event.id) - clock.now() > 2_000) early += 1;
    return clock.trueNow() < endsAt ? answer : { kind: "delivered", reference: "r" };
  });
  await world.accept(event);
  await world.settle(5_000);
  const row = await world.row(event);
  expect(row.state).toBe("delivered");
  return { hops: row.hop, seconds, early };
}

describe("with the app's clock five minutes behind", () => {
  it("an outage of ten minutes costs a delivery no more hops than without, and no call is early", async () => {
    const [right, late] = [worldBehind(0), worldBehind(behindMs)];
    const usual = await tell(right, 1, away, 10 * minuteMs);
    const first = await tell(late, 1, away, 10 * minuteMs);
    const second = await tell(late, 2, away, 10 * minuteMs);

    expect([first.early, second.early]).toEqual([0, 0]);
    // The first one finds out by how much.
    expect(first.hops).toBeLessThanOrEqual(usual.hops + 4);
    expect(second.hops).toBeLessThanOrEqual(usual.hops);
  });

  it("retries keep their distances once the lag is known", async () => {
    const [right, late] = [worldBehind(0), worldBehind(behindMs)];
    const usual = await tell(right, 1, retry, 20 * minuteMs);
    const first = await tell(late, 1, retry, 20 * minuteMs);
    const second = await tell(late, 2, retry, 20 * minuteMs);

    expect([first.early, second.early]).toEqual([0, 0]);
    expect(second.seconds).toEqual(usual.seconds);
  });
});

describe("the lag of a clock", () => {
  const id = { eventId: "e", time: "2026-11-24T12:00:00Z", target: "ce" };

  /** Due in a minute by our clock, and asked for then or later. */
  function rowOf(askFor: number): DeliveryRow {
    const row = createDeliveryRow(id, { state: "pending", acceptedAt: 0, traceparent: "t" });
    const dueAt = startOfTime + minuteMs;
    return withStep({ ...row, hop: 2, dueAt }, 1, startOfTime, askFor);
  }

  it("is what an arrived wake-up proves, and is added to what is asked for", () => {
    const clock = new ManualClock();
    const lag = new ClockLag(clock);
    expect(lag.askFor(startOfTime)).toBeUndefined();
    lag.learn(rowOf(startOfTime + minuteMs));
    lag.learn(rowOf(startOfTime + 3 * minuteMs));
    lag.learn(rowOf(startOfTime + 2 * minuteMs));
    expect(lag.askFor(startOfTime)).toBe(startOfTime + 3 * minuteMs);
  });

  it("is none for what arrives when it is due, or a moment before", () => {
    const clock = new ManualClock();
    const lag = new ClockLag(clock);
    clock.advance(58_000);
    lag.learn(rowOf(startOfTime + minuteMs));
    expect(lag.askFor(startOfTime)).toBeUndefined();
  });

  it("is forgotten when nothing has proved it for half an hour", () => {
    const clock = new ManualClock();
    const lag = new ClockLag(clock);
    lag.learn(rowOf(startOfTime + minuteMs));
    clock.advance(31 * minuteMs);
    expect(lag.askFor(startOfTime)).toBeUndefined();
  });
});
