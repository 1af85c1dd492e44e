import { describe, expect, it } from "@jest/globals";
import { MessagingError } from "../../../../../functions/src/platform/messages.ts";
import type { Sender } from "../../../../../functions/src/platform/messages.ts";
import { findFailures } from "../../../../../functions/src/recovery/find-failures.ts";
import type { FailureStatus } from "../../../../../functions/src/recovery/failure.ts";
import { runReplay } from "../../../../../functions/src/recovery/replay/run-replay.ts";
import type { Outcome } from "../../../../../functions/src/targets/target.ts";
import { KillAtCall } from "../../../../support/kill-at-call.ts";
import { numberedEvent } from "../../../../support/numbered-event.ts";
import {
  createReplayFinance,
  failReadable,
  toFinanceError,
} from "../../../../support/replay-finance.ts";
import { ReplayWorld } from "../../../../support/replay-world.ts";

const refusal: Outcome = { kind: "reject", code: "CE_ROW_CLOSED", reason: "still paid" };
const afterLease = 31_000;

async function count(world: ReplayWorld, status: FailureStatus): Promise<number> {
  return (await findFailures(world.failures, { status }, { limit: 1_000 })).failures.length;
}

describe("a replay that is cancelled", () => {
  it.each([
    ["first", 0],
    ["second", 1],
  ])(
    "gives back what it had taken when it is cancelled while F&O is away, at the first chunk of each step (the %s)",
    async (_which, before) => {
      const world = new ReplayWorld();
      await failReadable(world, 4);
      const seen = new Set<number>();
      world.finance = createReplayFinance((documents) => {
        for (const document of documents) seen.add(document);
        if (seen.size > before) throw toFinanceError("FINANCE_UNREACHABLE");
      });
      const { id } = await world.begin({ kind: "all" }, { asStored: false, steps: [1, 3] });
      expect(await world.run(id)).toBe(false);
      expect(await count(world, "replaying")).toBeGreaterThan(0);
      await world.replays.setWish(id, "cancel");

      expect(await world.run(id)).toBe(true);
      expect((await world.job(id)).state).toBe("cancelled");
      expect([await count(world, "replaying"), await count(world, "open")]).toEqual([
        0,
        4 - before,
      ]);
    },
  );

  it("follows what went out when it was killed before the step was written and then cancelled", async () => {
    const clean = new KillAtCall();
    const first = await createFailed();
    await first.world.run(first.id, portsOf(first.world, clean));
    const sentAt = clean.calls.indexOf("send integration-events");
    const itemsAt = clean.calls.findIndex(
      (call, index) => index > sentAt && /^(merge|transaction) replays$/.test(call),
    );
    const jobAt = clean.calls.findIndex(
      (call, index) => index > itemsAt && call === "replace replays",
    );
    const { world, id } = await createFailed();
    const killer = new KillAtCall();
    killer.killAt(jobAt + 1, "before");
    await world.run(id, portsOf(world, killer)).catch(() => undefined);
    expect(killer.calls[itemsAt]).toMatch(/ replays$/);
    world.delivery.clock.advance(afterLease);
    await world.replays.setWish(id, "cancel");

    expect(await world.run(id)).toBe(true);
    expect(await world.job(id)).toMatchObject({ state: "cancelled", ended: { delivered: 1 } });
    expect([
      await count(world, "replaying"),
      await count(world, "resolved"),
      await count(world, "open"),
    ]).toEqual([0, 1, 3]);
  });
});

