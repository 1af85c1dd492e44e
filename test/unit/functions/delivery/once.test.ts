import { describe, expect, it } from "@jest/globals";
import type { Outcome } from "../../../../functions/src/targets/target.ts";
import { NotCalledError } from "../../../../functions/src/targets/not-called-error.ts";
import { DeliveryWorld, startOfTime } from "../../../support/delivery-world.ts";
import { FaultyPorts, Killed } from "../../../support/faulty-ports.ts";
import { MemoryTableStore } from "../../../support/memory-table-store.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

const hourMs = 3_600_000;
const accepted: Outcome = {
  kind: "unsure",
  code: "MAIL_ACCEPTED",
  memo: "op-1",
  checkAfterMs: 700,
};

function mailWorld(): DeliveryWorld {
  return new DeliveryWorld({ targetName: "email", once: true });
}

describe("an effect that must never repeat", () => {
  it("is made once for two events about one document; the second is told whose it is", async () => {
    const world = mailWorld();
    const first = numberedEvent(1);
    const second = numberedEvent(1, { id: "11111111-0000-4000-8000-000000000001" });
    await world.accept(first, second);
    await world.settle();
    expect(world.target.effects).toHaveLength(1);
    expect(await world.row(second)).toMatchObject({
      state: "delivered",
      rule: `DUPLICATE_OF ${first.id}`,
      reference: (await world.row(first)).reference,
    });
  });

  it("that was only accepted is asked about until it is delivered, and sent once", async () => {
    const world = mailWorld();
    const running: Outcome = { ...accepted, checkAfterMs: 5_000 };
    world.target.answers = [accepted];
    world.target.confirmations = [running, running, { kind: "delivered", reference: "m1" }];
    await world.accept(numberedEvent());
    await world.settle();
    expect(world.target.calls).toHaveLength(1);
    expect(world.target.questions.map(({ memo }) => memo)).toEqual(["op-1", "op-1", "op-1"]);
    expect(await world.row()).toMatchObject({ state: "delivered", reference: "m1", attempts: 1 });
    expect(world.clock.now()).toBe(startOfTime + 700 + 5_000 + 5_000);
  });

  it("is sent again only when the question finds it surely absent", async () => {
    const world = mailWorld();
    world.target.answers = [accepted];
    world.target.confirmations = [{ kind: "retry", code: "MAIL_NOT_SENT", reason: "absent" }];
    await world.accept(numberedEvent());
    await world.settle();
    expect(world.target.calls).toHaveLength(2);
    expect((await world.row()).state).toBe("delivered");
  });

  it("whose fate nothing can tell for an hour is the failure OUTCOME_UNKNOWN", async () => {
    const world = mailWorld();
    world.target.answers = [accepted];
    world.target.confirmations = Array.from({ length: 900 }, () => ({
      ...accepted,
      checkAfterMs: 30_000,
    }));
    await world.accept(numberedEvent());
    await world.settle();
    expect(await world.row()).toMatchObject({ state: "failed", code: "OUTCOME_UNKNOWN" });
    expect(world.target.calls).toHaveLength(1);
    expect(world.clock.now()).toBeLessThanOrEqual(startOfTime + hourMs + 31_000);
  });

  it("is free for another event when the first one's was refused", async () => {
    const world = mailWorld();
    world.target.answers = [{ kind: "reject", code: "MAIL_REJECTED", reason: "bad address" }];
    const second = numberedEvent(1, { id: "11111111-0000-4000-8000-000000000001" });
    await world.accept(numberedEvent(1), second);
    await world.settle();
    expect((await world.row(numberedEvent(1))).state).toBe("failed");
    expect((await world.row(second)).state).toBe("delivered");
  });

  it("is not made again after a crash during the call: the lease is waited for, then it is asked", async () => {
    const faults = new FaultyPorts();
    const world = new DeliveryWorld({
      targetName: "email",
      once: true,
      faults,
    });
    await world.accept(numberedEvent());
    world.target.onCall = () => {
      world.target.onCall = () => undefined;
      faults.faultIn(1, { how: "kill", when: "before" });
    };
    await expect(world.step()).rejects.toThrow(Killed);
    expect(world.target.effects).toHaveLength(1);
    faults.revive();
    world.restart();
    await world.settle();
    expect(world.target.effects).toHaveLength(1);
    expect(world.target.questions).toHaveLength(1);
    expect(world.clock.now()).toBeGreaterThanOrEqual(startOfTime + 180_000);
    expect((await world.row()).state).toBe("delivered");
  });

  it("that throws after it was made is asked about and not made again", async () => {
    const world = mailWorld();
    const deliver = world.target.deliver.bind(world.target);
    let calls = 0;
    world.target.deliver = async (requests) => {
      calls += 1;
      const outcomes = await deliver(requests);
      if (calls === 1) throw new TypeError("cannot read the answer");
      return outcomes;
    };
    await world.accept(numberedEvent());
    await world.step();
    expect(await world.row()).toMatchObject({ state: "pending", code: "TARGET_THREW" });
    await world.settle();
    expect([calls, world.target.effects.length, world.target.questions.length]).toEqual([1, 1, 1]);
    expect((await world.row()).state).toBe("delivered");
  });

  it("that throws before its call, and says so, is called again", async () => {
    const world = mailWorld();
    world.target.answers = [
      () => {
        throw new NotCalledError(new TypeError("no template"));
      },
    ];
    await world.accept(numberedEvent());
    await world.settle();
    expect([world.target.calls.length, world.target.questions.length]).toEqual([2, 0]);
  });

  it("concerns its own document only when one of a batch throws", async () => {
    const world = mailWorld();
    const deliver = world.target.deliver.bind(world.target);
    const poison = numberedEvent(2).id;
    world.target.deliver = async (requests) => {
      const outcomes = await deliver(requests);
      if (requests.some(({ eventId }) => eventId === poison)) throw new TypeError("poison");
      return outcomes;
    };
    await world.accept(numberedEvent(1), numberedEvent(2), numberedEvent(3));
    await world.handle(world.broker.sent.map(({ message }) => message));
    expect(world.target.effects).toHaveLength(3);
    expect((await world.row(numberedEvent(1))).state).toBe("delivered");
    expect((await world.row(numberedEvent(2))).code).toBe("TARGET_THREW");
    await world.settle();
    expect(world.target.effects).toHaveLength(3);
  });

  it("is not made on a remembered row that another process has failed meanwhile", async () => {
    const store = new MemoryTableStore();
    const [here, there] = [1, 2].map(
      () => new DeliveryWorld({ targetName: "email", once: true, store }),
    );
    if (here === undefined || there === undefined) throw new Error("two worlds are needed");
    await here.accept(numberedEvent());
    const messages = here.broker.sent.map(({ message }) => message);
    there.target.answers = [{ kind: "reject", code: "MAIL_REJECTED", reason: "bad address" }];
    await there.handle(messages);

    await here.handle(messages);

    expect(here.target.calls).toHaveLength(0);
    expect(await here.row()).toMatchObject({ state: "failed", code: "MAIL_REJECTED" });
  });

  it("is asked about by another event of its document under its own operation and memo", async () => {
    const world = mailWorld();
    const second = numberedEvent(1, { id: "11111111-0000-4000-8000-000000000001" });
    world.target.answers = [accepted];
    await world.accept(numberedEvent(1));
    await world.step();
    await world.accept(second);
    world.target.confirmations = [{ kind: "delivered", reference: "m1" }];
    const [copy] = world.broker.sent.slice(-1).map(({ message }) => message);
    if (copy !== undefined) await world.handle([copy]);
    expect(world.target.questions).toEqual([expect.objectContaining({ memo: "op-1" })]);
    expect(await world.row(second)).toMatchObject({
      state: "delivered",
      rule: `DUPLICATE_OF ${numberedEvent(1).id}`,
    });
    await world.settle();
    expect(world.target.calls).toHaveLength(1);
    expect(await world.row(numberedEvent(1))).toMatchObject({ state: "delivered", rule: null });
  });
});

