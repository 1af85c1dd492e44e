import { describe, expect, it } from "@jest/globals";
import { createBudgets } from "../../../../functions/src/delivery/budgets.ts";
import { createClaims } from "../../../../functions/src/delivery/claims.ts";
import { createEngine } from "../../../../functions/src/delivery/engine.ts";
import { createGates } from "../../../../functions/src/delivery/gates.ts";
import { toDeliveryWakeUp } from "../../../../functions/src/delivery/wake-up-messages.ts";
import { TableError } from "../../../../functions/src/platform/table-store.ts";
import { silentTelemetry } from "../../../../functions/src/platform/telemetry.ts";
import type { Outcome } from "../../../../functions/src/targets/target.ts";
import { DeliveryWorld, startOfTime } from "../../../support/delivery-world.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

const minuteMs = 60_000;
const retry: Outcome = { kind: "retry", code: "CE_TEMPORARY", reason: "deadlock" };
const away: Outcome = { kind: "retry", code: "CE_AWAY", reason: "no answer", unreachable: true };

describe("a delivery", () => {
  it("that succeeds is delivered with the target's record id and leaves nothing open", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    expect(world.openRows()).toHaveLength(1);
    await world.settle();
    const row = await world.row(numberedEvent());
    expect(row).toMatchObject({ state: "delivered", hop: 1, attempts: 1 });
    expect(row.reference).toBe(`ref-${numberedEvent().effectkey}`);
    expect(world.openRows()).toEqual([]);
  });

  it("is called once when the message comes twice", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    const message = world.broker.sent[0]?.message;
    await world.settle();
    await world.handle(message === undefined ? [] : [message]);
    expect(world.target.calls).toHaveLength(1);
  });

  it("is tried at once twice and then from the ladder, each wake-up under its own id", async () => {
    const world = new DeliveryWorld();
    world.target.answers = [retry, retry, retry, retry];
    await world.accept(numberedEvent());
    await world.step();
    expect(world.target.calls).toHaveLength(3);
    await world.settle();
    const { id } = numberedEvent();
    expect(world.broker.sent.map(({ message }) => message.messageId)).toEqual([
      id,
      `${id}:ce:2`,
      `${id}:ce:3`,
    ]);
    expect(await world.row()).toMatchObject({ state: "delivered", attempts: 5, hop: 3 });
  });

  it("carries target and hop in the body, and only its own routing property, when sent again", async () => {
    const world = new DeliveryWorld();
    world.target.answers = [retry, retry, retry];
    await world.accept(numberedEvent());
    await world.step();
    const copy = world.broker.next("integration-events");
    expect(JSON.parse(copy?.body ?? "")).toMatchObject({ target: "ce", hop: 2, data: {} });
    expect(Object.keys(copy?.properties ?? {}).filter((name) => name.startsWith("to_"))).toEqual([
      "to_ce",
    ]);
    expect(copy?.enqueueAt).toBe((await world.row()).dueAt);
  });

  it("that is refused fails once, with its story sent to dead-letters", async () => {
    const world = new DeliveryWorld();
    world.target.answers = [{ kind: "reject", code: "CE_REJECTED", reason: "too long" }];
    await world.accept(numberedEvent());
    await world.settle();
    const row = await world.row();
    expect(row).toMatchObject({ state: "failed", code: "CE_REJECTED" });
    const letter = world.broker.next("dead-letters");
    expect(letter?.properties).toMatchObject({ failureid: row.failureId, code: "CE_REJECTED" });
    expect(JSON.parse(letter?.body ?? "")).toMatchObject({ failureid: row.failureId, data: {} });
    expect(world.openRows()).toEqual([]);
  });

  it("that failed is told again and never called when its message comes again", async () => {
    const world = new DeliveryWorld();
    world.target.answers = [{ kind: "reject", code: "CE_REJECTED", reason: "too long" }];
    await world.accept(numberedEvent());
    const message = world.broker.sent[0]?.message;
    await world.settle();
    await world.handle(message === undefined ? [] : [message]);
    expect(world.target.calls).toHaveLength(1);
    const ids = world.broker.waiting.get("dead-letters")?.map(({ messageId }) => messageId);
    expect(ids).toEqual([ids?.[0], ids?.[0]]);
  });

  it("is not called for an old copy: the row's own wake-up is sent again", async () => {
    const world = new DeliveryWorld();
    world.target.answers = [retry, retry, retry];
    await world.accept(numberedEvent());
    const first = world.broker.sent[0]?.message;
    await world.step();
    await world.handle(first === undefined ? [] : [first]);
    expect(world.target.calls).toHaveLength(3);
    const sent = world.broker.sent.map(({ message }) => message.messageId);
    expect(sent.slice(1)).toEqual([sent[1], sent[1]]);
    const [one, two] = world.broker.sent.slice(1);
    expect(two?.message).toEqual(one?.message);
  });

  it("is skipped by a named rule without a call", async () => {
    const world = new DeliveryWorld({ skip: "TOO_OLD" });
    await world.accept(numberedEvent());
    await world.settle();
    expect(await world.row()).toMatchObject({ state: "skipped", rule: "TOO_OLD" });
    expect(world.target.calls).toEqual([]);
    expect(world.openRows()).toEqual([]);
  });

  it("whose row is missing is written down before it is made", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    const message = world.broker.sent[0]?.message;
    const other = new DeliveryWorld();
    await other.handle(message === undefined ? [] : [message]);
    expect(await other.row(numberedEvent())).toMatchObject({ state: "delivered" });
  });

  it("of a body over the limit travels without it and gets it from the ledger", async () => {
    const world = new DeliveryWorld({ maxMessageBytes: 17_000 });
    await world.accept(numberedEvent());
    const [first] = world.broker.sent;
    expect(JSON.parse(first?.message.body ?? "")).toMatchObject({ dataref: "ledger" });
    expect(JSON.parse(first?.message.body ?? "")).not.toHaveProperty("data");
    await world.settle();
    expect(world.target.calls[0]?.body.data).toEqual(numberedEvent().data);
  });
});

