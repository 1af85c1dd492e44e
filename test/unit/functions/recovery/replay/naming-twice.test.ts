import { describe, expect, it } from "@jest/globals";
import { createDiscardRoutes } from "../../../../../functions/src/operator/routes/discard-routes.ts";
import { createReplayRoutes } from "../../../../../functions/src/operator/routes/replay-routes.ts";
import { createAuditLog } from "../../../../../functions/src/recovery/audit-log.ts";
import { discardFailures } from "../../../../../functions/src/recovery/discard-failures.ts";
import { findFailures } from "../../../../../functions/src/recovery/find-failures.ts";
import type { FailureSummary } from "../../../../../functions/src/recovery/failure.ts";
import { numberedEvent } from "../../../../support/numbered-event.ts";
import { ReplayWorld } from "../../../../support/replay-world.ts";

interface Named {
  readonly world: ReplayWorld;
  readonly failures: readonly FailureSummary[];
  /** Two failures, the second of them twice. */
  readonly ids: readonly { readonly target: string; readonly failureId: string }[];
}

async function createNamed(): Promise<Named> {
  const world = new ReplayWorld();
  await world.fail(2);
  const { failures } = await findFailures(world.failures, {}, { limit: 10 });
  const ids = failures.map(({ target, failureId }) => ({ target, failureId }));
  return { world, failures, ids: [...ids, ...ids.slice(1)] };
}

async function post(world: ReplayWorld, path: string, body: unknown): Promise<unknown> {
  const { clock, memory } = world.delivery;
  const on = {
    ...world.runner(clock, {}),
    audit: createAuditLog(memory, clock),
    checkTargetName: () => Promise.resolve(),
    defaultPerSecond: 100,
    kick: () => undefined,
  };
  const routes = [...createReplayRoutes(on), ...createDiscardRoutes(on)];
  const route = routes.find((each) => each.method === "POST" && each.path === path);
  const caller = { id: "p-anna", name: "anna", roles: [] };
  return route?.handle({ caller, body, params: {}, query: new URLSearchParams() });
}

describe("a failure named twice", () => {
  it("is sent once, and counted once", async () => {
    const { world, ids } = await createNamed();
    const { id } = (await post(world, "replays", { selection: { ids }, asStored: true })) as {
      readonly id: string;
    };
    await world.run(id);

    expect(await world.job(id)).toMatchObject({ state: "done", total: 2, ended: { delivered: 2 } });
    const { effects } = world.delivery.target;
    expect([...effects].sort()).toEqual([1, 2].map((n) => numberedEvent(n).effectkey).sort());
  });

  it("is discarded once, and counted once", async () => {
    const { world, ids } = await createNamed();
    const body = { selection: { ids }, reason: "posted by mistake" };

    expect(await post(world, "failures/discard", { ...body, dryRun: true })).toEqual({
      matching: 2,
      isMore: false,
      leftOut: [],
      plannedAt: new Date(world.delivery.clock.now()).toISOString(),
    });
    expect(await post(world, "failures/discard", body)).toEqual({
      discarded: 2,
      noLongerOpen: 0,
      isMore: false,
      leftOut: [],
    });
    const { failures } = await findFailures(world.failures, { status: "discarded" }, { limit: 10 });
    expect(failures).toHaveLength(2);
  });

  it("is discarded once by whoever hands it over twice", async () => {
    const { world, failures } = await createNamed();
    const on = world.runner(world.delivery.clock, {});

    expect(await discardFailures(on, [...failures, ...failures], "posted by mistake")).toBe(2);
  });

  it("does not hold up a replay that was begun with it twice", async () => {
    const { world, ids } = await createNamed();
    const { id } = await world.begin({ kind: "ids", ids });

    expect(await world.run(id)).toBe(true);
    expect((await world.job(id)).state).toBe("done");
    expect(world.delivery.target.effects).toHaveLength(2);
  });
});
