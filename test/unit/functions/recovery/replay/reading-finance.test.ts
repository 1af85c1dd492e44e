import { describe, expect, it } from "@jest/globals";
import { findFailures } from "../../../../../functions/src/recovery/find-failures.ts";
import type { FailureStatus } from "../../../../../functions/src/recovery/failure.ts";
import type { ReplayItem } from "../../../../../functions/src/recovery/replay/replay-job.ts";
import { numberedEvent } from "../../../../support/numbered-event.ts";
import {
  createReplayFinance,
  failReadable,
  takeTime,
  toFinanceError,
} from "../../../../support/replay-finance.ts";
import type { ReplayFinance } from "../../../../support/replay-finance.ts";
import { ReplayWorld } from "../../../../support/replay-world.ts";

async function createWorld(
  count: number,
  onRead?: ReplayFinance["onRead"],
): Promise<{ readonly world: ReplayWorld; readonly finance: ReplayFinance }> {
  const world = new ReplayWorld();
  await failReadable(world, count);
  const finance = createReplayFinance(onRead);
  world.finance = finance;
  return { world, finance };
}

async function itemOf(world: ReplayWorld, id: string, n: number): Promise<ReplayItem | undefined> {
  const items = await world.replays.items(id, 0, 1_000);
  return items.find(({ eventId }) => eventId === numberedEvent(n).id);
}

async function count(world: ReplayWorld, status: FailureStatus): Promise<number> {
  return (await findFailures(world.failures, { status }, { limit: 1_000 })).failures.length;
}