describe("a batch", () => {
  it("sends what its time did not reach as its own hop, at once", async () => {
    const world = new DeliveryWorld();
    world.target.answers = [undefined as never, null, null];
    const events = [1, 2, 3].map((n) => numberedEvent(n));
    await world.accept(...events);
    await world.handle(world.broker.sent.map(({ message }) => message));
    const rows = await Promise.all(events.map((event) => world.row(event)));
    expect(rows.map(({ state, hop, attempts }) => [state, hop, attempts])).toEqual([
      ["delivered", 1, 1],
      ["pending", 2, 0],
      ["pending", 2, 0],
    ]);
    expect(rows[1]?.dueAt).toBe(startOfTime);
    await world.settle();
    expect((await world.row(events[2])).state).toBe("delivered");
  });

  it("gives one row's throw to that row alone", async () => {
    const world = new DeliveryWorld();
    const events = [1, 2, 3].map((n) => numberedEvent(n));
    const poison = world.target.deliver.bind(world.target);
    world.target.deliver = (requests) => {
      if (requests.some(({ eventId }) => eventId === events[1]?.id)) {
        return Promise.reject(new TypeError("cannot read what is not there"));
      }
      return poison(requests);
    };
    await world.accept(...events);
    await world.handle(world.broker.sent.map(({ message }) => message));
    const rows = await Promise.all(events.map((event) => world.row(event)));
    expect(rows.map(({ state, code }) => [state, code])).toEqual([
      ["delivered", null],
      ["pending", "TARGET_THREW"],
      ["delivered", null],
    ]);
  });

  it("with two copies of one delivery calls once", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    const [first] = world.broker.sent.map(({ message }) => message);
    if (first !== undefined) await world.handle([first, first]);
    expect(world.target.calls).toHaveLength(1);
  });
});

