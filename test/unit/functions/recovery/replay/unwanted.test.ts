import { beforeEach, describe, expect, it } from "@jest/globals";
import type { TableStore } from "../../../../../functions/src/platform/table-store.ts";
import { silentTelemetry } from "../../../../../functions/src/platform/telemetry.ts";
import { discardFailures } from "../../../../../functions/src/recovery/discard-failures.ts";
import { findFailures } from "../../../../../functions/src/recovery/find-failures.ts";
import { previewChanges } from "../../../../../functions/src/recovery/replay/preview-changes.ts";
import type {
  ItemState,
  Selection,
} from "../../../../../functions/src/recovery/replay/replay-job.ts";
import { selectDeliveries } from "../../../../../functions/src/recovery/replay/select-deliveries.ts";
import type { StoredFailure } from "../../../../../functions/src/recovery/failure.ts";
import { KillAtCall } from "../../../../support/kill-at-call.ts";
import { lightFlow } from "../../../../support/light-flow.ts";
import { numberedEvent } from "../../../../support/numbered-event.ts";
import { recordTelemetry } from "../../../../support/recorded-telemetry.ts";
import { createReplayFinance, failReadable } from "../../../../support/replay-finance.ts";
import { ReplayWorld } from "../../../../support/replay-world.ts";

const afterLease = 31_000;
const notTheSecond = lightFlow({ ce: { when: "data.number != 'CIV-000002'" } });

function hour(includeSkipped = false): Selection {
  const from = Date.parse("2026-11-24T11:00:00Z");
  return { kind: "window", from, to: from + 3_600_000, target: "ce", includeSkipped };
}

/** State and outcome of each item, by its document. */
async function ended(world: ReplayWorld, id: string): Promise<Readonly<Record<string, string>>> {
  const items = await world.replays.items(id, 0, 100);
  const texts = items.map(({ businessKey, outcome, state }): [string, string] => {
    const stays: readonly ItemState[] = ["skipped", "refused"];
    return [businessKey, stays.includes(state) ? `${state} ${outcome}` : state];
  });
  return Object.fromEntries(texts);
}

/** The target's rows in the ledger. */
function ledgerRows(world: ReplayWorld): readonly string[] {
  const { memory, target } = world.delivery;
  return memory
    .rows("ledger202611")
    .filter(({ columns }) => columns["target"] === target.name)
    .map(({ columns: { rule = "", state } }) => `${String(state)} ${String(rule)}`.trim());
}

async function failures(world: ReplayWorld): Promise<readonly StoredFailure[]> {
  const found = (status: "open" | "replaying" | "resolved") =>
    findFailures(world.failures, { status }, { limit: 100 });
  const pages = [await found("open"), await found("replaying"), await found("resolved")];
  const all = pages.flatMap((page) => page.failures);
  const whole = await Promise.all(
    all.map((each) => world.failures.get(each.target, each.failureId)),
  );
  return whole.flatMap((each) => each ?? []);
}

