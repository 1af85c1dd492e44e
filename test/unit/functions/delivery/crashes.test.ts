import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { Outcome } from "../../../../functions/src/targets/target.ts";
import { DeliveryWorld } from "../../../support/delivery-world.ts";
import { Killed, Killer } from "../../../support/faulty-ports.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

const retry: Outcome = { kind: "retry", code: "CE_TEMPORARY", reason: "deadlock" };
const away: Outcome = { ...retry, code: "CE_AWAY", unreachable: true };
const throttled: Outcome = { ...retry, code: "CE_THROTTLED", afterMs: 3_000 };
const wait: Outcome = { kind: "wait", code: "CE_CUSTOMER_MISSING", missing: ["account/US-003"] };
const unsure: Outcome = { kind: "unsure", code: "TIMEOUT", checkAfterMs: 1_000 };
const reject: Outcome = { kind: "reject", code: "CE_REJECTED", reason: "too long" };
const skipped: Outcome = { kind: "skipped", rule: "NO_RECIPIENT" };

interface Crash {
  readonly call: number;
  readonly when: "before" | "after";
}

/** Runs to the end on simulated time, killed at each of the crashes in turn; a dead process's message comes again. */
async function live(
  script: readonly Outcome[],
  crashes: readonly Crash[],
  once: boolean,
): Promise<DeliveryWorld> {
  const killer = new Killer();
  const world = new DeliveryWorld({
    once,
    wrapStore: (store) => killer.store(store),
    sender: (broker) => killer.sender(broker),
  });
  const left = [...crashes];
  const arm = (): void => {
    const next = left.shift();
    if (next !== undefined) killer.killAt(next.call, next.when);
  };
  world.target.answers = [...script];
  const steps = [
    () => world.accept(numberedEvent()),
    ...Array.from({ length: 200 }, () => () => world.step().then(() => undefined)),
  ];
  arm();
  for (const step of steps) {
    for (let tries = 0; tries < 20; tries += 1) {
      try {
        await step();
        break;
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
        killer.revive();
        world.restart();
        arm();
        // The lock has to run out before the message comes again.
        world.clock.advance(300_000);
      }
    }
  }
  killer.killAt(Infinity, "before");
  await world.sweep();
  return world;
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
    expect(message.body).toBe(known);
    bodies.set(message.messageId, message.body);
  }
}

describe("a process killed at any one call", () => {
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
      for (let call = 1; call <= 30; call += 1) {
        for (const when of ["before", "after"] as const) {
          const world = await live(script, [{ call, when }], once);
          await expectKept(world, once);
        }
      }
    },
  );
});

describe("any outcomes with any crashes", () => {
  const outcome = fc.constantFrom(retry, away, throttled, wait, unsure, reject, skipped);
  const crash = fc.record({
    call: fc.integer({ min: 1, max: 25 }),
    when: fc.constantFrom("before" as const, "after" as const),
  });

  it("end settled, with one effect, one failure or one skip", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(outcome, { maxLength: 8 }),
        fc.array(crash, { maxLength: 4 }),
        fc.boolean(),
        async (script, crashes, once) => {
          const world = await live(script, crashes, once);
          await expectKept(world, once);
        },
      ),
      { numRuns: 150 },
    );
  });
});
