import { describe, expect, it } from "@jest/globals";
import { isReplayBodyKey } from "../../../../../functions/src/delivery/ledger-keys.ts";
import { MessagingError } from "../../../../../functions/src/platform/messages.ts";
import type { TableStore } from "../../../../../functions/src/platform/table-store.ts";
import { keysOf } from "../../../../../functions/src/platform/table-store.ts";
import { salesInvoicePosted } from "../../../../support/business-event.ts";
import { Killed } from "../../../../support/faulty-ports.ts";
import { KillAtCall } from "../../../../support/kill-at-call.ts";
import { createReplayFinance, failReadable } from "../../../../support/replay-finance.ts";
import { ReplayWorld } from "../../../../support/replay-world.ts";
import { failureOf } from "../../../../support/stored-failure.ts";

const afterLease = 31_000;
const endpointTest = JSON.stringify({
  ...salesInvoicePosted,
  BusinessEventId: "BusinessEventsTestEndpointContract",
});

describe("a replay of what intake could not take", () => {
  it("refuses an endpoint test and goes on with the others", async () => {
    const world = new ReplayWorld();
    await world.fail(2);
    const id = "f0000000-0000-4000-8000-00000000000e";
    const code = "DEAD_LETTERED";
    await world.failures.record([
      failureOf(9, {
        code,
        failureId: id,
        target: "intake",
        stage: "transport",
        body: endpointTest,
      }),
    ]);
    const job = await world.begin({ kind: "all" }, { steps: [3], stopShare: 0.5 });

    expect(await world.run(job.id)).toBe(true);
    expect(await world.job(job.id)).toMatchObject({
      state: "done",
      note: "1 not sent: 1 ENDPOINT_TEST",
      ended: { delivered: 2, refused: 1 },
    });
    expect(await world.failures.get("intake", id)).toMatchObject({
      status: "open",
      outcome: "ENDPOINT_TEST: an endpoint test of F&O has nothing to deliver; discard it",
    });
    expect(world.delivery.broker.count("business-events")).toBe(0);
  });
});

/** The world's store; the process is killed once it has kept what it is about to send. */
function killedOnceKept(inner: TableStore): TableStore {
  let isDead = false;
  const alive = async <T>(call: () => Promise<T>): Promise<T> => {
    if (isDead) throw new Killed();
    return call();
  };
  return {
    get: (...args) => alive(() => inner.get(...args)),
    query: (...args) => alive(() => inner.query(...args)),
    transaction: (...args) => alive(() => inner.transaction(...args)),
    write: (table, write) =>
      alive(async () => {
        const etag = await inner.write(table, write);
        isDead = isReplayBodyKey(keysOf(write).rowKey);
        return etag;
      }),
  };
}

async function createChanged(
  count = 1,
): Promise<{ readonly world: ReplayWorld; readonly id: string }> {
  const world = new ReplayWorld();
  await failReadable(world, count);
  const finance = createReplayFinance();
  finance.email = "new@contoso-retail.example";
  world.finance = finance;
  const { id } = await world.begin({ kind: "all" }, { asStored: false, steps: [1, 2] });
  return { world, id };
}

const emailChange = {
  path: "data.customer.email",
  before: '"ap@contoso-retail.example"',
  after: '"new@contoso-retail.example"',
};

async function expectShown(world: ReplayWorld, id: string): Promise<void> {
  const [item] = await world.replays.items(id, 0, 1);
  expect(item?.state).toBe("delivered");
  expect(item?.changes).toContainEqual(emailChange);
  const sent = world.delivery.target.calls.at(-1);
  expect(sent?.body.data?.customer.email).toBe("new@contoso-retail.example");
}

