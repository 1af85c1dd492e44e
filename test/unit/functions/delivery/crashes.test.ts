import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { Outcome } from "../../../../functions/src/targets/target.ts";
import { canonicalInvoice } from "../../../support/canonical-invoice.ts";
import { DeliveryWorld } from "../../../support/delivery-world.ts";
import { FaultyPorts, Killed } from "../../../support/faulty-ports.ts";
import type { Fault } from "../../../support/faulty-ports.ts";
import { incompressible } from "../../../support/incompressible.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

const retry: Outcome = { kind: "retry", code: "CE_TEMPORARY", reason: "deadlock" };
const away: Outcome = { ...retry, code: "CE_AWAY", unreachable: true };
const throttled: Outcome = { ...retry, code: "CE_THROTTLED", afterMs: 3_000 };
const wait: Outcome = { kind: "wait", code: "CE_CUSTOMER_MISSING", missing: ["account/US-003"] };
const unsure: Outcome = { kind: "unsure", code: "TIMEOUT", checkAfterMs: 1_000 };
const reject: Outcome = { kind: "reject", code: "CE_REJECTED", reason: "too long" };
const skipped: Outcome = { kind: "skipped", rule: "NO_RECIPIENT" };

/** `calls` after the fault before: 1 is the next call of any port. */
interface Planned extends Fault {
  readonly calls: number;
}

const faultsOfOneCall: readonly Fault[] = [
  { how: "kill", when: "before" },
  { how: "kill", when: "after" },
  { how: "fail", when: "before" },
  { how: "fail", when: "after" },
];

interface Life {
  readonly world: DeliveryWorld;
  readonly faults: FaultyPorts;
}

/**
 * Runs to the end on simulated time, with each of the faults in turn; a dead process's message comes
 * again, and so does one whose handling threw.
 */
async function live(
  script: readonly Outcome[],
  planned: readonly Planned[],
  once: boolean,
  event = numberedEvent(),
): Promise<Life> {
  const faults = new FaultyPorts();
  const world = new DeliveryWorld({ once, faults });
  const left = [...planned];
  const arm = (): void => {
    const next = left.shift();
    if (next !== undefined) faults.faultIn(next.calls, next);
  };
  world.target.answers = [...script];
  const take = async <T>(step: () => Promise<T>): Promise<T> => {
    for (let tries = 0; ; tries += 1) {
      try {
        return await step();
      } catch (error) {
        if (!(error instanceof Killed) && tries === 19) throw error;
        faults.revive();
        world.restart();
        arm();
        // The lock has to run out before the message comes again.
        world.clock.advance(300_000);
      }
    }
  };
  arm();
  await take(() => world.accept(event));
  for (let steps = 0; steps < 200; steps += 1) if (!(await take(() => world.step()))) break;
  faults.revive();
  await world.sweep();
  return { world, faults };
}

async function expectKept(world: DeliveryWorld, once: boolean): Promise<void> {
  const row = await world.row();
  const made = world.target.effects.length;
  expect(world.broker.count("integration-events")).toBe(0);
  expect(world.openRows()).toEqual([]);
  expect(["delivered", "failed", "skipped"]).toContain(row.state);
  if (row.state === "delivered") expect(made).toBeGreaterThanOrEqual(1);
  if (once) expect(made).toBeLessThanOrEqual(1);
  if (row.state === "failed") {
    const letters = world.broker.waiting.get("dead-letters") ?? [];
    expect(letters.map(({ messageId }) => messageId)).toContain(row.failureId);
  }
  // One id never stands for two different messages.
  const bodies = new Map<string, string>();
  for (const { message } of world.broker.sent) {
    const known = bodies.get(message.messageId) ?? message.body;
    // An assertion for each costs more than the run: some ten thousand messages are sent.
    if (message.body !== known) expect(message.body).toBe(known);
    bodies.set(message.messageId, message.body);
  }
}

describe("one fault at any one call of any port", () => {
  const scripts: readonly [string, readonly Outcome[]][] = [
    ["success", []],
    ["retries", [retry, retry, retry, retry]],
    ["an outage", [away, away, away, away]],
    ["a refusal", [reject]],
    ["a skip", [skipped]],
    ["a wait", [wait]],
    ["an unsure outcome", [unsure]],
  ];
  const cases = scripts.flatMap(([name, script]) =>
    [false, true].map((once) => [name, once, script] as const),
  );

  it.each(cases)(
    "during %s (once: %s) loses nothing and doubles nothing",
    async (_name, once, script) => {
      const { faults } = await live(script, [], once);
      expect(faults.calls.length).toBeGreaterThan(5);
      for (const { index } of faults.calls) {
        for (const fault of faultsOfOneCall) {
          const { world } = await live(script, [{ ...fault, calls: index }], once);
          await expectKept(world, once);
        }
      }
    },
  );
});

describe("one fault at any one call for a body that no row and no message can hold", () => {
  it("loses nothing and doubles nothing", async () => {
    const event = numberedEvent();
    const { data = canonicalInvoice() } = event;
    const customer = { ...data.customer, name: incompressible(600_000) };
    const large = { ...event, data: { ...data, customer } };
    const script = [throttled];
    const { faults } = await live(script, [], false, large);
    expect(new Set(faults.calls.map(({ port }) => port))).toContain("bodies");
    for (const { index } of faults.calls) {
      const planned = { how: "kill", when: index % 2 === 0 ? "before" : "after" } as const;
      const { world } = await live(script, [{ ...planned, calls: index }], false, large);
      await expectKept(world, false);
      expect(world.target.calls.at(-1)?.body.data).toEqual(large.data);
    }
  });
});

describe("any outcomes with any faults", () => {
  const outcome = fc.constantFrom(retry, away, throttled, wait, unsure, reject, skipped);
  const planned = fc.record({
    calls: fc.integer({ min: 1, max: 25 }),
    how: fc.constantFrom("kill" as const, "fail" as const),
    when: fc.constantFrom("before" as const, "after" as const),
  });

  it("end settled, with one effect, one failure or one skip", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(outcome, { maxLength: 8 }),
        fc.array(planned, { maxLength: 4 }),
        fc.boolean(),
        async (script, plannedFaults, once) => {
          const { world } = await live(script, plannedFaults, once);
          await expectKept(world, once);
        },
      ),
      { numRuns: 150 },
    );
  });
});
