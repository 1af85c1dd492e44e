import { describe, expect, it } from "@jest/globals";
import { silentTelemetry } from "../../../../functions/src/platform/telemetry.ts";
import { toUnreadableLetter } from "../../../../functions/src/delivery/wake-up-messages.ts";
import { toGroup } from "../../../../functions/src/recovery/failure-group.ts";
import { createFailureStore } from "../../../../functions/src/recovery/failure-store.ts";
import { recordFailures } from "../../../../functions/src/recovery/record-failure.ts";
import type { DeadLetter } from "../../../../functions/src/recovery/record-failure.ts";
import type { Outcome } from "../../../../functions/src/targets/target.ts";
import { DeliveryWorld, startOfTime } from "../../../support/delivery-world.ts";
import type { WorldOptions } from "../../../support/delivery-world.ts";
import { FaultyPorts, faultAtNth } from "../../../support/faulty-ports.ts";
import { failureRows } from "../../../support/failure-rows.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

const reject: Outcome = { kind: "reject", code: "CE_ROW_CLOSED", reason: "the row is paid" };

function recorder(world: DeliveryWorld): {
  readonly record: (...letters: readonly Partial<DeadLetter>[]) => Promise<number>;
  readonly store: ReturnType<typeof createFailureStore>;
} {
  const store = createFailureStore(world.memory, world.clock);
  const on = {
    ledger: world.ledger,
    failures: store,
    clock: world.clock,
    telemetry: silentTelemetry,
    identify: (body: unknown) =>
      typeof body === "object" && body !== null && "EventId" in body
        ? { eventId: String(body.EventId), time: "2026-11-24T11:59:30.000Z" }
        : null,
    flowOf: (raw: unknown) =>
      typeof raw === "object" && raw !== null && "BusinessEventId" in raw ? "invoice-posted" : "",
  };
  return {
    store,
    record: (...letters) =>
      recordFailures(
        on,
        letters.map((letter) => ({ body: {}, properties: {}, source: null, ...letter })),
      ),
  };
}

/** A delivery that was refused, and the dead letter it left. */
async function refused(): Promise<{ readonly world: DeliveryWorld; readonly letter: unknown }> {
  const world = new DeliveryWorld();
  world.target.answers = [reject];
  await world.accept(numberedEvent());
  await world.settle();
  const letter: unknown = JSON.parse(world.broker.next("dead-letters")?.body ?? "");
  return { world, letter };
}

describe("recording a failure of our own", () => {
  it("tells the ledger's story, with who puts it right and where", async () => {
    const { world, letter } = await refused();
    const { record, store } = recorder(world);
    await record({ body: letter });
    const { failureId } = await world.row();
    expect(await store.get("ce", failureId ?? "")).toMatchObject({
      code: "CE_ROW_CLOSED",
      reason: "the row is paid",
      owner: "finance",
      fixIn: "CE",
      stage: "delivery",
      attempts: 1,
      legalEntity: "usmf",
      businessKey: "usmf/CIV-000001",
      flow: "invoice-posted",
      firstAt: startOfTime,
      status: "open",
    });
  });

  it("keeps the body and the properties as they were", async () => {
    const { world, letter } = await refused();
    const { record, store } = recorder(world);
    await record({ body: letter, properties: { code: "CE_ROW_CLOSED", "x-own": 7 } });
    const failure = await store.get("ce", (await world.row()).failureId ?? "");
    expect(JSON.parse(failure?.body ?? "")).toEqual(letter);
    expect(failure?.properties).toEqual({ code: "CE_ROW_CLOSED", "x-own": 7 });
  });

  it("writes it once however often it is told, and leaves a decision that was made", async () => {
    const { world, letter } = await refused();
    const { record, store } = recorder(world);
    expect(await record({ body: letter }, { body: letter })).toBe(1);
    const failure = await store.get("ce", (await world.row()).failureId ?? "");
    if (failure !== undefined) await store.move([{ failure, to: "discarded" }]);
    expect(await record({ body: letter })).toBe(0);
    expect(failureRows(world.memory)[0]?.columns["status"]).toBe("discarded");
  });
});

describe("recording what Service Bus gave up", () => {
  const native = { deadLetterReason: "MaxDeliveryCountExceeded" };
  const source = "integration-events/Subscriptions/ce";

  it("settles the delivery as failed first, for the subscription it came from", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    const { record, store } = recorder(world);
    await record({ body: numberedEvent(), properties: native, source });
    const row = await world.row();
    expect(row).toMatchObject({ state: "failed", code: "DEAD_LETTERED" });
    const failure = await store.get("ce", row.failureId ?? "");
    expect(failure).toMatchObject({ reason: "MaxDeliveryCountExceeded", target: "ce" });
  });

  it("settles the delivery that the message itself names", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    await recorder(world).record({ body: { ...numberedEvent(), target: "ce" } });
    expect((await world.row()).state).toBe("failed");
  });

  it("settles nothing when neither message nor source names the target, and keeps the story", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    const { record } = recorder(world);
    expect(await record({ body: numberedEvent() }, { body: numberedEvent() })).toBe(1);
    const rows = failureRows(world.memory);
    expect(rows.map(({ partitionKey, columns }) => [partitionKey, columns["code"]])).toEqual([
      ["unknown", "DEAD_LETTERED"],
    ]);
    expect(rows[0]?.columns).toMatchObject({ eventId: numberedEvent().id, stage: "transport" });
    expect((await world.row()).state).toBe("pending");
  });

  it("leaves the lost delivery to the sweep, which gives it a new wake-up", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    world.broker.waiting.delete("integration-events");
    await recorder(world).record({ body: numberedEvent() });
    world.clock.advance(16 * 60_000);
    expect(await world.sweep()).toMatchObject({ woken: 1 });
    await world.settle();
    expect((await world.row()).state).toBe("delivered");
  });

  it("is no failure when the delivery went on without that message", async () => {
    const world = new DeliveryWorld();
    await world.accept(numberedEvent());
    await world.settle();
    expect(await recorder(world).record({ body: numberedEvent(), source })).toBe(0);
    expect((await world.row()).state).toBe("delivered");
  });

  it("keeps a business event that never reached the ledger under its own id", async () => {
    const world = new DeliveryWorld();
    const { record } = recorder(world);
    const body = { EventId: "e1", BusinessEventId: "X" };
    await record({ body, properties: native }, { body, properties: native });
    const rows = failureRows(world.memory);
    expect(rows.map(({ columns: { code, eventId, flow } }) => [code, eventId, flow])).toEqual([
      ["DEAD_LETTERED", "e1", "invoice-posted"],
    ]);
  });
});