describe("a send that was cut off after it had arrived", () => {
  const cut: Outcome = { kind: "unsure", code: "MAIL_OUTCOME_UNKNOWN", checkAfterMs: 120_000 };
  const second = numberedEvent(1, { id: "11111111-0000-4000-8000-000000000001" });

  /** Nothing of it is to be seen yet, whoever asks. */
  async function cutSend(rememberMs: number): Promise<DeliveryWorld> {
    const world = new DeliveryWorld({ targetName: "email", once: true, rememberMs });
    world.target.answers = [cut];
    await world.accept(numberedEvent(1));
    await world.step();
    world.clock.advance(1_000);
    return world;
  }

  it.each([0, 60_000])(
    "while it may still be running, another event of the document neither asks nor sends; one mail",
    async (rememberMs) => {
      const world = await cutSend(rememberMs);
      await world.accept(second);
      const [copy] = world.broker.sent.slice(-1).map(({ message }) => message);
      if (copy !== undefined) await world.handle([copy]);
      expect([world.target.calls.length, world.target.questions.length]).toEqual([1, 0]);
      expect(await world.row(second)).toMatchObject({
        state: "pending",
        attempts: 0,
        dueAt: startOfTime + 121_000,
      });

      // The run that was cut off ends.
      world.target.effects.push(numberedEvent(1).effectkey);
      await world.settle();

      expect([world.target.calls.length, world.target.effects.length]).toEqual([1, 1]);
      expect(await world.row(numberedEvent(1))).toMatchObject({ state: "delivered", rule: null });
      expect((await world.row(second)).rule).toBe(`DUPLICATE_OF ${numberedEvent(1).id}`);
    },
  );

  it("is not asked about by a delivery of its own that comes early either", async () => {
    const world = await cutSend(0);
    const row = await world.row();
    const body = JSON.stringify({ ...numberedEvent(), target: "email", hop: row.hop });
    await world.handle([{ messageId: "early", body, properties: {} }]);
    expect(world.target.questions).toHaveLength(0);
    expect((await world.row()).unsureSince).not.toBeNull();
  });
});

