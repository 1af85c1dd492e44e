import { beforeEach, describe, expect, it } from "@jest/globals";
import { createBudgets } from "../../functions/src/delivery/budgets.ts";
import type { QuotaView } from "../../functions/src/operator/reads/answers.ts";
import { readTargets } from "../../functions/src/operator/reads/read-targets.ts";
import { RecentOutcomes } from "../../functions/src/operator/reads/recent-outcomes.ts";
import type { SeenLimits } from "../../functions/src/operator/reads/seen-limits.ts";
import { silentTelemetry } from "../../functions/src/platform/telemetry.ts";
import { DeliveryWorld, startOfTime } from "../support/delivery-world.ts";
import { numberedEvent } from "../support/numbered-event.ts";
import { readsOver } from "../support/reads-world.ts";

const minuteMs = 60_000;
let world: DeliveryWorld;

beforeEach(async () => {
  world = new DeliveryWorld();
  await world.accept(numberedEvent(1));
});

/** An instance of the function app that delivered something and knows this of limits. */
async function instanceDelivers(limits: Partial<Omit<SeenLimits, "at">>): Promise<void> {
  const { store, clock } = world;
  const known = { lastMinute: {}, dataverse: null, ...limits };
  const recent = new RecentOutcomes({
    ...{ store, clock, telemetry: silentTelemetry, limits: () => known },
  });
  recent.note([await world.row()]);
  await recent.flush();
}

/** As an instance answers that has called nobody itself. */
async function quotaOf(target: string, instances = 1): Promise<readonly QuotaView[]> {
  const on = await readsOver(world);
  const config = { ...on.config, maximumInstanceCount: instances };
  const targets = await readTargets({ ...on, config });
  return targets.find(({ name }) => name === target)?.quota ?? [];
}

const told = (at: number, requests: number, seconds: number) => ({
  dataverse: { at, left: { requests, seconds } },
});

describe("what is left of a target's limits", () => {
  it("is for CE what Dataverse told last, whichever instance heard it", async () => {
    await instanceDelivers(told(startOfTime - 5_000, 5_000, 1_100));
    await instanceDelivers(told(startOfTime - 1_000, 4_321, 987.65));
    await instanceDelivers(told(startOfTime - 9_000, 6_000, 1_200));
    const at = "2026-11-24T11:59:59.000Z";
    expect(await quotaOf("ce")).toMatchObject([
      { what: "requests in 5 minutes, told by Dataverse", limit: null, left: 4_321, at },
      { what: "seconds of execution in 5 minutes, told by Dataverse", left: 987, at },
      { what: "calls at once", limit: 40, left: null },
    ]);
  });

  it("is unknown for CE where Dataverse has told nothing in the last hour", async () => {
    await instanceDelivers(told(startOfTime, 5_000, 1_100));
    world.clock.advance(61 * minuteMs);
    expect((await quotaOf("ce"))[0]).toMatchObject({ left: null, at: null });
  });

  it("is of calls a minute what all instances together have left", async () => {
    await instanceDelivers({ lastMinute: { crm: 20 } });
    await instanceDelivers({ lastMinute: { crm: 12, ce: 5 } });
    const [minute] = await quotaOf("crm", 10);
    expect(minute).toMatchObject({ limit: 300, used: 32, left: 268 });
    expect(minute?.what).toBe("calls a minute (30 by each of 10 instances)");
    world.clock.advance(minuteMs);
    expect((await quotaOf("crm"))[0]).toMatchObject({ used: 0, left: 300 });
  });

  it("counts an instance by what it wrote last", async () => {
    const { store, clock } = world;
    let calls = 7;
    const limits = () => ({ lastMinute: { crm: calls }, dataverse: null });
    const recent = new RecentOutcomes({ store, clock, telemetry: silentTelemetry, limits });
    // In one minute's row and in the next one's.
    for (calls of [7, 9]) {
      clock.advance(40_000);
      recent.note([await world.row()]);
      await recent.flush();
    }
    expect((await quotaOf("crm"))[0]).toMatchObject({ used: 9 });
  });

  it("is of mails an hour what the shared row says, and who has a place later", async () => {
    const { store, clock } = world;
    const budgets = createBudgets({ store, clock, instances: 1, random: () => 0.5 });
    await budgets.reserve("email", { perHour: 90 }, 7);
    expect((await quotaOf("email"))[0]).toMatchObject({ limit: 90, used: 7, left: 83, ahead: 0 });
    await budgets.reserve("email", { perHour: 90 }, 100);
    expect((await quotaOf("email"))[0]).toMatchObject({ used: 90, left: 0, ahead: 17 });
  });

  it("costs delivery no row of its own", async () => {
    await instanceDelivers({ lastMinute: { crm: 1 }, ...told(startOfTime, 1, 1) });
    const { memory } = world;
    const written = memory.tableNames().filter((name) => /^(rates|activity|quota)/.test(name));
    expect(written.map((name) => [name, memory.rows(name).length])).toEqual([
      ["activity202611", 1],
      ["rates202611", 1],
    ]);
  });

  it("is nothing for intake, which F&O itself tells when to wait", async () => {
    expect(await quotaOf("intake")).toEqual([]);
  });
});