describe("a dead letter of a wake-up whose call makes the effect all the same", () => {
  /** While the target is called, Service Bus gives the message up, and that is recorded. */
  async function givenUpDuringCall(options: WorldOptions = {}) {
    const world = new DeliveryWorld(options);
    const { record, store } = recorder(world);
    const { target } = world;
    const deliver = target.deliver.bind(target);
    target.deliver = async (requests) => {
      await record({ body: { ...numberedEvent(), target: "ce" } });
      return deliver(requests);
    };
    await world.accept(numberedEvent());
    /** What `dead-letters` holds is recorded. */
    const recordWaiting = async (): Promise<void> => {
      for (;;) {
        const letter = world.broker.next("dead-letters");
        if (letter === undefined) return;
        const { body, properties } = letter;
        await record({ body: JSON.parse(body) as unknown, properties });
        world.broker.complete("dead-letters", letter);
      }
    };
    const failure = async () => {
      const [row] = failureRows(world.memory);
      return store.get("ce", String(row?.columns["failureId"]));
    };
    return { world, store, recordWaiting, failure };
  }

  it.each([{ once: false }, { once: true }])(
    "ends with one effect and no open failure (%j)",
    async (options) => {
      const { world, recordWaiting, failure } = await givenUpDuringCall(options);
      await world.step();
      await recordWaiting();
      expect(await world.row()).toMatchObject({ state: "delivered" });
      expect(await failure()).toMatchObject({ status: "resolved", code: "DEAD_LETTERED" });
      expect(world.target.effects).toHaveLength(1);
      expect([world.openRows(), failureRows(world.memory).length]).toEqual([[], 1]);
    },
  );

  it("is told by the sweep when the process dies before it can say so", async () => {
    const faults = new FaultyPorts();
    const { world, recordWaiting, failure } = await givenUpDuringCall({ faults });
    faults.plan = faultAtNth("sender", "send", 2, { how: "kill", when: "before" });
    await expect(world.step()).rejects.toThrow("killed");
    faults.revive();
    world.restart();
    expect(await failure()).toMatchObject({ status: "open" });
    world.clock.advance(60_000);
    await world.sweep();
    await recordWaiting();
    expect(await failure()).toMatchObject({ status: "resolved" });
    expect(world.openRows()).toEqual([]);
  });

  it("leaves a failure alone that a person has discarded meanwhile", async () => {
    const { world, store, recordWaiting, failure } = await givenUpDuringCall();
    await world.step();
    const stored = await failure();
    if (stored !== undefined) await store.move([{ failure: stored, to: "discarded" }]);
    await recordWaiting();
    expect(await failure()).toMatchObject({ status: "discarded" });
  });

  it("stays a failure when the call makes no effect", async () => {
    const { world, recordWaiting, failure } = await givenUpDuringCall();
    world.target.answers = [{ kind: "wait", code: "CE_CUSTOMER_MISSING", missing: ["US-003"] }];
    await world.step();
    await recordWaiting();
    expect(await world.row()).toMatchObject({ state: "failed", code: "DEAD_LETTERED" });
    expect(await failure()).toMatchObject({ status: "open" });
  });
});

describe("recording what nobody can read", () => {
  it("keeps the text and says what was found", async () => {
    const world = new DeliveryWorld();
    const { record, store } = recorder(world);
    const message = toUnreadableLetter("<xml/>", "MALFORMED_EVENT", "the body is not JSON");
    const body = JSON.parse(message.body) as unknown;
    await record({ body });
    const failure = await store.get("intake", message.messageId);
    expect(failure).toMatchObject({
      code: "MALFORMED_EVENT",
      reason: "the body is not JSON",
      owner: "finance",
      body: "<xml/>",
    });
  });

  it("keeps even a body that is nothing at all", async () => {
    const world = new DeliveryWorld();
    expect(await recorder(world).record({ body: null }, { body: 7 })).toBe(2);
  });
});

describe("failure groups", () => {
  it("put one cause together whatever document it met", () => {
    const group = (reason: string): string => toGroup("CE_REJECTED", "ce", reason);
    expect(
      group("column 'name' of CIV-000123 is too long (id 0e6a1c9d-52b1-4c5e-8f10-6d1b7a94c3e2)"),
    ).toBe(group("column 'name' of CIV-9 is too long (id 11111111-2222-3333-4444-555555555555)"));
    expect(group("missing: account/usmf/US-003")).toBe(
      group("missing: account/demf/DE-001, team/demf"),
    );
    expect(group("deadlock")).not.toBe(group("too long"));
  });
});