describe("a replay of an effect that must never repeat", () => {
  const unknown = { ...accepted, checkAfterMs: 30 * 60_000 };

  /** Accepted by the service and then never told of: OUTCOME_UNKNOWN. */
  async function undecided(): Promise<DeliveryWorld> {
    const world = mailWorld();
    world.target.answers = [unknown];
    world.target.confirmations = [unknown, unknown, unknown];
    await world.accept(numberedEvent());
    await world.settle();
    expect(await world.row()).toMatchObject({ state: "failed", code: "OUTCOME_UNKNOWN" });
    world.target.questions.length = 0;
    world.target.confirmations = [];
    return world;
  }

  it("after OUTCOME_UNKNOWN asks about the operation that may have happened and takes it when found", async () => {
    const world = await undecided();
    world.target.confirmations = [{ kind: "delivered", reference: "m1" }];
    await world.replay();
    await world.settle();
    expect(world.target.questions).toEqual([
      expect.objectContaining({ generation: 0, memo: "op-1" }),
    ]);
    expect(world.target.calls).toHaveLength(1);
    expect(await world.row()).toMatchObject({ state: "delivered", generation: 1, rule: null });
  });

  it("after OUTCOME_UNKNOWN sends under the same operation when it is surely absent", async () => {
    const world = await undecided();
    await world.replay();
    await world.settle();
    expect(world.target.calls.map(({ generation }) => generation)).toEqual([0, 0]);
    expect(world.target.effects).toHaveLength(1);
  });

  it("after OUTCOME_UNKNOWN has a new hour to find out, and then fails again", async () => {
    const world = await undecided();
    world.target.confirmations = [unknown, unknown, unknown, unknown];
    await world.replay();
    const replayedAt = world.clock.now();
    await world.settle();
    expect(await world.row()).toMatchObject({ state: "failed", code: "OUTCOME_UNKNOWN" });
    expect(world.clock.now()).toBeGreaterThanOrEqual(replayedAt + hourMs);
    expect(world.target.calls).toHaveLength(1);
  });

  it("after a refusal is a new operation", async () => {
    const world = mailWorld();
    world.target.answers = [{ kind: "reject", code: "MAIL_REJECTED", reason: "bad address" }];
    await world.accept(numberedEvent());
    await world.settle();
    await world.replay();
    await world.settle();
    expect(world.target.calls.map(({ generation }) => generation)).toEqual([0, 1]);
    expect((await world.row()).state).toBe("delivered");
  });

  it("after retries that were never accepted keeps the operation", async () => {
    const world = new DeliveryWorld({
      targetName: "email",
      once: true,
      settings: { limitMs: 1_000, waitForMs: hourMs },
    });
    const busy: Outcome = { kind: "retry", code: "MAIL_FAILED", reason: "busy" };
    world.target.answers = [busy, busy, busy, busy, busy];
    await world.accept(numberedEvent());
    await world.settle();
    expect(await world.row()).toMatchObject({ state: "failed", code: "RETRIES_EXHAUSTED" });
    world.target.answers = [];
    await world.replay();
    await world.settle();
    expect(new Set(world.target.calls.map(({ generation }) => generation))).toEqual(new Set([0]));
  });

  it("does nothing but take note when another event's effect was made meanwhile", async () => {
    const world = mailWorld();
    world.target.answers = [{ kind: "reject", code: "MAIL_REJECTED", reason: "bad address" }];
    const second = numberedEvent(1, { id: "11111111-0000-4000-8000-000000000001" });
    await world.accept(numberedEvent(1), second);
    await world.settle();
    await world.replay(numberedEvent(1));
    await world.settle();
    expect(world.target.effects).toHaveLength(1);
    expect((await world.row(numberedEvent(1))).rule).toBe(`DUPLICATE_OF ${second.id}`);
  });
});
