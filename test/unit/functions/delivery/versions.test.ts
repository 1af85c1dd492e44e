import { describe, expect, it } from "@jest/globals";
import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import type { Outcome } from "../../../../functions/src/targets/target.ts";
import { DeliveryWorld, startOfTime } from "../../../support/delivery-world.ts";
import { FaultyPorts, Killed } from "../../../support/faulty-ports.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

const reject: Outcome = { kind: "reject", code: "CE_REJECTED", reason: "too long" };

/** One document's events: a resend with a new EventId keeps its number, a change gets a higher one. */
function version(id: number, controlnumber: string): CanonicalEvent {
  return numberedEvent(1, { id: `22222222-0000-4000-8000-00000000000${id}`, controlnumber });
}

const first = version(1, "5637611083");
const second = version(2, "5637611099");

function calledFor(world: DeliveryWorld): readonly string[] {
  return world.target.calls.map(({ eventId }) => eventId);
}

describe("a flow marked versioned", () => {
  it("supersedes an older version that comes after a newer one, without a call", async () => {
    const world = new DeliveryWorld({ versioned: true });
    await world.accept(second);
    await world.settle();
    await world.accept(first);
    await world.settle();
    expect(calledFor(world)).toEqual([second.id]);
    const { reference } = await world.row(second);
    expect(await world.row(first)).toMatchObject({ state: "superseded", reference });
    expect(world.openRows()).toEqual([]);
  });

  it("delivers each version that comes in order", async () => {
    const world = new DeliveryWorld({ versioned: true });
    for (const event of [first, second]) {
      await world.accept(event);
      await world.settle();
    }
    expect(calledFor(world)).toEqual([first.id, second.id]);
  });

  it("supersedes an old version's resend with a new EventId", async () => {
    const world = new DeliveryWorld({ versioned: true });
    const resend = version(3, first.controlnumber);
    for (const event of [first, second, resend]) {
      await world.accept(event);
      await world.settle();
    }
    expect(calledFor(world)).toEqual([first.id, second.id]);
    expect((await world.row(resend)).state).toBe("superseded");
  });

  it("writes the same version again when it comes under a new EventId: a repair must be able to", async () => {
    const world = new DeliveryWorld({ versioned: true });
    const repair = version(3, second.controlnumber);
    for (const event of [second, repair]) {
      await world.accept(event);
      await world.settle();
    }
    expect(calledFor(world)).toEqual([second.id, repair.id]);
  });

  it("calls the newest of a batch; the others look again after 15 seconds and are superseded", async () => {
    const world = new DeliveryWorld({ versioned: true });
    await world.accept(first, second);
    await world.handle(world.broker.sent.map(({ message }) => message));
    expect(await world.row(first)).toMatchObject({ state: "pending", attempts: 0 });
    expect((await world.row(first)).dueAt).toBe(startOfTime + 15_000);
    await world.settle();
    expect(calledFor(world)).toEqual([second.id]);
    expect((await world.row(first)).state).toBe("superseded");
  });

  it("delivers an older version while the newer one has failed, and the newer one's replay after it", async () => {
    const world = new DeliveryWorld({ versioned: true });
    world.target.answers = [reject];
    for (const event of [second, first]) {
      await world.accept(event);
      await world.settle();
    }
    expect((await world.row(first)).state).toBe("delivered");
    await world.replay(second);
    await world.settle();
    expect((await world.row(second)).state).toBe("delivered");
    expect(calledFor(world)).toEqual([second.id, first.id, second.id]);
  });

  it("lets a replay of an older version find that it is superseded", async () => {
    const world = new DeliveryWorld({ versioned: true });
    world.target.answers = [reject];
    for (const event of [first, second]) {
      await world.accept(event);
      await world.settle();
    }
    await world.replay(first);
    await world.settle();
    expect((await world.row(first)).state).toBe("superseded");
  });

  it("keeps the order when the process dies at any call", async () => {
    const calls = await run(0);
    expect(calls).toBeGreaterThan(8);
    for (let call = 1; call <= calls; call += 1) await run(call);
  });
});

/** Newer, then older, with the process killed at one call; gives how many calls there are. */
async function run(killedAt: number): Promise<number> {
  const faults = new FaultyPorts();
  const world = new DeliveryWorld({ versioned: true, faults });
  await world.accept(second, first);
  faults.forgetCalls();
  if (killedAt > 0) faults.faultIn(killedAt, { how: "kill", when: "after" });
  const [newer, older] = world.broker.sent.map(({ message }) => message);
  if (newer === undefined || older === undefined) throw new Error("a message is missing");
  const works = [() => world.handle([newer]), () => world.handle([older]), () => world.settle()];
  for (const work of works) {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      faults.revive();
      world.restart();
    }
  }
  await world.settle();
  const calls = faults.calls.length;
  const states = [(await world.row(second)).state, (await world.row(first)).state];
  expect(states[0]).toBe("delivered");
  expect(["superseded", "delivered"]).toContain(states[1]);
  // Whatever was called in between: what the target has at the end is the newest.
  expect(calledFor(world).at(-1)).toBe(second.id);
  return calls;
}