describe("what the flow does not want at the target of a replay", () => {
  let world: ReplayWorld;

  beforeEach(() => {
    world = new ReplayWorld();
    world.flows = [notTheSecond];
  });

  it("is not sent by a window for a target that was added later, and gets no row", async () => {
    for (const n of [1, 2]) await world.publishToNobody(numberedEvent(n));
    const { id } = await world.begin(hour());
    await world.run(id);

    expect(await ended(world, id)).toEqual({
      "usmf/CIV-000001": "delivered",
      "usmf/CIV-000002": "skipped NOT_FOR_TARGET",
    });
    expect(await world.job(id)).toMatchObject({
      state: "done",
      note: "1 skipped: 1 NOT_FOR_TARGET",
    });
    expect(world.delivery.target.effects).toEqual([numberedEvent(1).effectkey]);
    expect(ledgerRows(world)).toEqual(["delivered"]);
    expect(world.delivery.memory.rows("open")).toEqual([]);
  });

  it("is not sent by a window that includes what a rule skipped, whichever it was", async () => {
    await world.publishToNobody(numberedEvent(1), "NOT_FOR_TARGET");
    await world.publishToNobody(numberedEvent(2), "NOT_REPAIRED");
    const { id } = await world.begin(hour(true));
    await world.run(id);

    expect(await ended(world, id)).toEqual({
      "usmf/CIV-000001": "delivered",
      "usmf/CIV-000002": "skipped NOT_FOR_TARGET",
    });
    expect(ledgerRows(world).toSorted()).toEqual(["delivered", "skipped NOT_REPAIRED"]);
  });

  it.each(["OUTCOME_UNKNOWN", "STUCK", "DEAD_LETTERED", "TARGET_DOWN"])(
    "stays a person's matter where its failure is %s: it may be there",
    async (code) => {
      await world.fail(2);
      const { ledger } = world.delivery;
      const row = await world.delivery.row(numberedEvent(2));
      const [version] = await ledger.load([row], { fresh: true });
      await ledger.save([{ row: { ...row, code }, etag: version?.etag ?? "" }]);
      const { id } = await world.begin({ kind: "all" }, { steps: [2], stopShare: 1 });
      await world.run(id);

      expect((await ended(world, id))["usmf/CIV-000002"]).toMatch(
        /^refused NOT_FOR_TARGET: .*look/,
      );
      expect(await world.delivery.row(numberedEvent(2))).toMatchObject({ state: "failed", code });
      const second = (await failures(world)).find(({ businessKey }) => businessKey.endsWith("2"));
      expect(second?.status).toBe("open");
      expect(world.delivery.target.effects).toEqual([numberedEvent(1).effectkey]);
    },
  );

  it("is not sent because it failed when the flow still wanted it: delivery and failure end by the rule", async () => {
    const { events, telemetry } = recordTelemetry();
    world.telemetry = telemetry;
    await world.fail(2);
    const { id } = await world.begin({ kind: "all" }, { steps: [2] });
    await world.run(id);

    expect(await ended(world, id)).toEqual({
      "usmf/CIV-000001": "delivered",
      "usmf/CIV-000002": "skipped NOT_FOR_TARGET",
    });
    expect(await world.delivery.row(numberedEvent(2))).toMatchObject({
      state: "skipped",
      rule: "NOT_FOR_TARGET",
      failureId: null,
      settledAt: expect.any(Number),
    });
    expect((await failures(world)).map(({ outcome, status }) => [status, outcome])).toEqual(
      expect.arrayContaining([["resolved", "NOT_FOR_TARGET"]]),
    );
    expect(world.delivery.target.effects).toEqual([numberedEvent(1).effectkey]);
    expect(events).toContainEqual(
      expect.objectContaining({
        name: "delivery",
        dimensions: expect.objectContaining({ state: "skipped", why: "NOT_FOR_TARGET" }),
      }),
    );
  });

  it("is left as a person decides who is faster with it", async () => {
    world.flows = [lightFlow({ ce: { when: "false" } })];
    await world.fail(1);
    const { id } = await world.begin();
    const { clock, ledger, memory } = world.delivery;
    const [failure] = await failures(world);
    let isFirst = true;
    const discardFirst = async (table: string): Promise<void> => {
      if (!table.startsWith("ledger") || !isFirst || failure === undefined) return;
      isFirst = false;
      const on = { failures: world.failures, ledger, clock, telemetry: silentTelemetry };
      await discardFailures(on, [failure], "not wanted");
    };
    const store: TableStore = {
      get: (...args) => memory.get(...args),
      query: (...args) => memory.query(...args),
      write: async (table, write) => {
        await discardFirst(table);
        return memory.write(table, write);
      },
      transaction: async (table, writes) => {
        await discardFirst(table);
        return memory.transaction(table, writes);
      },
    };
    await world.run(id, { store });

    expect(isFirst).toBe(false);
    expect(await world.job(id)).toMatchObject({ state: "done", ended: { skipped: 1 } });
    expect(await world.delivery.row(numberedEvent(1))).toMatchObject({ state: "discarded" });
    expect(await world.failures.get("ce", failure?.failureId ?? "")).toMatchObject({
      status: "discarded",
    });
  });

  it("is decided by what F&O says of the document now", async () => {
    world.flows = [lightFlow({ ce: { when: "data.customer.email != 'new@contoso.example'" } })];
    await failReadable(world, 1);
    const finance = createReplayFinance();
    finance.email = "new@contoso.example";
    world.finance = finance;
    const { id } = await world.begin({ kind: "all" }, { asStored: false });
    await world.run(id);

    expect(await ended(world, id)).toEqual({ "usmf/CIV-000001": "skipped NOT_FOR_TARGET" });
    expect(world.delivery.target.effects).toEqual([]);
  });

  it("is not sent to a target that the flow of today does not name", async () => {
    world.flows = [lightFlow({ crm: {} })];
    await world.publishToNobody(numberedEvent(1));
    const { id } = await world.begin(hour());
    await world.run(id);

    expect(await ended(world, id)).toEqual({ "usmf/CIV-000001": "skipped NOT_FOR_TARGET" });
  });

  it("is said by the plan's examples", async () => {
    world.flows = [lightFlow({ ce: { when: "false" } })];
    await failReadable(world, 1);
    world.finance = createReplayFinance();
    const on = world.runner(world.delivery.clock, {});
    const { candidates } = await selectDeliveries(on, { kind: "all" }, null);

    expect(await previewChanges(on, candidates)).toMatchObject([
      { refusal: "NOT_FOR_TARGET: the flow invoice-posted does not want it at ce" },
    ]);
  });
});

