import { describe, expect, it } from "@jest/globals";
import { discardFailures } from "../../../../../functions/src/recovery/discard-failures.ts";
import { createEditStore } from "../../../../../functions/src/recovery/edits/edit-store.ts";
import type { Edit } from "../../../../../functions/src/recovery/edits/edit.ts";
import { findFailures } from "../../../../../functions/src/recovery/find-failures.ts";
import { toReplayId } from "../../../../../functions/src/recovery/replay/replay-store.ts";
import { defaultRetention } from "../../../../../functions/src/platform/config.ts";
import { silentTelemetry } from "../../../../../functions/src/platform/telemetry.ts";
import type { Outcome } from "../../../../../functions/src/targets/target.ts";
import { faultAt, FaultyPorts } from "../../../../support/faulty-ports.ts";
import { incompressible } from "../../../../support/incompressible.ts";
import { failureOf } from "../../../../support/stored-failure.ts";
import { eventOf, RetentionWorld } from "../../../../support/retention-world.ts";

const refusal: Outcome = {
  kind: "reject",
  code: "MAIL_REJECTED",
  reason: "anna@example.com does not exist",
};
const dryRun: Outcome = {
  kind: "skipped",
  rule: "DRY_RUN",
  wouldSend: { to: "anna@example.com" },
  asked: false,
};
const large = `Anna Berg ${incompressible(600_000)}`;

/** Delivered, dry run, large, failed, with an edit and a replay: everything that holds a person. */
async function plantEverything(world: RetentionWorld): Promise<void> {
  const { clock, memory, target } = world.replays.delivery;
  await world.post(eventOf(1));
  target.answers = [dryRun];
  await world.post(eventOf(2));
  await world.post(eventOf(3, large));
  target.answers = [refusal, refusal];
  await world.post(eventOf(4), eventOf(5));
  const properties = { contact: "anna@example.com" };
  await world.replays.failures.record([failureOf(9, { target: "crm", properties })]);
  const event = eventOf(4);
  const at = clock.now();
  const changes = [{ path: "data.customer.name", before: "Anna Berg", after: "Anna B" }];
  const edit: Edit = {
    ...{ id: toReplayId(at), state: "proposed", target: "ce", failureId: "f", eventId: event.id },
    ...{
      time: event.time,
      businessKey: event.subject,
      changes,
      reason: "typo",
      by: "a",
      byId: "a",
    },
    ...{ at, decidedBy: "", decidedAt: null, decision: "", replayId: "" },
  };
  await createEditStore(memory).propose(edit, event);
  const { id } = await world.replays.begin({
    kind: "window",
    ...{ from: at - 3_600_000, to: at, target: "ce", includeSkipped: false },
  });
  target.answers = [refusal, refusal];
  await world.replays.run(id);
  const [item] = await world.replays.replays.items(id, 0, 1);
  if (item === undefined) throw new Error("the replay has no item");
  await world.replays.replays.saveItems(id, [{ ...item, changes }]);
  const { ledger } = world.replays.delivery;
  await ledger.saveDeliveryBody({ eventId: event.id, time: event.time, target: "ce" }, event);
}

describe("bodies", () => {
  it("are gone from every row and blob when the days have passed", async () => {
    const world = new RetentionWorld();
    await plantEverything(world);
    expect(world.findPlanted().length).toBeGreaterThan(8);
    for (let day = 1; day <= 182; day += 1) await world.night(day);
    expect(world.findPlanted()).toEqual([]);
  });

  it("go 30 days after everything of their event is settled, from row and blob, and not before", async () => {
    const world = new RetentionWorld();
    world.replays.delivery.target.answers = [dryRun];
    await world.post(eventOf(1), eventOf(3, large));
    const before = world.findPlanted();
    expect(before).toHaveLength(4);
    await world.night(30);
    expect(world.findPlanted()).toEqual(before);
    await world.night(31);
    expect(world.findPlanted()).toEqual([]);
    const row = await world.replays.delivery.row(eventOf(3));
    expect(row).toMatchObject({ state: "delivered", reference: `ref-${eventOf(3).effectkey}` });
  });

  it("stay for 180 days where a delivery failed or is under way", async () => {
    const world = new RetentionWorld();
    world.replays.delivery.target.answers = [refusal];
    await world.post(eventOf(1));
    await world.replays.delivery.accept(eventOf(2));
    const before = world.findPlanted();
    for (const day of [31, 60, 100, 180]) await world.night(day);
    expect(world.findPlanted()).toEqual(before);
    await world.night(181);
    expect(world.findPlanted()).toEqual([]);
  });

  it("go 30 days after a failure was decided, however late that was", async () => {
    const world = new RetentionWorld();
    const { clock, ledger, target } = world.replays.delivery;
    target.answers = [refusal];
    await world.post(eventOf(1));
    await world.night(31);
    world.to(40);
    const { failures } = await findFailures(world.replays.failures, {}, { limit: 10 });
    await discardFailures(
      { failures: world.replays.failures, ledger, clock, telemetry: silentTelemetry },
      failures,
      "not wanted",
    );
    for (let day = 41; day <= 69; day += 1) await world.night(day);
    expect(world.findPlanted()).not.toEqual([]);
    await world.night(70);
    await world.night(71);
    expect(world.findPlanted()).toEqual([]);
  });

  it("keep the failure's row and story without the body", async () => {
    const world = new RetentionWorld();
    world.replays.delivery.target.answers = [refusal];
    await world.post(eventOf(1));
    await world.night(181);
    const { failures } = await findFailures(world.replays.failures, {}, { limit: 10 });
    const [summary] = failures;
    expect(summary).toMatchObject({ code: "MAIL_REJECTED", reason: "*** does not exist" });
    const stored = await world.replays.failures.get("ce", summary?.failureId ?? "");
    expect(stored).toMatchObject({ body: "", properties: {}, status: "open", attempts: 1 });
    expect(stored?.bodyTakenAt).not.toBeNull();
  });
});