describe("what a replay shows as changed in F&O", () => {
  it("is there when Service Bus took the wake-up only at the second try", async () => {
    const { world, id } = await createChanged();
    let isBusy = true;
    const sender = {
      send: async (entity: string, messages: Parameters<typeof world.delivery.broker.send>[1]) => {
        if (isBusy) {
          isBusy = false;
          throw new MessagingError("MESSAGING_UNAVAILABLE", entity);
        }
        await world.delivery.broker.send(entity, messages);
      },
    };
    await world.run(id, { sender });

    await expectShown(world, id);
  });

  it("is there when the runner was killed once it had kept what it sends", async () => {
    const { world, id } = await createChanged();
    const store = killedOnceKept(world.delivery.memory);
    await expect(world.run(id, { store })).rejects.toThrow("killed");
    world.delivery.clock.advance(afterLease);
    await world.run(id);

    await expectShown(world, id);
  });

  it("is there when a replay before it had sent the same", async () => {
    const { world, id } = await createChanged();
    world.delivery.target.answers = [
      { kind: "reject", code: "CE_ROW_CLOSED", reason: "still paid" },
    ];
    await world.run(id);
    expect((await world.job(id)).state).toBe("stopped");
    const again = await world.begin({ kind: "all" }, { asStored: false });
    await world.run(again.id);

    await expectShown(world, again.id);
  });

  it("is there when it was cancelled with its wake-up on the way", async () => {
    const { world, id } = await createChanged();
    const sender = {
      send: async (entity: string, messages: Parameters<typeof world.delivery.broker.send>[1]) => {
        await world.delivery.broker.send(entity, messages);
        await world.replays.setWish(id, "cancel");
        throw new MessagingError("MESSAGING_UNAVAILABLE", entity);
      },
    };
    await world.run(id, { sender });

    expect((await world.job(id)).state).toBe("cancelled");
    await expectShown(world, id);
  });

  it("goes back to what was accepted when F&O does, and so does what is kept", async () => {
    const { world, id } = await createChanged();
    world.delivery.target.answers = [
      { kind: "reject", code: "CE_ROW_CLOSED", reason: "still paid" },
    ];
    await world.run(id);
    world.finance = createReplayFinance();
    const again = await world.begin({ kind: "all" }, { asStored: false });
    await world.run(again.id);

    const [item] = await world.replays.items(again.id, 0, 1);
    expect(item?.state).toBe("delivered");
    expect(item?.changes).not.toContainEqual(expect.objectContaining({ path: emailChange.path }));
    const kept = await world.delivery.ledger.loadDeliveryBody(await world.delivery.row());
    expect(kept.data?.customer.email).toBe("ap@contoso-retail.example");
  });
});

describe("a replay that reads F&O again and is killed", () => {
  it.each(["before", "after"] as const)(
    "%s any call sends once what F&O says now, and shows what has changed",
    async (when) => {
      const clean = new KillAtCall();
      const first = await createChanged(3);
      await first.world.run(first.id, portsOf(first.world, clean));

      for (let call = 1; call <= clean.calls.length; call += 1) {
        const { world, id } = await createChanged(3);
        const killer = new KillAtCall();
        killer.killAt(call, when);
        await world.run(id, portsOf(world, killer)).catch(() => undefined);
        for (let again = 0; again < 3; again += 1) {
          await world.work();
          world.delivery.clock.advance(afterLease);
          await world.run(id);
        }

        const where = `${when} call ${call} (${killer.calls[call - 1] ?? ""})`;
        const { calls, effects } = world.delivery.target;
        const emails = calls.slice(3).map(({ body }) => body.data?.customer.email);
        expect([where, effects.length, new Set(emails)]).toEqual([
          where,
          3,
          new Set(["new@contoso-retail.example"]),
        ]);
        const items = await world.replays.items(id, 0, 10);
        const shown = items.map(({ changes, state }) => [
          state,
          changes.some(({ path }) => path === emailChange.path),
        ]);
        expect([where, shown]).toEqual([where, items.map(() => ["delivered", true])]);
      }
    },
  );
});

function portsOf(world: ReplayWorld, killer: KillAtCall) {
  const { memory, broker } = world.delivery;
  return { store: killer.store(memory), sender: killer.sender(broker) };
}