describe("an outage", () => {
  it("is found by one delivery and parks the others without a call", async () => {
    const world = new DeliveryWorld();
    world.target.answers = [away, away, away];
    await world.accept(...[1, 2, 3].map((n) => numberedEvent(n)));
    const messages = world.broker.sent.map(({ message }) => message);
    for (const message of messages) await world.handle([message]);
    expect(world.target.calls).toHaveLength(3);
    const row = await world.row(numberedEvent(3));
    expect(row).toMatchObject({ state: "pending", hop: 2, attempts: 0, awaySince: row.awaySince });
    expect(row.dueAt).toBeGreaterThanOrEqual(startOfTime + minuteMs);
  });

  it("of ten hours ends with everything delivered, no failure and at most one probe a minute", async () => {
    let draw = 0;
    const world = new DeliveryWorld({ random: () => (draw = (draw * 16_807 + 0.1) % 1) });
    const events = Array.from({ length: 30 }, (_none, index) => numberedEvent(index + 1));
    const probes: number[] = [];
    const endsAt = startOfTime + 600 * minuteMs;
    world.target.onCall = () => {
      if (world.clock.now() < endsAt) probes.push(Math.floor(world.clock.now() / minuteMs));
    };
    world.target.answers = Array.from({ length: 5_000 }, () => () => {
      const delivered: Outcome = { kind: "delivered", reference: "r" };
      return world.clock.now() < endsAt ? away : delivered;
    });
    await world.accept(...events);
    await world.settle(20_000);
    const rows = await Promise.all(events.map((event) => world.row(event)));
    expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(["delivered"]));
    expect(rows.filter(({ attempts }) => attempts !== 1)).toEqual([]);
    expect(world.broker.count("dead-letters")).toBe(0);
    // The first delivery tried three times before the outage was known.
    expect(probes.length - new Set(probes).size).toBeLessThanOrEqual(2);
  });

  it("in which a target asks for patience sets the gate for everybody", async () => {
    const world = new DeliveryWorld();
    world.target.answers = [{ ...retry, afterMs: 120_000 }];
    await world.accept(numberedEvent(1), numberedEvent(2));
    for (const { message } of [...world.broker.sent]) await world.handle([message]);
    expect(world.target.calls).toHaveLength(1);
    const row = await world.row(numberedEvent(2));
    expect(row.dueAt).toBeGreaterThanOrEqual(startOfTime + 120_000);
    await world.settle();
    expect((await world.row(numberedEvent(2))).attempts).toBe(1);
  });
});

describe("a probe", () => {
  const here: Outcome = { kind: "skipped", rule: "NO_RECIPIENT", asked: false };

  /** An outage found by the first of `count` deliveries, with its next probe due now. */
  async function inOutage(count: number): Promise<DeliveryWorld> {
    const world = new DeliveryWorld();
    world.target.answers = [away, away, away];
    await world.accept(
      ...Array.from({ length: count }, (_none, index) => numberedEvent(index + 1)),
    );
    const [first] = world.broker.sent.map(({ message }) => message);
    if (first !== undefined) await world.handle([first]);
    world.clock.advance(minuteMs);
    world.target.calls.length = 0;
    return world;
  }
  const others = (world: DeliveryWorld, count: number) =>
    world.broker.sent.slice(1, count).map(({ message }) => message);

  it("is made by the next delivery when one ends without a call of the target", async () => {
    const world = await inOutage(5);
    world.target.answers = [here, away];
    await world.handle(others(world, 5));
    expect(world.target.calls).toHaveLength(2);
    const rows = await Promise.all([2, 3, 4, 5].map((n) => world.row(numberedEvent(n))));
    expect(rows.map(({ state }) => state)).toEqual(["skipped", "pending", "pending", "pending"]);
    const earliest = Math.min(...rows.slice(1).map(({ dueAt }) => dueAt));
    expect(earliest).toBeGreaterThanOrEqual(world.clock.now() + minuteMs);
  });

  it("that throws does not end the outage", async () => {
    const world = await inOutage(3);
    const broken = (): never => {
      throw new TypeError("cannot read what is not there");
    };
    world.target.answers = [broken, away];
    await world.handle(others(world, 3));
    const [gate] = world.memory.rows("gates").map(({ columns }) => columns["state"]);
    expect([world.target.calls.length, gate]).toEqual([2, "outage"]);
    expect((await world.row(numberedEvent(2))).code).toBe("TARGET_THREW");
  });

  it("is given up after ten deliveries that tell nothing, and the rest is parked", async () => {
    const world = await inOutage(16);
    world.target.answers = Array.from({ length: 15 }, () => ({
      ...retry,
      code: "TARGET_THREW",
      asked: false as const,
    }));
    await world.handle(others(world, 16));
    expect(world.target.calls).toHaveLength(10);
    const last = await world.row(numberedEvent(16));
    expect(last).toMatchObject({ hop: 2, attempts: 0, code: null });
    expect(last.dueAt).toBeGreaterThanOrEqual(world.clock.now() + minuteMs);
  });
});

