import { describe, expect, it } from "@jest/globals";
import { discardFailures } from "../../../../functions/src/recovery/discard-failures.ts";
import { findFailures } from "../../../../functions/src/recovery/find-failures.ts";
import type { FailureStatus } from "../../../../functions/src/recovery/failure.ts";
import { replaysTable } from "../../../../functions/src/recovery/replay/replay-store.ts";
import type { ReplayJob } from "../../../../functions/src/recovery/replay/replay-job.ts";
import type { TableStore } from "../../../../functions/src/platform/table-store.ts";
import { MessagingError } from "../../../../functions/src/platform/messages.ts";
import type { Sender } from "../../../../functions/src/platform/messages.ts";
import type { Outcome } from "../../../../functions/src/targets/target.ts";
import { KillAtCall } from "../../../support/kill-at-call.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";
import { recordTelemetry } from "../../../support/recorded-telemetry.ts";
import { ReplayWorld } from "../../../support/replay-world.ts";

const refusal: Outcome = { kind: "reject", code: "CE_ROW_CLOSED", reason: "still paid" };
const afterLease = 31_000;

async function count(world: ReplayWorld, status: FailureStatus): Promise<number> {
  const page = await findFailures(world.failures, { status }, { limit: 1_000 });
  return page.failures.length;
}

/** The world's store; every version of a replay that is written goes to `saved`. */
function watchJobs(world: ReplayWorld, saved: ReplayJob[]): TableStore {
  const store = world.delivery.memory;
  return {
    get: (...args) => store.get(...args),
    query: (...args) => store.query(...args),
    transaction: (...args) => store.transaction(...args),
    write: (table, write) => {
      if (table === replaysTable && "row" in write && "job" in write.row.columns) {
        saved.push(JSON.parse(String(write.row.columns["job"])) as ReplayJob);
      }
      return store.write(table, write);
    },
  };
}

/** The world's broker; `before` is told of the how manieth send each is. */
function beforeSends(world: ReplayWorld, before: (sends: number) => Promise<void>): Sender {
  let sends = 0;
  return {
    send: async (entity, messages) => {
      sends += 1;
      await before(sends);
      await world.delivery.broker.send(entity, messages);
    },
  };
}

/** Each document's effect, in no order. */
function effects(world: ReplayWorld): readonly string[] {
  return [...world.delivery.target.effects].sort();
}

function effectKeys(from: number, to: number): readonly string[] {
  return Array.from(
    { length: to - from + 1 },
    (_each, index) => numberedEvent(from + index).effectkey,
  ).sort();
}

