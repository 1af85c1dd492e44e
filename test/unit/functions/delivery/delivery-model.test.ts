import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import {
  acceptStep,
  doubleStep,
  loseStep,
  raceStep,
  readStep,
  recordStep,
  replayStep,
  sweepStep,
  waitStep,
} from "../../../support/model-steps.ts";
import type { Step } from "../../../support/model-steps.ts";
import { hourlyLimit, ModelWorld } from "../../../support/model-world.ts";
import type { ModelOptions } from "../../../support/model-world.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";
import { readStateTable } from "../../../support/state-table.ts";
import { answers } from "../../../support/state-world.ts";
import type { AnswerName } from "../../../support/state-world.ts";

/** `CAUSEWAY_MODEL_RUNS=20000 npm test -- delivery-model` for a long walk; the seed is printed on failure. */
const runs = Number(process.env["CAUSEWAY_MODEL_RUNS"] ?? 300);
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** `npm test` walks the same ways each time; a long walk (CAUSEWAY_MODEL_RUNS) looks for new ones. */
const seed = process.env["CAUSEWAY_MODEL_RUNS"] === undefined ? { seed: 20_261_127 } : {};
const timeLimitMs = runs > 1_000 ? 6 * hourMs : 10 * minuteMs;

/** Four documents; the first has two events. */
const events: readonly CanonicalEvent[] = [
  numberedEvent(1),
  numberedEvent(1, { id: "11111111-0000-4000-8000-000000000001" }),
  numberedEvent(2),
  numberedEvent(3),
  numberedEvent(4),
];

const event = fc.constantFrom(...events);
const instance = fc.nat(2);
const fault = fc.option(
  fc.record({
    calls: fc.integer({ min: 1, max: 14 }),
    how: fc.constantFrom("kill" as const, "fail" as const),
    when: fc.constantFrom("before" as const, "after" as const),
  }),
  { freq: 2, nil: null },
);
/** Without the one that would be a lie here: no document has versions. */
const answerNames = (Object.keys(answers) as AnswerName[]).filter((name) => name !== "superseded");
const reading = fc.record({
  instance,
  from: fc.nat(7),
  count: fc.constantFrom(1, 1, 2, 4),
  answer: fc.constantFrom("thrown" as const, ...answerNames),
  isMade: fc.boolean(),
  fault,
});

const steps: fc.Arbitrary<Step>[] = [
  fc.tuple(event, instance, fault).map(([...parts]) => acceptStep(...parts)),
  ...Array.from({ length: 4 }, () => reading.map(readStep)),
  fc.tuple(reading, fc.boolean()).map(([...parts]) => raceStep(...parts)),
  fc.nat(7).map(doubleStep),
  fc.nat(7).map(loseStep),
  fc.constantFrom(1_000, 70_000, 20 * minuteMs, 2 * hourMs, 30 * hourMs).map(waitStep),
  fc.tuple(instance, fault).map(([...parts]) => sweepStep(...parts)),
  fc.tuple(instance, fault).map(([...parts]) => recordStep(...parts)),
  fc.tuple(event, instance, fault).map(([...parts]) => replayStep(...parts)),
];

/** Every fault is over: whatever is still open comes to its end. */
async function heal(world: ModelWorld): Promise<void> {
  for (const each of world.accepted.values()) {
    if (!world.published.has(each.id)) await world.accept(each, world.instance(0));
  }
  for (let round = 0; round < 400; round += 1) {
    const on = world.instance(round);
    const [message] = [...world.waiting()].sort((a, b) => (a.enqueueAt ?? 0) - (b.enqueueAt ?? 0));
    if (message !== undefined) {
      await world.handle([message], on);
      continue;
    }
    await world.recordFailures(on);
    if (world.memory.rows("open").length === 0) return;
    world.clock.advance(20 * minuteMs);
    await world.sweep(on);
  }
  throw new Error("something never comes to its end");
}

async function expectKept(world: ModelWorld): Promise<void> {
  for (const each of world.accepted.values()) {
    const row = await world.row(each);
    if (row === undefined) throw new Error(`${each.id} was accepted and is not in the ledger`);
    const stored = world.memory.rows("failures").map(({ rowKey }) => rowKey);
    const isMade = world.target.effects.includes(each.effectkey);
    switch (row.state) {
      case "delivered":
        expect({ event: each.id, isMade }).toEqual({ event: each.id, isMade: true });
        break;
      case "failed":
        expect(stored).toContain(`f|${row.failureId}`);
        break;
      case "skipped":
        expect(row.rule).not.toBeNull();
        break;
      default:
        expect(row.state).toBe("superseded");
    }
  }
}

function expectOneEffectEach({ target }: ModelWorld): void {
  expect(target.effects).toEqual([...new Set(target.effects)]);
}

function expectOneMessageForEachId({ broker }: ModelWorld): void {
  const bodies = new Map<string, string>();
  for (const { message } of broker.sent) {
    expect(message.body).toBe(bodies.get(message.messageId) ?? message.body);
    bodies.set(message.messageId, message.body);
  }
}

/** Clocks that differ let one instance probe by its own minute; only then more than one fits a true minute. */
function expectOneProbeAMinute({ target, options }: ModelWorld): void {
  const made = target.calls.filter(({ inOutage }) => inOutage).map(({ at }) => at);
  const probes = made.sort((a, b) => a - b);
  const isTrueTime = options.skews.every((skew) => skew === 0);
  const gaps = probes.slice(1).map((at, index) => at - (probes[index] ?? 0));
  if (isTrueTime) expect(gaps.filter((gap) => gap < minuteMs)).toEqual([]);
}

function expectBudgetKept({ memory }: ModelWorld): void {
  const [row] = memory.rows("gates").filter(({ rowKey }) => rowKey === "hour");
  const places = String(row?.columns["places"] ?? "")
    .split(" ")
    .filter(Boolean)
    .map(Number);
  const tooNear = places.filter((place, index) => {
    const before = places[index - hourlyLimit];
    return before !== undefined && place - before < 3_600;
  });
  expect(tooNear).toEqual([]);
}

const tables = {
  once: readStateTable("Effects that must not repeat"),
  repeatable: readStateTable("Effects that may repeat"),
};

async function walk(commands: Iterable<Step>, options: ModelOptions): Promise<void> {
  const world = new ModelWorld(options);
  const table = options.once ? tables.once : tables.repeatable;
  await fc.asyncModelRun(
    () => ({ model: { table, states: new Map(), hops: new Map() }, real: world }),
    commands,
  );
  await heal(world);
  await expectKept(world);
  if (options.once) expectOneEffectEach(world);
  expectOneMessageForEachId(world);
  expectOneProbeAMinute(world);
  expectBudgetKept(world);
}

const fiveMinutes = 5 * minuteMs;
const options = fc.record({
  once: fc.boolean(),
  skews: fc.constantFrom([0, 0, 0], [0, -fiveMinutes, 0], [0, fiveMinutes, 0]),
  seed: fc.integer(),
  rememberMs: fc.constantFrom(0, minuteMs),
});

describe("the delivery policy, walked at random by the table of docs/decisions/0002", () => {
  it(
    "loses nothing, doubles nothing that must not be, and goes only where the table says",
    async () => {
      await fc.assert(
        fc.asyncProperty(fc.commands(steps, { maxCommands: 30, size: "max" }), options, walk),
        { numRuns: runs, endOnFailure: runs > 1_000, ...seed },
      );
    },
    timeLimitMs,
  );
});