describe("an hourly budget", () => {
  const quota = { perHour: 2 };

  it("is not used up by what sends nothing", async () => {
    const world = new DeliveryWorld({ targetName: "email", once: true, budget: quota });
    const nobody: Outcome = { kind: "skipped", rule: "NO_RECIPIENT", asked: false };
    world.target.answers = [nobody, nobody, nobody];
    await world.accept(...[1, 2, 3, 4, 5].map((n) => numberedEvent(n)));
    await world.handle([]);
    for (const { message } of [...world.broker.sent]) await world.handle([message]);
    const rows = await Promise.all([4, 5].map((n) => world.row(numberedEvent(n))));
    expect(rows.map(({ state }) => state)).toEqual(["delivered", "delivered"]);
    expect(world.clock.now()).toBe(startOfTime);
  });

  it("is not used up by a second event of a document, nor by a call that reaches nobody", async () => {
    const world = new DeliveryWorld({ targetName: "email", once: true, budget: { perHour: 3 } });
    world.target.answers = [undefined as never, away, away, away];
    const twice = numberedEvent(1, { id: "11111111-0000-4000-8000-000000000001" });
    await world.accept(numberedEvent(1), twice, numberedEvent(2));
    for (const { message } of [...world.broker.sent]) await world.handle([message]);
    const [places] = world.memory
      .rows("gates")
      .filter(({ rowKey }) => rowKey === "hour")
      .map(({ columns }) => String(columns["places"]).split(" "));
    expect(places).toHaveLength(1);
  });
});

describe("a target that takes calls and never answers", () => {
  const silent: Outcome = { kind: "retry", code: "CRM_UNREACHABLE", reason: "", silent: true };

  it("is away after five deliveries: no attempt is counted from then on, and nothing fails", async () => {
    const world = new DeliveryWorld({ targetName: "crm" });
    const events = Array.from({ length: 8 }, (_none, index) => numberedEvent(index + 1));
    const endsAt = startOfTime + 48 * 60 * minuteMs;
    world.target.answers = Array.from({ length: 6_000 }, () => () => {
      const delivered: Outcome = { kind: "delivered", reference: "r" };
      return world.clock.now() < endsAt ? silent : delivered;
    });
    await world.accept(...events);
    for (const { message } of [...world.broker.sent]) await world.handle([message]);
    expect(world.target.calls).toHaveLength(5);
    await world.settle(30_000);
    const rows = await Promise.all(events.map((event) => world.row(event)));
    expect(new Set(rows.map(({ state }) => state))).toEqual(new Set(["delivered"]));
    expect(Math.max(...rows.map(({ attempts }) => attempts))).toBeLessThanOrEqual(3);
  });
});

describe("a delivery that gets no answer while others do", () => {
  it("comes back after a minute, not in seconds", async () => {
    const world = new DeliveryWorld();
    const unanswered = numberedEvent(2).id;
    const deliver = world.target.deliver.bind(world.target);
    world.target.deliver = async (requests) => {
      const outcomes = await deliver(requests);
      return requests.map(({ eventId }, n) =>
        eventId === unanswered ? away : (outcomes[n] ?? null),
      );
    };
    await world.accept(numberedEvent(1), numberedEvent(2));
    await world.handle(world.broker.sent.map(({ message }) => message));
    const row = await world.row(numberedEvent(2));
    expect(row.dueAt).toBe(world.clock.now() + 90_000);
    expect((await world.row(numberedEvent(1))).state).toBe("delivered");
  });
});

