import { describe, expect, it } from "@jest/globals";
import type { Outcome } from "../../../../functions/src/targets/target.ts";
import { DeliveryWorld } from "../../../support/delivery-world.ts";
import type { WorldOptions } from "../../../support/delivery-world.ts";
import { FaultyPorts } from "../../../support/faulty-ports.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

const retry: Outcome = { kind: "retry", code: "CE_TEMPORARY", reason: "deadlock", afterMs: 1_000 };
const reject: Outcome = { kind: "reject", code: "CE_REJECTED", reason: "too long" };

/** Every call that leaves the process for one wake-up, in order. */
async function callsFor(
  outcome: Outcome | undefined,
  options: WorldOptions = {},
): Promise<readonly string[]> {
  const faults = new FaultyPorts();
  const world = new DeliveryWorld({
    faults,
    rememberMs: 0,
    ...options,
  });
  await world.accept(numberedEvent());
  if (outcome !== undefined) world.target.answers = [outcome];
  faults.forgetCalls();
  await world.step();
  return faults.labels.filter((call) => !/ gates\b/.test(call));
}

describe("the order of writes", () => {
  it("of intake is open rows, then event and targets together, then journeys, then publish", async () => {
    const faults = new FaultyPorts();
    const world = new DeliveryWorld({
      faults,
    });
    await world.accept(numberedEvent());
    expect(faults.labels).toEqual([
      "get ledger202611",
      "write open upsert",
      "transaction ledger202611",
      "transaction journeys202611",
      "send integration-events",
    ]);
  });

  it("of success is effect, row, open row", async () => {
    expect(await callsFor(undefined)).toEqual([
      "get ledger202611",
      "deliver",
      "write ledger202611 replace",
      "write open delete",
    ]);
  });

  it("of trying later is row, then the scheduled copy", async () => {
    expect(await callsFor(retry)).toEqual([
      "get ledger202611",
      "deliver",
      "write ledger202611 replace",
      "send integration-events",
    ]);
  });

  it("of failure is row, dead letter, open row", async () => {
    expect(await callsFor(reject)).toEqual([
      "get ledger202611",
      "deliver",
      "write ledger202611 replace",
      "send dead-letters",
      "write open delete",
    ]);
  });

  it("of an effect that must not repeat puts a claim before and its end after the call", async () => {
    expect(await callsFor(undefined, { once: true })).toEqual([
      "get ledger202611",
      "write effects insert",
      "deliver",
      "write effects merge",
      "write ledger202611 replace",
      "write open delete",
    ]);
  });
});

function tableRequests(faults: FaultyPorts): number {
  return faults.calls.filter(({ port }) => port === "store").length;
}

describe("table requests per event and target", () => {
  it("are at most two under backlog, reading nothing from memory", async () => {
    const faults = new FaultyPorts();
    const world = new DeliveryWorld({
      faults,
      rememberMs: 0,
    });
    // A second's worth of a backlog: 100 events of a few minutes.
    const events = Array.from({ length: 100 }, (_none, index) =>
      numberedEvent(index, { time: `2026-11-24T11:5${index % 3}:30.000Z` }),
    );
    await world.accept(...events);
    const accepted = tableRequests(faults);
    await world.handle(world.broker.sent.map(({ message }) => message));
    const delivered = tableRequests(faults) - accepted;
    expect({ accepted, delivered }).toEqual({ accepted: 116, delivered: 114 });
    expect(world.target.calls).toHaveLength(100);
  });

  it("are a tenth of one where one process takes in and delivers", async () => {
    const faults = new FaultyPorts();
    const world = new DeliveryWorld({ faults });
    await world.accept(...Array.from({ length: 100 }, (_none, index) => numberedEvent(index)));
    faults.forgetCalls();
    await world.handle(world.broker.sent.map(({ message }) => message));
    expect(tableRequests(faults)).toBeLessThanOrEqual(10);
  });
});