describe("a replay", () => {
  it("rises in steps, delivers every failure once and resolves it", async () => {
    const world = new ReplayWorld();
    await world.fail(150);
    const { id } = await world.begin();

    expect(await world.run(id)).toBe(true);
    const job = await world.job(id);

    expect(job.steps.map(({ size }) => size)).toEqual([1, 10, 100, 39]);
    expect(job).toMatchObject({
      state: "done",
      total: 150,
      ended: { delivered: 150, failedAgain: 0 },
    });
    expect(effects(world)).toEqual(effectKeys(1, 150));
    expect([await count(world, "open"), await count(world, "resolved")]).toEqual([0, 150]);
    expect(world.delivery.openRows()).toEqual([]);
  });

  it("goes to the one target only, under message ids that were never used", async () => {
    const world = new ReplayWorld();
    await world.fail(1);
    const before = world.delivery.broker.sent.length;
    const { id } = await world.begin();
    await world.run(id);
    const sent = world.delivery.broker.sent.slice(before).map(({ entity, message }) => ({
      entity,
      id: message.messageId,
      to: Object.keys(message.properties).filter((name) => name.startsWith("to_")),
    }));

    expect(sent).toEqual([
      { entity: "integration-events", id: `${numberedEvent(1).id}:ce:2`, to: ["to_ce"] },
    ]);
  });

  it("tells of each delivery that it sends again, once, as an event and as a count", async () => {
    const world = new ReplayWorld();
    await world.fail(3);
    const { events, metrics, telemetry } = recordTelemetry();
    world.telemetry = telemetry;
    const { id } = await world.begin();
    await world.run(id);

    const told = events
      .filter(({ name }) => name === "replayed")
      .map(({ dimensions: { eventId, flow, target, generation } }) => [
        ...[eventId, flow, target, generation],
      ]);
    expect(told.sort()).toEqual(
      [1, 2, 3].map((n) => [numberedEvent(n).id, "invoice-posted", "ce", 1]),
    );
    const counted = metrics.filter(({ name }) => name === "causeway.replayed");
    expect(counted.map(({ value, dimensions }) => [value, dimensions])).toEqual(
      Array.from({ length: 3 }, () => [1, { flow: "invoice-posted", target: "ce" }]),
    );
  });

  it("has a counterpart in discarding, which tells of each failure that a person gave up", async () => {
    const world = new ReplayWorld();
    await world.fail(2);
    const { events, telemetry } = recordTelemetry();
    world.telemetry = telemetry;
    const { failures } = await findFailures(world.failures, {}, { limit: 10 });
    const on = world.runner(world.delivery.clock, {});

    expect(await discardFailures(on, failures, "posted by mistake")).toBe(2);
    expect(await discardFailures(on, failures, "again")).toBe(0);
    const told = events.map(({ name, dimensions: { eventId, flow, target, code } }) => [
      ...[name, eventId, flow, target, code],
    ]);
    expect(told.sort()).toEqual([
      ["discarded", numberedEvent(1).id, "invoice-posted", "ce", "CE_ROW_CLOSED"],
      ["discarded", numberedEvent(2).id, "invoice-posted", "ce", "CE_ROW_CLOSED"],
    ]);
  });

  it("stops by itself when too large a share of a step fails again, and says why", async () => {
    const world = new ReplayWorld();
    await world.fail(50);
    // One is delivered, then everything is refused.
    let calls = 0;
    world.delivery.target.answers = Array.from({ length: 50 }, () => () => {
      calls += 1;
      return calls === 1 ? { kind: "delivered", reference: "r" } : refusal;
    });
    const { id } = await world.begin();
    await world.run(id);
    const job = await world.job(id);

    expect(job.state).toBe("stopped");
    expect(job.note).toBe("10 of 10 in step 2 failed again, more than 10 %: 10 CE_ROW_CLOSED");
    // Ten failures are replaced by new ones, which name the old; nothing else was touched.
    expect([
      await count(world, "open"),
      await count(world, "replaced"),
      await count(world, "resolved"),
    ]).toEqual([49, 10, 1]);
    const { failures } = await findFailures(world.failures, { status: "replaced" }, { limit: 1 });
    const old = await world.failures.get("ce", failures[0]?.failureId ?? "");
    const again = await world.failures.get("ce", old?.replacedBy ?? "");
    expect(again).toMatchObject({ status: "open", replaces: old?.failureId, generation: 1 });
  });

  it("is never seen as stopped without the counts that say why", async () => {
    const world = new ReplayWorld();
    await world.fail(20);
    world.delivery.target.answers = Array.from({ length: 20 }, () => refusal);
    const { telemetry, events } = recordTelemetry();
    world.telemetry = telemetry;
    const { id } = await world.begin({ kind: "all" }, { steps: [10] });
    const saved: ReplayJob[] = [];
    await world.run(id, { store: watchJobs(world, saved) });

    const stopped = saved.filter(({ state }) => state === "stopped");
    expect(stopped.map(({ ended, steps }) => [ended.failedAgain, steps.length])).toEqual(
      stopped.map(() => [10, 1]),
    );
    expect(stopped[0]).toMatchObject({ isFollowed: false, position: 10 });
    expect(stopped[0]?.steps[0]?.endedAt).not.toBeNull();
    const told = events.filter(({ name }) => name === "replay");
    expect(told.map(({ dimensions, measurements }) => [dimensions, measurements])).toEqual([
      [
        { replayId: id, state: "stopped" },
        { delivered: 0, skipped: 0, failedAgain: 10, refused: 0 },
      ],
    ]);
  });

  it("counts what failed before it looked for the first time, also when it stops for it", async () => {
    const world = new ReplayWorld();
    await world.fail(4);
    world.delivery.target.answers = [refusal];
    const { broker } = world.delivery;
    const sender: Sender = {
      send: async (entity, messages) => {
        await broker.send(entity, messages);
        await world.work();
      },
    };
    const { id } = await world.begin();
    await world.run(id, { sender });

    expect(await world.job(id)).toMatchObject({
      state: "stopped",
      steps: [{ number: 1, underWay: 0, failedAgain: 1 }],
    });
  });

  it("is paused, resumed and cancelled by a wish", async () => {
    const world = new ReplayWorld();
    await world.fail(30);
    const { id } = await world.begin();
    await world.replays.setWish(id, "pause");
    expect(await world.run(id)).toBe(false);
    expect((await world.job(id)).state).toBe("paused");
    expect([await count(world, "open"), effects(world)]).toEqual([30, []]);

    await world.replays.setWish(id, "run");
    const sender = beforeSends(world, (sends) =>
      world.replays.setWish(id, sends < 2 ? "run" : "pause"),
    );
    expect(await world.run(id, { sender })).toBe(false);
    // What was sent before the pause is followed to its end.
    expect(await world.job(id)).toMatchObject({ state: "paused", ended: { delivered: 11 } });
    expect([await count(world, "open"), await count(world, "resolved")]).toEqual([19, 11]);

    await world.replays.setWish(id, "cancel");
    expect(await world.run(id)).toBe(true);
    expect(await world.job(id)).toMatchObject({
      state: "cancelled",
      note: "a person cancelled it",
      ended: { delivered: 11 },
    });
    expect(await count(world, "open")).toBe(19);
    expect([effects(world).length, new Set(effects(world)).size]).toEqual([11, 11]);
  });

  it("goes on after a pause to its end", async () => {
    const world = new ReplayWorld();
    await world.fail(30);
    const { id } = await world.begin();
    await world.replays.setWish(id, "pause");
    await world.run(id);
    await world.replays.setWish(id, "run");
    expect(await world.run(id)).toBe(true);

    expect(await world.job(id)).toMatchObject({ state: "done", ended: { delivered: 30 } });
    expect(effects(world)).toEqual(effectKeys(1, 30));
  });

  it("leaves failures alone that another replay has", async () => {
    const world = new ReplayWorld();
    await world.fail(20);
    const [one, two] = [await world.begin(), await world.begin()];
    // Both plan the same failures before either sends.
    await world.replays.setWish(one.id, "pause");
    await world.run(one.id);
    await world.run(two.id);
    await world.replays.setWish(one.id, "run");
    await world.run(one.id);

    expect(effects(world)).toEqual(effectKeys(1, 20));
    expect((await world.job(two.id)).ended.delivered).toBe(20);
    expect((await world.job(one.id)).state).toBe("done");
  });

  it("goes on past failures that another replay was faster with, and says so", async () => {
    const world = new ReplayWorld();
    await world.fail(20);
    const [one, two] = [await world.begin(), await world.begin()];
    const { broker } = world.delivery;
    let isFirst = true;
    const sender: Sender = {
      send: async (entity, messages) => {
        if (isFirst) {
          isFirst = false;
          await world.run(two.id);
        }
        await broker.send(entity, messages);
      },
    };
    await world.run(one.id, { sender });

    expect(effects(world)).toEqual(effectKeys(1, 20));
    expect((await world.job(two.id)).ended.delivered).toBe(19);
    expect(await world.job(one.id)).toMatchObject({
      state: "done",
      note: "19 skipped: 19 it is resolved by now",
      ended: { delivered: 1, skipped: 19, refused: 0 },
    });
  });

  it("does not go on to the next step while a delivery is under way or retried", async () => {
    const world = new ReplayWorld();
    await world.fail(5);
    const busy: Outcome = { kind: "retry", code: "CE_BUSY", reason: "busy" };
    world.delivery.target.answers = [busy, busy, busy];
    const { id } = await world.begin();
    // For longer than the runner looks at a step at a time.
    let restMs = 5_000;
    const work = world.work.bind(world);
    world.work = async () => {
      restMs -= 100;
      if (restMs < 0) await work();
    };
    const doneBefore: number[] = [];
    const sender = beforeSends(world, () => {
      doneBefore.push(effects(world).length);
      return Promise.resolve();
    });
    await world.run(id, { sender });

    expect(world.delivery.target.answers).toEqual([]);
    expect(doneBefore).toEqual([0, 1]);
    expect(effects(world)).toEqual(effectKeys(1, 5));
    expect((await world.job(id)).state).toBe("done");
  });

  it.each([
    { perSecond: 20, asked: [10, 5, 2.5] },
    { perSecond: 0.5, asked: [0.25, 0.125, 0.125] },
  ])(
    "sends half as much each time that Service Bus asks for it ($perSecond a second), more with each chunk that goes, and everything in the end",
    async ({ perSecond, asked }) => {
      const world = new ReplayWorld();
      await world.fail(40);
      const options = { perSecond, steps: [40] };
      const { id } = await world.begin({ kind: "all" }, options);
      const saved: ReplayJob[] = [];
      const { clock } = world.delivery;
      const chunks: { readonly at: number; readonly size: number }[] = [];
      let busy = asked.length;
      const sender: Sender = {
        send: async (entity, messages) => {
          busy -= 1;
          if (busy >= 0) throw new MessagingError("MESSAGING_UNAVAILABLE", entity);
          chunks.push({ at: clock.now(), size: messages.length });
          await world.delivery.broker.send(entity, messages);
        },
      };
      await world.run(id, { sender, store: watchJobs(world, saved) });

      const rates = saved.map(({ perSecondNow }) => perSecondNow);
      const changes = rates.filter((rate, index) => index > 0 && rate !== rates[index - 1]);
      const slower = asked.filter((rate, index) => rate !== asked[index - 1]);
      expect(changes.slice(0, slower.length)).toEqual(slower);
      expect(changes[slower.length]).toBeCloseTo((asked.at(-1) ?? 0) * 1.1);
      expect(Math.max(...rates)).toBe(perSecond);
      // The pause after each chunk is what its size asks for at the rate of then, which never fell below the last one.
      const slowest = asked.at(-1) ?? 0;
      const gaps = chunks.slice(1).map(({ at }, index) => at - (chunks[index]?.at ?? 0));
      const [first] = chunks;
      expect(first?.size).toBe(Math.max(1, Math.floor(slowest)));
      expect(gaps[0]).toBeGreaterThanOrEqual(((first?.size ?? 0) / slowest) * 1_000);
      while (!(await world.run(id)));
      expect(effects(world)).toEqual(effectKeys(1, 40));
      expect((await world.job(id)).state).toBe("done");
    },
  );

  it("keeps to its rate", async () => {
    const world = new ReplayWorld();
    await world.fail(100);
    const { id } = await world.begin({ kind: "all" }, { perSecond: 10, steps: [100] });
    const start = world.delivery.clock.now();
    await world.run(id);

    expect((world.delivery.clock.now() - start) / 1_000).toBeGreaterThanOrEqual(9);
  });

  it("replays a window: deliveries never attempted, and failed ones, and no others", async () => {
    const world = new ReplayWorld();
    await world.fail(2);
    // The third was published before the target was part of the flow; the fourth is delivered.
    await world.publishToNobody(numberedEvent(3));
    await world.delivery.accept(numberedEvent(4));
    await world.work();
    const { id } = await world.begin({
      kind: "window",
      from: Date.parse("2026-11-24T11:00:00Z"),
      to: Date.parse("2026-11-24T12:00:00Z"),
      target: "ce",
      includeSkipped: false,
    });
    await world.run(id);

    expect(await world.job(id)).toMatchObject({ state: "done", total: 3 });
    expect(effects(world)).toEqual(effectKeys(1, 4));
  });
});