describe("a flow that is gone", () => {
  const gone = (): never => {
    throw new RangeError("there is no flow invoices");
  };

  it("puts its own deliveries off and nobody else's", async () => {
    const world = new DeliveryWorld();
    const { lane } = world;
    world.lane = {
      ...world.lane,
      prepare: (event, now) =>
        event.id === numberedEvent(1).id ? gone() : lane.prepare(event, now),
    };
    await world.accept(numberedEvent(1), numberedEvent(2));
    await world.handle(world.broker.sent.map(({ message }) => message));
    const row = await world.row(numberedEvent(1));
    expect(row).toMatchObject({ state: "pending", hop: 2, attempts: 1, code: "TARGET_THREW" });
    expect(row.dueAt).toBe(startOfTime + 10_000);
    expect((await world.row(numberedEvent(2))).state).toBe("delivered");
  });

  it("does not keep an unsure effect from being asked about", async () => {
    const world = new DeliveryWorld();
    world.target.answers = [{ kind: "unsure", code: "TIMED_OUT" }];
    await world.accept(numberedEvent());
    await world.step();
    world.target.effects.push(numberedEvent().effectkey);
    world.lane = { ...world.lane, prepare: gone };
    await world.step();
    expect(world.target.questions).toHaveLength(1);
    expect(await world.row()).toMatchObject({ state: "delivered" });
  });
});

describe("a budget", () => {
  it("whose places are all given away calls nobody and reserves nothing", async () => {
    const perHour = 90;
    const world = new DeliveryWorld({ budget: { perHour } });
    const { clock, memory: store } = world;
    await createBudgets({ store, clock, instances: 1, random: () => 0.5 }).reserve(
      "ce",
      { perHour },
      2_500,
    );
    await world.accept(numberedEvent());
    await world.step();
    const row = await world.row();
    expect(row).toMatchObject({ hop: 2, attempts: 0, slotAt: null });
    expect(row.dueAt).toBe(startOfTime + (27 * 60 + 30) * minuteMs);
    expect(world.target.calls).toEqual([]);
    await world.settle();
    expect((await world.row()).state).toBe("delivered");
  });

  it("of three an hour lets three through and gives the others the times of their turns", async () => {
    const world = new DeliveryWorld({ budget: { perHour: 3 } });
    const events = [1, 2, 3, 4, 5].map((n) => numberedEvent(n));
    await world.accept(...events);
    await world.handle(world.broker.sent.map(({ message }) => message));
    expect(world.target.calls).toHaveLength(3);
    const last = await world.row(events[4]);
    expect(last).toMatchObject({
      state: "pending",
      attempts: 0,
      dueAt: startOfTime + 60 * minuteMs,
    });
    expect(await world.settle()).toBe(2);
    expect(world.target.calls).toHaveLength(5);
  });
});

describe("a place in an hourly budget", () => {
  const perHour = 90;
  const events = Array.from({ length: 360 }, (_none, index) => numberedEvent(index + 1));

  it("is for its time: after three hours without the app the hour that follows has 90 calls", async () => {
    const world = new DeliveryWorld({ targetName: "email", once: true, budget: { perHour } });
    await world.accept(...events);
    await world.handle([...(world.broker.waiting.get(world.entity) ?? [])]);
    expect(world.target.calls).toHaveLength(perHour);

    // Places of three hours went by.
    const calls: number[] = [];
    world.target.onCall = () => calls.push(world.clock.now());
    world.clock.advance(3 * 60 * minuteMs + 5 * minuteMs);
    await world.settle(3_000);

    expect(world.target.effects).toHaveLength(events.length);
    expect(calls).toHaveLength(3 * perHour);
    const tooNear = calls.filter(
      (at, index) => at - (calls[index - perHour] ?? -Infinity) < 60 * minuteMs,
    );
    expect(tooNear).toEqual([]);
    // The places that were missed are given to others: nobody waits for longer than he has to.
    expect(world.clock.now()).toBeLessThan(startOfTime + (6 * 60 + 10) * minuteMs);
  });

  it("that cannot be given back stays unused, and what was delivered is told and completed", async () => {
    const told: string[] = [];
    const away = new TableError("UNAVAILABLE", "gates");
    const world = new DeliveryWorld({
      budget: { perHour },
      telemetry: {
        ...silentTelemetry,
        event: (name) => told.push(name),
        error: (error) => told.push(error.message),
      },
    });
    const answer: Outcome = { kind: "skipped", rule: "NO_RECIPIENT", asked: false };
    world.target.answers = [answer];
    await world.accept(numberedEvent());
    const write = world.memory.write.bind(world.memory);
    world.target.onCall = () => {
      world.memory.write = (table, change) =>
        table === "gates" ? Promise.reject(away) : write(table, change);
    };
    await world.step();
    expect((await world.row()).state).toBe("skipped");
    expect(told).toEqual(["delivery", away.message]);
    expect(world.broker.count(world.entity)).toBe(0);
  });
});