describe("a replay that is cancelled after its runner was killed", () => {
  it.each(["before", "after"] as const)(
    "%s any call has nothing left that it had taken, and counts what went out",
    async (when) => {
      const clean = new KillAtCall();
      const first = await createFailed();
      await first.world.run(first.id, portsOf(first.world, clean));

      for (let call = 1; call <= clean.calls.length; call += 1) {
        const { world, id } = await createFailed();
        const killer = new KillAtCall();
        killer.killAt(call, when);
        await world.run(id, portsOf(world, killer)).catch(() => undefined);
        await world.replays.setWish(id, "cancel");
        // A wake-up that was not sent any more is sent by the sweep.
        for (let again = 0; again < 3; again += 1) {
          world.delivery.clock.advance(20 * 60_000);
          await world.run(id);
          await world.delivery.sweep();
          await world.work();
        }
        await world.run(id);

        const where = `${when} call ${call} (${killer.calls[call - 1] ?? ""})`;
        const { ended, isFollowed } = await world.job(id);
        const sent = world.delivery.target.effects.length;
        expect([where, isFollowed, ended.delivered]).toEqual([where, false, sent]);
        const statuses = ["replaying", "resolved", "open"] as const;
        const counts = await Promise.all(statuses.map((status) => count(world, status)));
        expect([where, ...counts]).toEqual([where, 0, sent, 4 - sent]);
      }
    },
  );

  it("follows a delivery of a window that nobody had attempted before", async () => {
    const world = new ReplayWorld();
    await world.publishToNobody(numberedEvent(1));
    const { id } = await world.begin({
      kind: "window",
      from: Date.parse("2026-11-24T11:00:00Z"),
      to: Date.parse("2026-11-24T12:00:00Z"),
      target: "ce",
      includeSkipped: false,
    });
    const sender: Sender = {
      send: async (entity, messages) => {
        await world.delivery.broker.send(entity, messages);
        await world.replays.setWish(id, "cancel");
        throw new MessagingError("MESSAGING_UNAVAILABLE", entity);
      },
    };
    await world.run(id, { sender });

    expect(await world.job(id)).toMatchObject({ state: "cancelled", ended: { delivered: 1 } });
  });
});

async function createFailed(): Promise<{ readonly world: ReplayWorld; readonly id: string }> {
  const world = new ReplayWorld();
  await world.fail(4);
  const { id } = await world.begin({ kind: "all" }, { steps: [1, 3] });
  return { world, id };
}

function portsOf(world: ReplayWorld, killer: KillAtCall) {
  const { memory, broker } = world.delivery;
  return { store: killer.store(memory), sender: killer.sender(broker) };
}

/** Five are sent, then somebody pauses it; the target has not worked on any of them. */
async function pauseAfterFive(size: number): Promise<{
  readonly world: ReplayWorld;
  readonly id: string;
}> {
  const world = new ReplayWorld();
  await world.fail(10);
  const { clock, broker, target } = world.delivery;
  target.answers = Array.from({ length: 10 }, () => refusal);
  const { id } = await world.begin({ kind: "all" }, { steps: [size], perSecond: 5 });
  const sender: Sender = {
    send: async (entity, messages) => {
      await broker.send(entity, messages);
      await world.replays.setWish(id, "pause");
    },
  };
  const limits = { until: clock.now() + 240_000, patienceMs: 5_000 };
  await runReplay(world.runner(clock, { sender }), id, limits);
  expect((await world.job(id)).state).toBe("paused");
  return { world, id };
}

describe("a replay that is paused", () => {
  it.each([
    ["is looked at while it is paused", "pause", 10],
    ["is looked at when it is resumed", "run", 10],
    ["was at the end of a step", "pause", 5],
    ["was at the end of a step, and is resumed", "run", 5],
  ] as const)(
    "stops when what it had sent fails while it is paused: resuming sends nothing more (it %s)",
    async (_what, wish, size) => {
      const { world, id } = await pauseAfterFive(size);
      await world.work();
      await world.replays.setWish(id, wish);
      await world.run(id);
      const calls = world.delivery.target.calls.length;
      await world.replays.setWish(id, "run");
      await world.run(id);

      expect(await world.job(id)).toMatchObject({
        state: "stopped",
        note: `5 of ${size} in step 1 failed again, more than 10 %: 5 CE_ROW_CLOSED`,
      });
      expect([calls, world.delivery.target.calls.length]).toEqual([15, 15]);
    },
  );
});
