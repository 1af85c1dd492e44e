import { describe, expect, it } from "@jest/globals";
import { openTable } from "../../../../functions/src/delivery/ledger-keys.ts";
import type { TableStore } from "../../../../functions/src/platform/table-store.ts";
import { discardFailures } from "../../../../functions/src/recovery/discard-failures.ts";
import type { StoredFailure } from "../../../../functions/src/recovery/failure.ts";
import { findFailures } from "../../../../functions/src/recovery/find-failures.ts";
import { KillAtCall } from "../../../support/kill-at-call.ts";
import { ReplayWorld } from "../../../support/replay-world.ts";

/** The world's store; `first` happens before its first write of an open row. */
function beforeOpenRow(inner: TableStore, first: () => Promise<void>): TableStore {
  let isFirst = true;
  const meet = async (table: string): Promise<void> => {
    if (table !== openTable || !isFirst) return;
    isFirst = false;
    await first();
  };
  return {
    get: (...args) => inner.get(...args),
    query: (...args) => inner.query(...args),
    transaction: async (table, writes) => {
      await meet(table);
      return inner.transaction(table, writes);
    },
    write: async (table, write) => {
      await meet(table);
      return inner.write(table, write);
    },
  };
}

/**
 * A person discards a failure that was open when they looked; a replay has taken it since and is cancelled before it
 * is sent. How many were said to be discarded, and the failure afterwards.
 */
async function discardWhileTaken(
  discarder = new KillAtCall(),
): Promise<{ readonly told: number | null; readonly failure: StoredFailure | undefined }> {
  const world = new ReplayWorld();
  await world.fail(1);
  const { failures } = await findFailures(world.failures, {}, { limit: 1 });
  const { clock, memory } = world.delivery;
  const { id } = await world.begin();
  let told: number | null = null;
  const store = beforeOpenRow(memory, async () => {
    const on = world.runner(clock, { store: discarder.store(memory) });
    told = await discardFailures(on, failures, "posted by mistake").catch(() => null);
    await world.replays.setWish(id, "cancel");
  });
  await world.run(id, { store });
  expect(await world.job(id)).toMatchObject({ state: "cancelled", ended: { delivered: 0 } });
  expect(await world.delivery.row()).toMatchObject({ state: "discarded" });
  expect(world.delivery.target.effects).toEqual([]);
  return { told, failure: await world.failures.get("ce", failures[0]?.failureId ?? "") };
}

describe("discarding a failure that a replay has taken, and gives back", () => {
  it("holds, with its reason, and is counted", async () => {
    const { told, failure } = await discardWhileTaken();
    expect(told).toBe(1);
    expect(failure).toMatchObject({ status: "discarded", outcome: "posted by mistake" });
  });

  it("holds when whoever discards dies after the ledger says so", async () => {
    const discarder = new KillAtCall();
    discarder.killAt(2, "after");
    const { told, failure } = await discardWhileTaken(discarder);
    expect(discarder.calls[1]).toMatch(/ledger/);
    expect(told).toBeNull();
    expect(failure).toMatchObject({ status: "discarded", outcome: "it is discarded by now" });
  });
});
