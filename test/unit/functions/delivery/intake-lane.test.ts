import { describe, expect, it } from "@jest/globals";
import { createBudgets } from "../../../../functions/src/delivery/budgets.ts";
import { createClaims } from "../../../../functions/src/delivery/claims.ts";
import { createIntakeLane } from "../../../../functions/src/delivery/create-lane.ts";
import { createEngine } from "../../../../functions/src/delivery/engine.ts";
import { createGates } from "../../../../functions/src/delivery/gates.ts";
import { createIntakeLedger } from "../../../../functions/src/delivery/intake-ledger.ts";
import { Ledger } from "../../../../functions/src/delivery/ledger.ts";
import type { DeliveryRow } from "../../../../functions/src/delivery/ledger-rows.ts";
import { createPublisher } from "../../../../functions/src/delivery/publisher.ts";
import {
  isIntakeEnvelope,
  toFirstIntakeWakeUp,
  toIntakeWakeUp,
} from "../../../../functions/src/delivery/wake-up-messages.ts";
import { silentTelemetry } from "../../../../functions/src/platform/telemetry.ts";
import type { Outcome, Target } from "../../../../functions/src/targets/target.ts";
import { ManualClock, MemoryBroker, wrapPorts } from "../../../support/delivery-world.ts";
import { faultAt, FaultyPorts, Killed } from "../../../support/faulty-ports.ts";
import { incompressible } from "../../../support/incompressible.ts";
import { MemoryBodyStore } from "../../../support/memory-body-store.ts";
import { MemoryTableStore } from "../../../support/memory-table-store.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

const away: Outcome = { kind: "retry", code: "FINANCE_AWAY", reason: "", unreachable: true };

/** Intake whose enrichment is given: raw events `{n}` become numbered events for three targets. */
class IntakeWorld {
  readonly clock = new ManualClock();
  readonly broker = new MemoryBroker();
  readonly memory = new MemoryTableStore();
  readonly blobs = new MemoryBodyStore();
  readonly faults = new FaultyPorts();
  answers: Outcome[] = [];
  enriched = 0;

  async process(...bodies: readonly unknown[]): Promise<readonly DeliveryRow[]> {
    const { blobs, broker: sender, memory: store } = this;
    const ports = wrapPorts(this.faults, { store, sender, bodies: blobs });
    const { clock } = this;
    const ledger = new Ledger({ store: ports.store, bodies: ports.bodies, clock });
    const lane = createIntakeLane({
      target: this.#target(ledger, createPublisher(ports.sender, 262_144)),
      ledger,
      maxMessageBytes: 262_144,
      flowOf: () => "invoice-posted",
    });
    const engine = createEngine({
      ledger,
      sender: ports.sender,
      clock,
      claims: createClaims(ports.store),
      gates: createGates(ports.store, clock),
      budgets: createBudgets({ store: ports.store, clock, instances: 1, random: () => 0.5 }),
      telemetry: silentTelemetry,
      random: () => 0.5,
    });
    const wakeUps = bodies.map((body) =>
      isIntakeEnvelope(body)
        ? toIntakeWakeUp(body)
        : toFirstIntakeWakeUp(identify(body as { n: number }), body),
    );
    return engine.process(lane, wakeUps, new AbortController().signal);
  }

  eventRow(n = 1): Readonly<Record<string, unknown>> | undefined {
    const { id } = identify({ n });
    return this.memory.rows("ledger202611").find((row) => row.rowKey === id)?.columns;
  }

  #target(ledger: Ledger, publisher: ReturnType<typeof createPublisher>): Target<unknown> {
    const intakeLedger = createIntakeLedger(ledger, this.clock);
    return {
      name: "intake",
      deliver: async (requests) => {
        const answer = this.answers.shift();
        if (answer !== undefined) return requests.map(() => answer);
        this.enriched += requests.length;
        const items = requests.map(({ body }) => ({
          event: numberedEvent((body as { n: number }).n),
          targets: [
            { name: "ce", initial: { state: "pending" } as const },
            { name: "crm", initial: { state: "pending" } as const },
            { name: "email", initial: { state: "skipped", rule: "TARGET_OFF" } as const },
          ],
          customerAccount: "US-001",
        }));
        const results = await intakeLedger.accept(items);
        await publisher.publish(
          results.map(({ event, openTargets }) => ({ event, targets: openTargets })),
        );
        return requests.map(({ eventId }) => ({ kind: "delivered", reference: eventId }) as const);
      },
    };
  }
}

function identify(raw: { readonly n: number }): ReturnType<typeof numberedEvent> & {
  readonly eventId: string;
} {
  const event = numberedEvent(raw.n);
  return { ...event, eventId: event.id };
}