describe("a run", () => {
  it("makes up for nights in which there was none", async () => {
    const world = new RetentionWorld();
    await world.post(eventOf(1));
    await world.night(31);
    const { clock } = world.replays.delivery;
    const late = { ...eventOf(2), time: new Date(clock.now()).toISOString() };
    await world.post(late);
    await world.night(31 + 50);
    expect(world.findPlanted()).toEqual([]);
  });

  it("ends when its time is up, and the next one goes on in the middle of the day", async () => {
    const world = new RetentionWorld();
    const events = [1, 2, 3].map((n) => ({
      ...eventOf(n),
      time: `2026-11-24T1${n}:00:00.000Z`,
    }));
    await world.post(...events);
    await world.night(30);
    world.to(31);
    const { clock, memory } = world.replays.delivery;
    const query = memory.query.bind(memory);
    // One partition a page, and five minutes for each.
    memory.query = (table, asked) => {
      if (!table.startsWith("ledger")) return query(table, asked);
      clock.advance(5 * 60_000);
      return query(table, { ...asked, limit: 2 });
    };
    await world.run();
    const left = world.findPlanted().length;
    await world.run();
    memory.query = query;
    expect([left > 0, left < 3, world.findPlanted()]).toEqual([true, true, []]);
    const results = world.recorded.events
      .filter(({ name }) => name === "retention")
      .map(({ dimensions }) => dimensions["result"]);
    expect(results).toEqual(["ok", "unfinished", "ok"]);
  });

  it("goes on after being killed before or after any of its calls", async () => {
    const settings = { ...defaultRetention, failureBodyDays: 31 };
    const world = new RetentionWorld();
    world.replays.delivery.target.answers = [
      dryRun,
      { kind: "delivered", reference: "r" },
      refusal,
    ];
    await world.post(eventOf(1), eventOf(2, large), eventOf(3));
    await world.night(30, { settings });
    const planted = world.findPlanted();
    const faults = new FaultyPorts();
    const whole = world.copy();
    await whole.night(32, { faults, settings });
    expect(whole.findPlanted()).toEqual([]);
    const calls = faults.calls.length;
    expect(calls).toBeGreaterThan(20);
    for (let call = 1; call <= calls; call += 1) {
      for (const when of ["before", "after"] as const) {
        const killed = world.copy();
        faults.revive();
        faults.forgetCalls();
        faults.plan = faultAt(call, { how: "kill", when });
        await killed.night(32, { faults, settings }).catch(() => undefined);
        await killed.run({ settings });
        expect({ call, when, left: killed.findPlanted() }).toEqual({ call, when, left: [] });
      }
    }
    expect(world.findPlanted()).toEqual(planted);
  });

  it("takes nothing that changed under it, and looks once more", async () => {
    const world = new RetentionWorld();
    await world.post(eventOf(1));
    const { memory } = world.replays.delivery;
    const query = memory.query.bind(memory);
    memory.query = async (table, asked) => {
      const page = await query(table, asked);
      if (!table.startsWith("ledger")) return page;
      const row = memory.rows(table).find(({ rowKey }) => rowKey === eventOf(1).id);
      if (row !== undefined) {
        await memory.write(table, { kind: "merge", row: { ...row, columns: {} }, etag: row.etag });
      }
      return page;
    };
    await world.night(31);
    expect(world.findPlanted()).toHaveLength(1);
    memory.query = query;
    await world.run();
    expect(world.findPlanted()).toEqual([]);
  });
});
