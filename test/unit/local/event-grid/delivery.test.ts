import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { SimulatedClock } from "../../../../local/clock.ts";
import type { DeliveryOutcome } from "../../../../local/event-grid/delivery-outcome.ts";
import { SubscriptionDelivery } from "../../../../local/event-grid/delivery.ts";
import type { DeadLetter, DeliveryOptions } from "../../../../local/event-grid/delivery.ts";

const start = Date.parse("2026-11-24T08:00:00Z");
const minute = 60_000;
const hour = 60 * minute;

function createScene(
  outcomes: (attempt: number) => DeliveryOutcome,
  options: Partial<DeliveryOptions<string>> = {},
) {
  const clock = new SimulatedClock(start);
  const attempts: { readonly at: number; readonly event: string; readonly id: string }[] = [];
  const deadLetters: (DeadLetter<string> & { readonly at: number })[] = [];
  let ids = 0;
  const delivery = new SubscriptionDelivery<string>({
    clock,
    kind: "azureResource",
    maxDeliveryAttempts: 30,
    timeToLiveMs: 24 * hour,
    newId: () => `d${(ids += 1)}`,
    jitter: (delayMs) => delayMs,
    attempt: ({ event, deliveryId }) => {
      attempts.push({ at: clock.now() - start, event, id: deliveryId });
      return Promise.resolve(outcomes(attempts.length));
    },
    writeDeadLetter: (deadLetter) => {
      deadLetters.push({ ...deadLetter, at: clock.now() - start });
      return Promise.resolve();
    },
    log: () => undefined,
    ...options,
  });
  return { clock, attempts, deadLetters, delivery };
}