describe("intake as a pseudo-target", () => {
  it("accepts, publishes one message for all targets and marks the event published", async () => {
    const world = new IntakeWorld();
    await world.process({ n: 1 });
    expect(world.eventRow()).toMatchObject({ state: "published", target: "intake" });
    expect(world.broker.sent.map(({ message }) => message.properties)).toEqual([
      expect.objectContaining({ to_ce: "1", to_crm: "1" }),
    ]);
    const states = world.memory.rows("ledger202611").map(({ columns }) => columns["state"]);
    expect(states).toEqual(["published", "pending", "pending", "skipped"]);
    expect(world.memory.rows("open").map(({ partitionKey }) => partitionKey)).toEqual([
      "ce|2026112412",
      "crm|2026112412",
    ]);
  });

  it("makes a journey findable by number, by customer and by event id", async () => {
    const world = new IntakeWorld();
    await world.process({ n: 1 });
    const { id } = numberedEvent(1);
    expect(world.memory.rows("journeys202611").map(({ rowKey }) => rowKey)).toEqual([
      `c|US-001|2026-11-24T11:59:30.000Z|${id}`,
      `e|${id}`,
      `n|CIV-000001|${id}`,
    ]);
  });

  it("takes a published event for a duplicate and asks F&O nothing", async () => {
    const world = new IntakeWorld();
    await world.process({ n: 1 });
    await world.process({ n: 1 });
    expect(world.enriched).toBe(1);
    expect(world.broker.sent).toHaveLength(1);
  });

  it("parks when F&O is away: the raw event comes back in an envelope, and an open row guards it", async () => {
    const world = new IntakeWorld();
    world.answers = [away, away, away];
    await world.process({ n: 1 });
    expect(world.eventRow()).toMatchObject({ state: "received", hop: 2, attempts: 0 });
    expect(world.memory.rows("open").map(({ partitionKey }) => partitionKey)).toEqual([
      "intake|2026112412",
    ]);
    const envelope = JSON.parse(world.broker.sent[0]?.message.body ?? "") as unknown;
    expect(envelope).toMatchObject({ type: "causeway.intake.v1", hop: 2, data: { n: 1 } });
    world.clock.advance(600_000);
    await world.process(envelope);
    expect(world.eventRow()).toMatchObject({ state: "published" });
    expect(world.memory.rows("open").map(({ partitionKey }) => partitionKey)).toEqual([
      "ce|2026112412",
      "crm|2026112412",
    ]);
  });

  it("fails with its story when the event is refused", async () => {
    const world = new IntakeWorld();
    world.answers = [{ kind: "reject", code: "UNKNOWN_EVENT", reason: "no flow" }];
    const [row] = await world.process({ n: 1 });
    expect(row).toMatchObject({ state: "failed", code: "UNKNOWN_EVENT" });
    const letter = world.broker.next("dead-letters");
    expect(letter?.properties).toMatchObject({ stage: "intake", code: "UNKNOWN_EVENT" });
    expect(JSON.parse(letter?.body ?? "")).toMatchObject({
      failureid: row?.failureId,
      data: { n: 1 },
    });
  });

  it("killed at any call and run again publishes the same message and accepts once", async () => {
    for (let call = 1; call <= 12; call += 1) {
      for (const when of ["before", "after"] as const) {
        const world = new IntakeWorld();
        world.faults.plan = faultAt(call, { how: "kill", when });
        await world.process({ n: 1 }).catch((error: unknown) => {
          if (!(error instanceof Killed)) throw error;
        });
        world.faults.revive();
        world.clock.advance(3_600_000);
        await world.process({ n: 1 });
        expect(world.eventRow()).toMatchObject({ state: "published" });
        const messages = world.broker.sent.map(({ message }) => JSON.stringify(message));
        expect(new Set(messages).size).toBe(1);
        expect(world.memory.rows("ledger202611")).toHaveLength(4);
        expect(world.memory.rows("journeys202611")).toHaveLength(3);
        // The hour is that of the row: killed before it, the second run's.
        const open = world.memory.rows("open").map(({ partitionKey }) => partitionKey);
        expect(open.map((key) => key.split("|")[0])).toEqual(["ce", "crm"]);
      }
    }
  });

  it("keeps a raw body that no row can hold as a blob, written before the row that names it", async () => {
    const world = new IntakeWorld();
    world.answers = [away, away, away];
    const big = { n: 1, text: incompressible(600_000) };
    await world.process(big);
    expect(world.faults.labels.slice(0, 2)).toEqual([
      expect.stringMatching(/^put 202611\/00000000-0000-4000-8000-000000000001\/raw-[0-9a-f]{16}$/),
      "write ledger202611 insert",
    ]);
    const envelope = JSON.parse(world.broker.sent[0]?.message.body ?? "") as unknown;
    expect(envelope).toMatchObject({ hop: 2, dataref: "ledger" });
    world.clock.advance(600_000);
    await world.process(envelope);
    expect(world.eventRow()).toMatchObject({ state: "published" });
  });

  it("takes 100 events in with about seventeen table requests", async () => {
    const world = new IntakeWorld();
    await world.process(...Array.from({ length: 100 }, (_none, n) => ({ n })));
    const tables = world.faults.calls.filter(({ port }) => port === "store");
    expect(tables.length).toBeLessThanOrEqual(25);
    expect(world.memory.rows("ledger202611")).toHaveLength(400);
  });
});