describe("an event on which the flow's `when` fails", () => {
  it("is refused alone, and its failure is open again", async () => {
    const world = new ReplayWorld();
    world.flows = [lightFlow({ ce: { when: "data.number = 'CIV-000001' ? true : $number('x')" } })];
    await world.fail(2);
    const { id } = await world.begin({ kind: "all" }, { steps: [2], stopShare: 0.5 });
    await world.run(id);

    expect(await ended(world, id)).toMatchObject({
      "usmf/CIV-000001": "delivered",
      "usmf/CIV-000002": expect.stringMatching(/^refused SOURCE_INVALID: /),
    });
    expect(await world.delivery.row(numberedEvent(2))).toMatchObject({ state: "failed" });
    const left = (await failures(world)).filter(({ status }) => status === "open");
    expect(left).toHaveLength(1);
  });
});

describe("a replay that is killed while it leaves out what the flow does not want", () => {
  it.each(["before", "after"] as const)(
    "%s any call ends with nothing sent, the delivery skipped and its failure resolved",
    async (when) => {
      const clean = new KillAtCall();
      const first = await createUnwanted();
      await first.world.run(first.id, portsOf(first.world, clean));

      for (let call = 1; call <= clean.calls.length; call += 1) {
        const { world, id } = await createUnwanted();
        const killer = new KillAtCall();
        killer.killAt(call, when);
        await world.run(id, portsOf(world, killer)).catch(() => undefined);
        world.delivery.clock.advance(afterLease);
        await world.run(id);

        const where = `${when} call ${call} (${killer.calls[call - 1] ?? ""})`;
        const [failure] = await failures(world);
        const { ended: counts, state } = await world.job(id);
        expect([where, state, counts.skipped, failure?.status]).toEqual([
          where,
          "done",
          1,
          "resolved",
        ]);
        expect([where, ...ledgerRows(world)]).toEqual([where, "skipped NOT_FOR_TARGET"]);
        expect(world.delivery.target.effects).toEqual([]);
      }
    },
  );
});

async function createUnwanted(): Promise<{ readonly world: ReplayWorld; readonly id: string }> {
  const world = new ReplayWorld();
  await world.fail(1);
  world.flows = [lightFlow({ ce: { when: "false" } })];
  const { id } = await world.begin();
  return { world, id };
}

function portsOf(world: ReplayWorld, killer: KillAtCall) {
  const { memory, broker } = world.delivery;
  return { store: killer.store(memory), sender: killer.sender(broker) };
}