describe("delivery of one subscription", () => {
  it("delivers at once and once", async () => {
    const { clock, attempts, delivery } = createScene(() => "Delivered");
    delivery.accept("a");
    await clock.advance(24 * hour);
    expect(attempts).toEqual([{ at: 0, event: "a", id: "d1" }]);
    expect(delivery.metrics()).toMatchObject({ delivered: 1, waiting: 0, failedAttempts: 0 });
  });

  it("tries again after 10 s, 30 s, 1, 5, 10 and 30 minutes, under one id", async () => {
    const { clock, attempts, delivery } = createScene(() => "Aborted");
    delivery.accept("a");
    await clock.advance(hour);
    const expected = [0, 10_000, 40_000, 100_000, 400_000, 1_000_000, 2_800_000];
    expect(attempts.map(({ at }) => at)).toEqual(expected);
    expect(new Set(attempts.map(({ id }) => id)).size).toBe(1);
  });

  it.each([
    ["Unauthorized", 5 * minute],
    ["NotFound", 5 * minute],
    ["TimedOut", 2 * minute],
    ["Busy", 30_000],
  ] as const)("waits at least its own time after %s", async (outcome, waitMs) => {
    const { clock, attempts, delivery } = createScene((n) => (n === 1 ? outcome : "Delivered"));
    delivery.accept("a");
    await clock.advance(waitMs - 1);
    expect(attempts).toHaveLength(1);
    await clock.advance(1);
    expect(attempts).toHaveLength(2);
  });

  it("looks at the time to live only when an attempt comes due: six attempts in 30 minutes", async () => {
    const { clock, attempts, deadLetters, delivery } = createScene(() => "Aborted", {
      timeToLiveMs: 30 * minute,
    });
    delivery.accept("a");
    await clock.advance(2 * hour);
    expect(attempts).toHaveLength(6);
    expect(deadLetters).toMatchObject([
      { reason: "TimeToLiveExceeded", attempts: 6, lastOutcome: "Aborted", at: 2_800_000 },
    ]);
  });

  it("dead-letters five minutes after the last allowed attempt", async () => {
    const { clock, deadLetters, delivery } = createScene(() => "Busy", { maxDeliveryAttempts: 2 });
    delivery.accept("a");
    await clock.advance(30_000 + 5 * minute - 1);
    expect(deadLetters).toEqual([]);
    await clock.advance(1);
    expect(deadLetters).toMatchObject([
      {
        reason: "MaxDeliveryAttemptsExceeded",
        attempts: 2,
        publishedAt: start,
        lastAttemptAt: start + 30_000,
      },
    ]);
  });

  it.each(["BadRequest", "PayloadTooLarge", "Forbidden"] as const)(
    "never tries again after %s",
    async (outcome) => {
      const { clock, attempts, deadLetters, delivery } = createScene(() => outcome);
      delivery.accept("a");
      await clock.advance(24 * hour);
      expect(attempts).toHaveLength(1);
      expect(deadLetters).toMatchObject([{ attempts: 1, lastOutcome: outcome }]);
    },
  );

  it("sends nothing while the endpoint is on probation, also not new events", async () => {
    const { clock, attempts, delivery } = createScene((n) => (n <= 10 ? "Disabled" : "Delivered"));
    for (let event = 0; event < 10; event += 1) delivery.accept(`old ${event}`);
    await clock.advance(1000);
    delivery.accept("new");
    await clock.advance(5 * minute - 1001);
    expect(attempts).toHaveLength(10);
    await clock.advance(1);
    expect(attempts).toHaveLength(21);
    expect(delivery.metrics()).toMatchObject({ delivered: 11, waiting: 0 });
  });

  it("ends the probation with the first success", async () => {
    const { clock, attempts, delivery } = createScene((n) => (n <= 10 ? "Disabled" : "Delivered"));
    for (let event = 0; event < 11; event += 1) delivery.accept(`together ${event}`);
    await clock.advance(1000);
    delivery.accept("new");
    await clock.advance(0);
    expect(attempts.at(-1)).toMatchObject({ event: "new", at: 1000 });
  });

  it("counts failures in a row: a success between them starts again", async () => {
    const { clock, attempts, delivery } = createScene((n) => (n === 10 ? "Delivered" : "Busy"));
    for (let event = 0; event < 20; event += 1) {
      delivery.accept(String(event));
      await clock.advance(0);
    }
    expect(attempts).toHaveLength(20);
  });

  it("wakes for the earliest of its waits, whichever came first", async () => {
    const { clock, attempts, delivery } = createScene((n) => (n === 1 ? "NotFound" : "Aborted"));
    delivery.accept("slow");
    await clock.advance(0);
    delivery.accept("quick");
    await clock.advance(10_000);
    expect(attempts.map(({ event }) => event)).toEqual(["slow", "quick", "quick"]);
  });

  it("can dead-letter an event that had no attempt of its own", async () => {
    const { clock, deadLetters, delivery } = createScene(() => "Disabled", {
      timeToLiveMs: minute,
    });
    for (let event = 0; event < 10; event += 1) delivery.accept("old");
    await clock.advance(1000);
    delivery.accept("new");
    await clock.advance(hour);
    expect(deadLetters.find(({ event }) => event === "new")).toMatchObject({
      attempts: 0,
      lastOutcome: "Probation",
      reason: "TimeToLiveExceeded",
    });
  });

  it("writes the dead letter again each minute, and drops the event after four hours", async () => {
    const failing = (): Promise<void> => Promise.reject(new Error("storage is away"));
    const { clock, delivery } = createScene(() => "BadRequest", { writeDeadLetter: failing });
    delivery.accept("a");
    await clock.advance(4 * hour - minute);
    expect(delivery.metrics()).toMatchObject({ dropped: 0, waiting: 1 });
    await clock.advance(10 * minute);
    expect(delivery.metrics()).toMatchObject({ dropped: 1, deadLettered: 0, waiting: 0 });
  });

  it("ends every event exactly once, whatever the outcomes", async () => {
    const outcome = fc.constantFrom<DeliveryOutcome>("Delivered", "Busy", "NotFound", "BadRequest");
    await fc.assert(
      fc.asyncProperty(fc.array(outcome, { minLength: 1 }), async (outcomes) => {
        const { clock, deadLetters, delivery } = createScene(
          (attempt) => outcomes[attempt % outcomes.length] ?? "Delivered",
        );
        for (let event = 0; event < 100; event += 1) delivery.accept(String(event));
        await clock.advance(72 * hour);
        const { delivered, deadLettered, waiting } = delivery.metrics();
        expect({ ended: delivered + deadLettered, waiting }).toEqual({ ended: 100, waiting: 0 });
        expect(new Set(deadLetters.map(({ event }) => event)).size).toBe(deadLetters.length);
      }),
      { numRuns: 20 },
    );
  });
});
