import { describe, expect, it } from "@jest/globals";
import type { Outcome } from "../../../../functions/src/targets/target.ts";
import { DeliveryWorld, startOfTime } from "../../../support/delivery-world.ts";
import { Killed, Killer } from "../../../support/faulty-ports.ts";
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
    const killer = new Killer();
    const world = new DeliveryWorld({
      targetName: "email",
      once: true,
      wrapStore: (store) => killer.store(store),
    });
    await world.accept(numberedEvent());
    world.target.onCall = () => {
      world.target.onCall = () => undefined;
      killer.killAt(1, "before");
    };
    await expect(world.step()).rejects.toThrow(Killed);
    expect(world.target.effects).toHaveLength(1);
    killer.revive();
    world.restart();
    await world.settle();
    expect(world.target.effects).toHaveLength(1);
    expect(world.target.questions).toHaveLength(1);
    expect(world.clock.now()).toBeGreaterThanOrEqual(startOfTime + 180_000);
    expect((await world.row()).state).toBe("delivered");
  });
});