describe("a replay that reads F&O again", () => {
  it("refuses the one document that F&O fails on, and sends the others", async () => {
    const { world, finance } = await createWorld(10, (documents) => {
      if (documents.includes(4)) throw toFinanceError("FINANCE_FAILED");
    });
    const { id } = await world.begin({ kind: "all" }, { asStored: false, steps: [10] });

    expect(await world.run(id)).toBe(true);
    expect(await world.job(id)).toMatchObject({
      state: "done",
      note: "1 not sent: 1 FINANCE_FAILED",
      ended: { delivered: 9, refused: 1, planned: 0 },
    });
    const item = await itemOf(world, id, 4);
    expect(item).toMatchObject({ state: "refused" });
    const failure = await world.failures.get("ce", item?.failureId ?? "");
    expect(failure).toMatchObject({ status: "open" });
    expect(failure?.outcome).toMatch(/^FINANCE_FAILED: Reading SalesInvoiceHeadersV2 from F&O/);

    // What it failed at once it does not fail at for ever: the failure can be replayed again.
    finance.onRead = () => undefined;
    const again = await world.begin({ kind: "all" }, { asStored: false });
    await world.run(again.id);
    expect((await world.job(again.id)).ended.delivered).toBe(1);
    expect(await count(world, "open")).toBe(0);
  });

  it("asks once more for a document that F&O failed on, before it refuses it", async () => {
    let alone = 0;
    const { world } = await createWorld(3, (documents) => {
      if (!documents.includes(2)) return;
      if (documents.length > 1) throw toFinanceError("FINANCE_FAILED");
      alone += 1;
      if (alone === 1) throw toFinanceError("FINANCE_FAILED");
    });
    const { id } = await world.begin({ kind: "all" }, { asStored: false, steps: [3] });
    await world.run(id);

    expect((await world.job(id)).ended).toMatchObject({ delivered: 3, refused: 0 });
  });

  it("does not ask again what F&O does not understand", async () => {
    let alone = 0;
    const { world } = await createWorld(3, (documents) => {
      if (!documents.includes(2)) return;
      if (documents.length === 1) alone += 1;
      throw toFinanceError("FINANCE_REFUSED");
    });
    const { id } = await world.begin(
      { kind: "all" },
      { asStored: false, steps: [3], stopShare: 0.5 },
    );
    await world.run(id);

    expect([alone, (await itemOf(world, id, 2))?.outcome.split(":")[0]]).toEqual([
      1,
      "FINANCE_REFUSED",
    ]);
  });

  it("refuses one whose business event the ledger has lost, and sends the others", async () => {
    const world = new ReplayWorld();
    await failReadable(world, 2);
    const other = numberedEvent(3);
    world.delivery.target.answers = [{ kind: "reject", code: "CE_ROW_CLOSED", reason: "paid" }];
    await world.delivery.accept(other);
    await world.work();
    world.finance = createReplayFinance();
    const { id } = await world.begin(
      { kind: "all" },
      { asStored: false, steps: [3], stopShare: 0.5 },
    );
    await world.run(id);

    expect(await world.job(id)).toMatchObject({
      state: "done",
      note: "1 not sent: 1 BODY_MISSING",
      ended: { delivered: 2, refused: 1 },
    });
  });

  it("gets on when F&O needs twelve seconds for fifty documents", async () => {
    const { world, finance } = await createWorld(50);
    finance.onRead = (documents, signal) => takeTime(world, documents.length * 240, signal);
    const { id } = await world.begin({ kind: "all" }, { asStored: false, steps: [50] });

    expect(await world.run(id)).toBe(true);
    expect(await world.job(id)).toMatchObject({ state: "done", ended: { delivered: 50 } });
  });

  it("gets on when F&O needs twenty seconds for one document", async () => {
    const { world, finance } = await createWorld(3);
    finance.onRead = (documents, signal) => takeTime(world, documents.length * 20_000, signal);
    const { id } = await world.begin({ kind: "all" }, { asStored: false, steps: [1, 2] });
    await world.run(id);

    expect(await world.job(id)).toMatchObject({ state: "done", ended: { delivered: 3 } });
  });

  it("refuses a document that F&O never answers for while it does for others", async () => {
    const { world, finance } = await createWorld(4);
    finance.onRead = async (documents, signal) => {
      if (documents.includes(2)) await takeTime(world, 600_000, signal);
    };
    const { id } = await world.begin(
      { kind: "all" },
      { asStored: false, steps: [4], stopShare: 0.5 },
    );
    await world.run(id);

    expect(await world.job(id)).toMatchObject({
      state: "done",
      note: "1 not sent: 1 FINANCE_TIMEOUT",
      ended: { delivered: 3, refused: 1 },
    });
    expect(await count(world, "open")).toBe(1);
  });

  it("refuses it too when another runner has to go on, and not for the time that a runner had left", async () => {
    const { world, finance } = await createWorld(4);
    finance.onRead = async (documents, signal) => {
      if (documents.includes(2)) await takeTime(world, 600_000, signal);
    };
    const { id } = await world.begin(
      { kind: "all" },
      { asStored: false, steps: [4], stopShare: 0.5 },
    );
    // Time for the others, and for half of what it has alone.
    await world.run(id, { forMs: 60_000 });
    expect(await itemOf(world, id, 2)).toMatchObject({ state: "planned" });
    expect((await world.job(id)).steps[0]).toMatchObject({ delivered: 3, refused: 0 });
    await world.run(id);

    expect(await world.job(id)).toMatchObject({
      state: "done",
      ended: { delivered: 3, refused: 1 },
    });
  });

  it("waits while F&O answers nobody, and refuses nothing", async () => {
    let isSilent = true;
    const { world, finance } = await createWorld(4);
    finance.onRead = async (_documents, signal) => {
      if (isSilent) await takeTime(world, 600_000, signal);
    };
    const { id } = await world.begin({ kind: "all" }, { asStored: false, steps: [4] });
    for (let minute = 0; minute < 4; minute += 1) {
      expect(await world.run(id)).toBe(false);
      expect((await world.job(id)).note).toMatch(/^F&O (takes too long|cannot be read now)/);
      await world.pass(31_000);
    }
    expect(world.delivery.target.calls).toHaveLength(4);
    isSilent = false;
    await world.run(id);

    expect(await world.job(id)).toMatchObject({ ended: { delivered: 4, refused: 0 } });
  });

  it("begins what could be read and leaves only the rest for later", async () => {
    let isSlow = true;
    const { world } = await createWorld(10, (documents) => {
      // The gateway gives up on whoever asks for it; F&O is asked for the two halves then.
      if (isSlow && documents.includes(3)) throw toFinanceError("FINANCE_TIMEOUT");
    });
    const { id } = await world.begin(
      { kind: "all" },
      { asStored: false, steps: [10], perSecond: 10 },
    );
    const before = world.delivery.broker.sent.length;
    let first = 0;
    const sender = {
      send: async (entity: string, messages: Parameters<typeof world.delivery.broker.send>[1]) => {
        await world.delivery.broker.send(entity, messages);
        if (first === 0) first = world.delivery.broker.sent.length - before;
        isSlow = false;
      },
    };
    await world.run(id, { sender });

    expect(first).toBe(5);
    expect(await world.job(id)).toMatchObject({ state: "done", ended: { delivered: 10 } });
  });

  it("does not ask F&O before it said, whichever runner it is", async () => {
    const asked: number[] = [];
    const { world, finance } = await createWorld(3);
    const { clock } = world.delivery;
    finance.onRead = () => {
      asked.push(clock.now());
      if (asked.length === 1) throw toFinanceError("FINANCE_THROTTLED", 90_000);
    };
    const { id } = await world.begin({ kind: "all" }, { asStored: false, steps: [3] });
    let runs = 0;
    for (; runs < 9 && !(await world.run(id)); runs += 1) await world.pass(1_000);

    expect(await world.job(id)).toMatchObject({ state: "done", ended: { delivered: 3 } });
    expect(runs).toBeGreaterThan(1);
    const [first = 0, second = 0] = asked;
    expect(second - first).toBeGreaterThanOrEqual(90_000);
  });
});