describe("a batch without time", () => {
  it("calls nobody and sends its deliveries on", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    const budgets = createBudgets({
      store: world.memory,
      clock: world.clock,
      instances: 1,
      random: () => 0.5,
    });
    const late = createEngine({
      ledger: world.ledger,
      claims: createClaims(world.memory),
      gates: createGates(world.memory, world.clock),
      budgets,
      sender: world.broker,
      clock: world.clock,
      telemetry: silentTelemetry,
      random: () => 0,
    });
    const wakeUp = toDeliveryWakeUp("ce", numberedEvent());
    await late.process(world.lane, [wakeUp], AbortSignal.abort());
    expect(world.target.calls).toEqual([]);
    expect(await world.row()).toMatchObject({ state: "pending", hop: 2, dueAt: startOfTime });
  });
});

describe("the ledger being away", () => {
  it("sends an unchanged copy 30 to 120 s ahead under a fresh id and completes", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    const [first] = world.broker.sent;
    const { TableError } = await import("../../../../functions/src/platform/table-store.ts");
    const get = world.memory.get.bind(world.memory);
    world.memory.get = () => Promise.reject(new TableError("UNAVAILABLE", "ledger202611"));
    world.restart();
    await world.step();
    world.memory.get = get;
    const copy = world.broker.next("integration-events");
    expect(copy?.body).toBe(first?.message.body);
    expect(copy?.messageId).not.toBe(first?.message.messageId);
    expect(copy?.enqueueAt).toBe(startOfTime + 75_000);
    expect(copy?.properties).toEqual({ to_ce: "1" });
    await world.settle();
    expect((await world.row()).state).toBe("delivered");
  });

  it("throws only when Service Bus is away too", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    const { TableError } = await import("../../../../functions/src/platform/table-store.ts");
    const { MessagingError } = await import("../../../../functions/src/platform/messages.ts");
    world.memory.get = () => Promise.reject(new TableError("UNAVAILABLE", "ledger202611"));
    world.broker.send = (entity) =>
      Promise.reject(new MessagingError("MESSAGING_UNAVAILABLE", entity));
    world.restart();
    await expect(world.step()).rejects.toMatchObject({ code: "MESSAGING_UNAVAILABLE" });
    expect(world.broker.count("integration-events")).toBe(1);
  });
});

describe("two instances on one delivery", () => {
  it("leave it delivered when the slower one wants to try again later", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    const [first] = world.broker.sent.map(({ message }) => message);
    const faster = new DeliveryWorld({ store: world.memory });
    const deliver = world.target.deliver.bind(world.target);
    world.target.answers = [{ ...retry, afterMs: 1_000 }];
    world.target.deliver = async (requests) => {
      if (first !== undefined) await faster.handle([first]);
      return deliver(requests);
    };
    if (first !== undefined) await world.handle([first]);
    expect(await world.row()).toMatchObject({ state: "delivered", hop: 1 });
    expect(world.openRows()).toEqual([]);
  });

  it("write an effect on top of what the other one put off", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    const [first] = world.broker.sent.map(({ message }) => message);
    const instance = new DeliveryWorld({ store: world.memory });
    instance.target.answers = [retry, retry, retry];
    const deliver = world.target.deliver.bind(world.target);
    world.target.deliver = async (requests) => {
      if (first !== undefined) await instance.handle([first]);
      return deliver(requests);
    };
    if (first !== undefined) await world.handle([first]);
    expect(await world.row()).toMatchObject({ state: "delivered", hop: 2 });
  });
});