describe("a replay whose runner is killed", () => {
  it.each(["before", "after"] as const)(
    "%s any call to storage or Service Bus loses nothing and sends nothing twice",
    async (when) => {
      const clean = new KillAtCall();
      const first = new ReplayWorld();
      await first.fail(4);
      const begun = await first.begin({ kind: "all" }, { steps: [1, 3] });
      await first.run(begun.id, ports(first, clean));
      const total = clean.calls.length;
      expect((await first.job(begun.id)).state).toBe("done");

      for (let call = 1; call <= total; call += 1) {
        const world = new ReplayWorld();
        await world.fail(4);
        const { id } = await world.begin({ kind: "all" }, { steps: [1, 3] });
        const killer = new KillAtCall();
        killer.killAt(call, when);
        await world.run(id, ports(world, killer)).catch(() => undefined);
        await world.work();
        for (let again = 0; again < 3; again += 1) {
          world.delivery.clock.advance(afterLease);
          await world.run(id);
          await world.work();
        }

        const where = `${when} call ${call} (${killer.calls[call - 1] ?? ""})`;
        expect([where, effects(world)]).toEqual([where, effectKeys(1, 4)]);
        expect([where, (await world.job(id)).state]).toEqual([where, "done"]);
        expect([where, await count(world, "open"), await count(world, "replaying")]).toEqual([
          where,
          0,
          0,
        ]);
        expect([where, world.delivery.openRows()]).toEqual([where, []]);
      }
    },
  );
});

function ports(world: ReplayWorld, killer: KillAtCall) {
  const { memory, broker } = world.delivery;
  return { store: killer.store(memory), sender: killer.sender(broker) };
}
