import { describe, expect, it } from "@jest/globals";
import { createReplayRoutes } from "../../../../../functions/src/operator/routes/replay-routes.ts";
import type { TableStore } from "../../../../../functions/src/platform/table-store.ts";
import { createAuditLog } from "../../../../../functions/src/recovery/audit-log.ts";
import type { Selection } from "../../../../../functions/src/recovery/replay/replay-job.ts";
import { selectDeliveries } from "../../../../../functions/src/recovery/replay/select-deliveries.ts";
import type { Outcome } from "../../../../../functions/src/targets/target.ts";
import { Killed } from "../../../../support/faulty-ports.ts";
import { numberedEvent } from "../../../../support/numbered-event.ts";
import { ReplayWorld } from "../../../../support/replay-world.ts";

const refusal: Outcome = { kind: "reject", code: "CE_ROW_CLOSED", reason: "the row is paid" };
const afterLease = 31_000;

function windowOf(from: string, to: string): Selection {
  const range = { from: Date.parse(from), to: Date.parse(to) };
  return { kind: "window", ...range, target: "ce", includeSkipped: false };
}

const hour = windowOf("2026-11-24T11:00:00Z", "2026-11-24T12:00:00Z");
const month = { from: "2026-11-24T11:00:00Z", to: "2026-12-24T11:00:00Z", target: "ce" };

interface Hooks {
  readonly beforeWrite?: (table: string) => Promise<void> | void;
  readonly afterQuery?: (table: string) => Promise<void> | void;
}

function hooked(inner: TableStore, { beforeWrite, afterQuery }: Hooks): TableStore {
  return {
    get: (...args) => inner.get(...args),
    query: async (table, query) => {
      const page = await inner.query(table, query);
      await afterQuery?.(table);
      return page;
    },
    transaction: async (table, writes) => {
      await beforeWrite?.(table);
      return inner.transaction(table, writes);
    },
    write: async (table, write) => {
      await beforeWrite?.(table);
      return inner.write(table, write);
    },
  };
}

/** Ten minutes of the ledger take a second. */
function slow(world: ReplayWorld): TableStore {
  return hooked(world.delivery.memory, {
    afterQuery: (table) => {
      if (table.startsWith("ledger")) world.delivery.clock.advance(1_000);
    },
  });
}

async function post(world: ReplayWorld, body: unknown): Promise<unknown> {
  const { clock, memory } = world.delivery;
  const on = {
    ...world.runner(clock, { store: slow(world) }),
    audit: createAuditLog(memory, clock),
    checkTargetName: () => Promise.resolve(),
    defaultPerSecond: 100,
    kick: () => undefined,
  };
  const route = createReplayRoutes(on).find(({ method }) => method === "POST");
  const caller = { id: "p-anna", name: "anna", roles: [] };
  return route?.handle({ caller, body, params: {}, query: new URLSearchParams() });
}

describe("two replays of one window", () => {
  it("a delivery that failed for the first is left to its failure by the second", async () => {
    const world = new ReplayWorld();
    await world.publishToNobody(numberedEvent(1));
    world.delivery.target.answers = [refusal];
    const [one, two] = [await world.begin(hour), await world.begin(hour)];
    // The second has planned, and is killed before it begins anything.
    const store = hooked(world.delivery.memory, {
      beforeWrite: (table) => {
        if (/^(ledger|open)/.test(table)) throw new Killed();
      },
    });
    await expect(world.run(two.id, { store })).rejects.toThrow("killed");
    world.delivery.clock.advance(afterLease);
    await world.run(one.id);
    expect((await world.job(one.id)).state).toBe("stopped");
    await world.run(two.id);

    const { failureId } = await world.delivery.row();
    expect(await world.job(two.id)).toMatchObject({
      state: "done",
      note: "1 skipped: 1 it has failed meanwhile",
      ended: { skipped: 1, delivered: 0 },
    });
    expect(world.delivery.target.calls).toHaveLength(1);
    expect(await world.delivery.row()).toMatchObject({ state: "failed" });
    expect(await world.failures.get("ce", failureId ?? "")).toMatchObject({ status: "open" });
  });
});

describe("the plan of a long window", () => {
  it("says how far it has counted when there is no time for more", async () => {
    const world = new ReplayWorld();
    await world.publishToNobody(numberedEvent(1));
    const begunAt = world.delivery.clock.now();
    const answer = await post(world, {
      selection: { window: month },
      dryRun: true,
      asStored: true,
    });

    expect(answer).toMatchObject({
      plan: {
        total: 1,
        isAtLeast: true,
        countedTo: "2026-11-24T16:10:00.000Z",
        parts: [{ target: "ce", cause: "NEVER_ATTEMPTED", count: 1 }],
      },
    });
    expect(world.delivery.clock.now() - begunAt).toBeLessThan(40_000);
  });

  it("is no refusal when nothing was found so far", async () => {
    const world = new ReplayWorld();
    const answer = await post(world, { selection: { window: month }, dryRun: true });

    expect(answer).toMatchObject({ plan: { total: 0, isAtLeast: true, parts: [], examples: [] } });
  });

  it("counts all of a window that it has the time for", async () => {
    const world = new ReplayWorld();
    await world.publishToNobody(numberedEvent(1));
    const window = { ...month, to: "2026-11-24T12:00:00Z" };
    const answer = await post(world, { selection: { window }, dryRun: true, asStored: true });

    expect(answer).toMatchObject({ plan: { total: 1, isAtLeast: false, countedTo: null } });
  });
});

describe("a replay of a long window", () => {
  it("begins when there is no time to look for something to send, and finds out by itself", async () => {
    const world = new ReplayWorld();
    const begunAt = world.delivery.clock.now();
    const { id } = (await post(world, { selection: { window: month } })) as {
      readonly id: string;
    };
    expect(world.delivery.clock.now() - begunAt).toBeLessThan(20_000);

    await world.run(id);
    expect(await world.job(id)).toMatchObject({ state: "done", note: "nothing was left to send" });
  });

  it("does not begin when there was time to see that there is nothing", async () => {
    const world = new ReplayWorld();
    const window = { ...month, to: "2026-11-24T12:00:00Z" };

    await expect(post(world, { selection: { window } })).rejects.toMatchObject({
      code: "NOTHING_SELECTED",
    });
  });

  it("passes over empty stretches for some seconds at a time", async () => {
    const world = new ReplayWorld();
    const on = world.runner(world.delivery.clock, { store: slow(world) });
    const page = await selectDeliveries(on, windowOf(month.from, month.to), null);

    expect(page).toEqual({
      candidates: [],
      cursor: String(Date.parse("2026-11-24T11:50:00Z")),
    });
  });

  it("writes nothing over what another runner has, who took it while it was planned", async () => {
    const world = new ReplayWorld();
    await world.publishToNobody(numberedEvent(1));
    // Ten minutes: what the first runner reads is all that there is.
    const { id } = await world.begin(windowOf("2026-11-24T11:50:00Z", "2026-11-24T12:00:00Z"));
    let isFirst = true;
    const store = hooked(world.delivery.memory, {
      afterQuery: async (table) => {
        if (!table.startsWith("ledger") || !isFirst) return;
        isFirst = false;
        world.delivery.clock.advance(afterLease);
        await world.run(id);
      },
    });
    await world.run(id, { store });

    const items = await world.replays.items(id, 0, 10);
    expect(items.map(({ state }) => state)).toEqual(["delivered"]);
    expect(world.delivery.target.effects).toHaveLength(1);
  });
});
