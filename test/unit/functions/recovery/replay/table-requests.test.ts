import { describe, expect, it } from "@jest/globals";
import { Ledger } from "../../../../../functions/src/delivery/ledger.ts";
import { createCountingStore } from "../../../../support/counting-table-store.ts";
import { createReplayFinance, failReadable } from "../../../../support/replay-finance.ts";
import { ReplayWorld } from "../../../../support/replay-world.ts";

/** Counts and not time: a replay that asks storage once more for each document is seen here, on every machine. */
describe("a replay's requests to storage", () => {
  it("are two for each failure, and delivery's own two, when its process delivers what it sends", async () => {
    const world = new ReplayWorld();
    await world.fail(200);
    const { id } = await world.begin({ kind: "all" }, { steps: [200] });
    const store = createCountingStore(world.delivery.memory);
    const { blobs: bodies, clock } = world.delivery;
    const ledger = new Ledger({ store, bodies, clock });
    world.delivery.ledger = ledger;

    await world.run(id, { store, ledger });

    expect(await world.job(id)).toMatchObject({ state: "done", ended: { delivered: 200 } });
    // One reads the document; what is written is shared by a chunk. Delivery gets one message at a time here.
    expect(store.total() / 200).toBeLessThan(1.5 + 2);
  });

  it("are one more where another process delivers", async () => {
    const world = new ReplayWorld();
    await world.fail(200);
    const { id } = await world.begin({ kind: "all" }, { steps: [200] });
    const store = createCountingStore(world.delivery.memory);

    await world.run(id, { store });

    expect(await world.job(id)).toMatchObject({ state: "done", ended: { delivered: 200 } });
    expect(store.total() / 200).toBeLessThan(2.5);
  });

  it("are one more when F&O has something else for each", async () => {
    const world = new ReplayWorld();
    await failReadable(world, 100);
    world.finance = createReplayFinance();
    const { id } = await world.begin({ kind: "all" }, { asStored: false, steps: [100] });
    const store = createCountingStore(world.delivery.memory);

    await world.run(id, { store });

    expect(await world.job(id)).toMatchObject({ state: "done", ended: { delivered: 100 } });
    expect(store.total() / 100).toBeLessThan(3.5);
  });
});
