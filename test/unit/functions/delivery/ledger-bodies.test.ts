import { describe, expect, it } from "@jest/globals";
import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import type { Outcome } from "../../../../functions/src/targets/target.ts";
import { canonicalInvoice } from "../../../support/canonical-invoice.ts";
import { DeliveryWorld } from "../../../support/delivery-world.ts";
import { FaultyPorts } from "../../../support/faulty-ports.ts";
import { incompressible } from "../../../support/incompressible.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

function eventOf(characters: number): CanonicalEvent {
  const data = canonicalInvoice({ number: "CIV-000001" });
  const customer = { ...data.customer, name: incompressible(characters) };
  return numberedEvent(1, { data: { ...data, customer } });
}

describe("what a dry run would have sent", () => {
  it("is in the table and not in the memory of the process, however many there were", async () => {
    const world = new DeliveryWorld();
    const events = Array.from({ length: 50 }, (_none, index) => numberedEvent(index + 1));
    const wouldSend = { text: "x".repeat(10_000) };
    world.target.answers = events.map(() => ({ kind: "skipped", rule: "DRY_RUN", wouldSend }));
    await world.accept(...events);
    await world.handle([...(world.broker.waiting.get(world.entity) ?? [])]);

    const ids = events.map(({ id, time }) => ({ eventId: id, time, target: "ce" }));
    const remembered = await world.ledger.load(ids);
    expect(remembered.map((each) => [each?.isRemembered, each?.row.wouldSend])).toEqual(
      events.map(() => [true, null]),
    );
    const [stored] = await world.ledger.load(ids, { fresh: true });
    expect(stored?.row.wouldSend).toBe(JSON.stringify(wouldSend));
  });
});

describe("a body that no ledger row can hold", () => {
  it("is a blob before any row is written, and a message names where it is", async () => {
    const faults = new FaultyPorts();
    const world = new DeliveryWorld({ faults });
    await world.accept(eventOf(2_000_000));
    const ports = faults.calls.filter(({ method }) => method !== "get").map(({ port }) => port);
    expect(ports).toEqual(["bodies", "store", "store", "store", "sender"]);
    const [sent] = world.broker.sent.map(({ message }) => JSON.parse(message.body) as object);
    expect(sent).toMatchObject({ dataref: "ledger" });
    expect(sent).not.toHaveProperty("data");
  });

  it("reaches the target whole", async () => {
    const world = new DeliveryWorld();
    const event = eventOf(2_000_000);
    await world.accept(event);
    await world.settle();
    expect(world.target.calls.map(({ body }) => body.data)).toEqual([event.data]);
    expect((await world.row(event)).state).toBe("delivered");
  });

  it("is tried again later while the blob cannot be read", async () => {
    const faults = new FaultyPorts();
    const world = new DeliveryWorld({ faults });
    await world.accept(eventOf(600_000));
    faults.plan = ({ port }) => (port === "bodies" ? { how: "fail", when: "before" } : undefined);
    await world.step();
    expect(world.target.calls).toEqual([]);
    faults.revive();
    await world.settle();
    expect((await world.row()).state).toBe("delivered");
  });

  it("stays in the row when it fits", async () => {
    const world = new DeliveryWorld();
    await world.accept(eventOf(300_000));
    expect(world.blobs.blobs.size).toBe(0);
    await world.settle();
    expect(world.target.calls[0]?.body.data?.customer.name).toHaveLength(300_000);
  });
});

describe("what a dry run would have written", () => {
  it("is left out, and says so, when it is too much for a row", async () => {
    const world = new DeliveryWorld();
    const wouldSend = { lines: incompressible(2_000_000) };
    const dryRun: Outcome = { kind: "skipped", rule: "DRY_RUN", wouldSend, asked: false };
    world.target.answers = [dryRun];
    await world.accept(numberedEvent());
    await world.settle();
    const row = await world.row();
    expect(row).toMatchObject({ state: "skipped", rule: "DRY_RUN" });
    expect(row.wouldSend).toBe('{"leftOut":"2000012 characters"}');
  });
});
