import { describe, expect, it } from "@jest/globals";
import { createFinanceClient } from "../../../../../functions/src/dynamics/finance-client.ts";
import { TableError } from "../../../../../functions/src/platform/table-store.ts";
import type { Outcome } from "../../../../../functions/src/targets/target.ts";
import { salesInvoiceRows, scriptedFinance } from "../../../../support/scripted-finance.ts";
import { eventOf, RetentionWorld } from "../../../../support/retention-world.ts";

const refusal: Outcome = { kind: "reject", code: "SOURCE_INVALID", reason: "no such thing" };

describe("months", () => {
  it("are dropped after thirteen full ones, with everything that is kept by month", async () => {
    const world = new RetentionWorld();
    const { clock, memory } = world.replays.delivery;
    const row = { partitionKey: "p", rowKey: "r", columns: {} };
    const names = ["ledger", "journeys", "rates", "activity", "probes"].flatMap((kind) =>
      ["202510", "202511"].map((month) => `${kind}${month}`),
    );
    for (const table of [...names, "audit"]) await memory.write(table, { kind: "insert", row });
    clock.to(Date.parse("2026-12-01T01:10:00Z"));
    await world.run();
    expect(memory.tableNames()).toEqual([
      ...["activity202511", "audit", "journeys202511", "ledger202511", "probes202511"],
      ...["rates202511", "retention"],
    ]);
  });

  it("wait for a delivery that is still under way", async () => {
    const world = new RetentionWorld();
    const { memory } = world.replays.delivery;
    await world.replays.delivery.accept(eventOf(1));
    await world.night(430);
    expect(memory.tableNames()).toContain("ledger202611");
    await world.replays.delivery.ledger.removeOpen([await world.replays.delivery.row(eventOf(1))]);
    await world.run();
    expect(memory.tableNames()).not.toContain("ledger202611");
  });
});

describe("a run", () => {
  it("that breaks off in one part does the others, and is told as failed", async () => {
    const world = new RetentionWorld();
    await world.post(eventOf(1));
    const { blobs } = world.replays.delivery;
    blobs.deleteFoldersBelow = () => Promise.reject(new TableError("UNAVAILABLE", "blobs"));
    await expect(world.night(31)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    const told = world.recorded.events.filter(({ name }) => name === "retention");
    expect(told.map(({ dimensions }) => dimensions)).toEqual([
      { result: "failed", code: "UNAVAILABLE" },
    ]);
    expect(world.findPlanted()).toEqual([]);
  });
});

describe("failures that nobody decides", () => {
  it("are told once to their owner and to integration, and to telemetry on every day", async () => {
    const world = new RetentionWorld();
    world.replays.delivery.target.answers = [refusal, refusal];
    await world.post(eventOf(1), eventOf(2));
    await world.night(30);
    expect(world.told).toEqual([]);
    for (const day of [31, 31, 32, 33]) await world.night(day);
    expect(world.told.map(({ url }) => url)).toEqual([
      "https://hooks.example/finance",
      "https://hooks.example/integration",
    ]);
    expect(world.told[0]?.text).toContain(
      "2 failures SOURCE_INVALID for ce are undecided for more than 30 days. The oldest is of 2026-11-24",
    );
    const events = world.recorded.events.filter(({ name }) => name === "undecided");
    expect(events.map(({ measurements }) => measurements)).toEqual([
      { failures: 2, oldestDays: 30 },
      { failures: 2, oldestDays: 31 },
      { failures: 2, oldestDays: 32 },
    ]);
  });
});

describe("a failure whose body's retention is over", () => {
  async function failedLongAgo(): Promise<RetentionWorld> {
    const world = new RetentionWorld();
    world.replays.delivery.target.answers = [refusal];
    await world.post(eventOf(123));
    await world.night(31);
    await world.night(181);
    return world;
  }

  it("is not replayed as stored, and says why", async () => {
    const world = await failedLongAgo();
    const { id } = await world.replays.begin({ kind: "all" }, { asStored: true });
    await world.replays.run(id);
    const [item] = await world.replays.replays.items(id, 0, 1);
    expect(item?.state).toBe("refused");
    expect(item?.outcome).toMatch(/^BODY_RETENTION_OVER: /);
    expect(world.replays.delivery.target.calls).toHaveLength(1);
  });

  it("is replayed by what F&O says today", async () => {
    const world = await failedLongAgo();
    const { http } = scriptedFinance(salesInvoiceRows);
    const getToken = () => Promise.resolve("token");
    world.replays.finance = createFinanceClient({ baseUrl: "https://fno.example", http, getToken });
    const { id } = await world.replays.begin({ kind: "all" }, { asStored: false });
    await world.replays.run(id);
    const [item] = await world.replays.replays.items(id, 0, 1);
    expect(item).toMatchObject({ state: "delivered", changes: [{ path: "data" }] });
    const [, second] = world.replays.delivery.target.calls;
    expect(second?.body.data).toMatchObject({ number: "CIV-000123", total: "1250.50" });
  });
});
