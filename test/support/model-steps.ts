import type fc from "fast-check";
import type { CanonicalEvent } from "../../schemas/types/canonical-event.ts";
import type { Fault } from "./faulty-ports.ts";
import { faultAt } from "./faulty-ports.ts";
import type { ModelWorld } from "./model-world.ts";
import { keyOf } from "./state-table.ts";
import type { StateTable } from "./state-table.ts";
import { answers, messageEvents, stateOf } from "./state-world.ts";
import type { AnswerName } from "./state-world.ts";

/** What the model knows: the table, and of each delivery its state and hop. */
export interface Model {
  readonly table: StateTable;
  readonly states: Map<string, string>;
  readonly hops: Map<string, number>;
}

export type Step = fc.AsyncCommand<Model, ModelWorld>;

/** A fault at one of the next calls; null: none. */
export type PlannedFault = (Fault & { readonly calls: number }) | null;

export interface Reading {
  readonly instance: number;
  /** Where in the line the messages begin, and how many are taken together. */
  readonly from: number;
  readonly count: number;
  readonly answer: AnswerName | "thrown";
  /** What the target does when its answer does not say. */
  readonly isMade: boolean;
  readonly fault: PlannedFault;
}

export function acceptStep(event: CanonicalEvent, instance: number, fault: PlannedFault): Step {
  return toStep(`accept ${event.id} on ${instance} ${told(fault)}`, [], async (world) => {
    const on = world.instance(instance);
    arm(world, instance, fault);
    await world.survive(on, () => world.accept(event, on));
  });
}

export function readStep(reading: Reading): Step {
  const { instance, from, count, answer, isMade, fault } = reading;
  const name = `read ${count} from ${from} on ${instance}: ${answer}${isMade ? ", made" : ""}`;
  return toStep(`${name} ${told(fault)}`, possibleEvents(answer), async (world) => {
    arm(world, instance, fault);
    await read(world, reading);
  });
}

/**
 * A second instance gets the same messages, and then whatever is due three minutes later, while the first
 * one's call is under way (`isSlow`) or just at the same time.
 */
export function raceStep(reading: Reading, isSlow: boolean): Step {
  const { instance, from, count, answer, isMade } = reading;
  const name = `race for ${count} from ${from}: ${answer}${isMade ? ", made" : ""}`;
  return toStep(`${name}${isSlow ? ", slow" : ""}`, possibleEvents(answer), async (world) => {
    const other = { ...reading, instance: instance + 1 };
    if (!isSlow) {
      await Promise.all([read(world, reading), read(world, other)]);
      return;
    }
    world.target.during = async () => {
      await read(world, other);
      world.clock.advance(180_000);
      // No call outlives the invocation: what is due later than that is not reached meanwhile.
      const due = world.waiting().findIndex(({ enqueueAt = 0 }) => enqueueAt <= world.clock.now());
      if (due >= 0) await read(world, { ...other, from: due, count: 1 });
      // The slow call is answered as it was to be.
      script(world, reading);
    };
    await read(world, reading);
    world.target.during = null;
  });
}

function script({ target }: ModelWorld, { answer, isMade }: Reading): void {
  target.answer = answer === "thrown" ? answer : answers[answer];
  target.isMade = isMade;
  target.isScripted = true;
}

async function read(world: ModelWorld, reading: Reading): Promise<void> {
  const { instance, from, count } = reading;
  const line = world.waiting();
  const messages = line.slice(from % Math.max(line.length, 1)).slice(0, count);
  if (messages.length === 0) return;
  script(world, reading);
  const on = world.instance(instance);
  await world.survive(on, () => world.handle(messages, on));
  world.target.isScripted = false;
}

export function doubleStep(index: number): Step {
  return toStep(`double message ${index}`, [], (world) => {
    const line = world.waiting();
    const message = line[index % Math.max(line.length, 1)];
    return message === undefined
      ? Promise.resolve()
      : world.broker.send("integration-events", [message]);
  });
}

export function loseStep(index: number): Step {
  return toStep(`lose message ${index}`, [], (world) => {
    const line = world.waiting();
    const message = line[index % Math.max(line.length, 1)];
    if (message !== undefined) world.broker.complete("integration-events", message);
    return Promise.resolve();
  });
}

export function waitStep(ms: number): Step {
  return toStep(`wait ${ms} ms`, [], (world) => {
    world.clock.advance(ms);
    return Promise.resolve();
  });
}

export function sweepStep(instance: number, fault: PlannedFault): Step {
  const possible = ["swept early", "swept", "swept again"];
  return toStep(`sweep on ${instance} ${told(fault)}`, possible, async (world) => {
    const on = world.instance(instance);
    arm(world, instance, fault);
    await world.survive(on, () => world.sweep(on));
  });
}

export function recordStep(instance: number, fault: PlannedFault): Step {
  return toStep(`record failures on ${instance} ${told(fault)}`, [], async (world) => {
    const on = world.instance(instance);
    arm(world, instance, fault);
    await world.survive(on, () => world.recordFailures(on));
  });
}

export function replayStep(event: CanonicalEvent, instance: number, fault: PlannedFault): Step {
  const name = `replay ${event.id} on ${instance} ${told(fault)}`;
  return toStep(name, ["replayed"], async (world) => {
    const on = world.instance(instance);
    arm(world, instance, fault);
    await world.survive(on, () => world.replay(event, on));
  });
}

function toStep(
  name: string,
  possible: readonly string[],
  work: (world: ModelWorld) => Promise<void>,
): Step {
  return {
    check: () => true,
    toString: () => name,
    run: async (model, world) => {
      await work(world);
      world.disarm();
      await follow(model, world, name, possible);
    },
  };
}

/** Moves the model to where the ledger is, which must be where the table allows. */
async function follow(
  model: Model,
  world: ModelWorld,
  name: string,
  possible: readonly string[],
): Promise<void> {
  for (const event of world.accepted.values()) {
    const row = await world.row(event);
    const before = model.states.get(event.id) ?? "none";
    const after = row === undefined ? "none" : stateOf(row);
    const isFirst = before === "none" && after === "pending";
    if (!isFirst && !reachable(model.table, before, possible).has(after)) {
      throw new Error(`${name}: ${event.id} went from ${before} to ${after}`);
    }
    const hop = row?.hop ?? 0;
    if (hop < (model.hops.get(event.id) ?? 0)) throw new Error(`${name}: the hop fell to ${hop}`);
    model.states.set(event.id, after);
    model.hops.set(event.id, hop);
  }
}

/** In at most three of these events, since two instances may be at it, one of them twice, or none. */
function reachable(
  table: StateTable,
  from: string,
  possible: readonly string[],
): ReadonlySet<string> {
  const found = new Set([from]);
  for (let round = 0; round < 3; round += 1) {
    for (const state of [...found]) {
      for (const event of possible) found.add(nextOf(table, state, event));
    }
  }
  return found;
}

function nextOf(table: StateTable, state: string, event: string): string {
  if (event === "replayed") return state === "failed" ? "pending" : state;
  const line = table.get(keyOf(state, event));
  if (line === undefined) throw new Error(`the table has no ${keyOf(state, event)}`);
  return line.next.split("; ")[0] ?? state;
}

/** What an answer may meet besides: the row, the gate, the budget and the limits decide as well. */
function possibleEvents(answer: string): readonly string[] {
  const isOther = (event: string): boolean => event in answers || event.endsWith("too long");
  const always = messageEvents.filter((event) => !isOther(event));
  const mine = messageEvents.filter((event) => event === answer || event === `${answer} too long`);
  // A question is answered with what is true, a fault of the target's own is a retry or unsure.
  const asked = ["delivered", "to retry", "to retry too long", "not reached"];
  const unheard = answer === "thrown" || answer === "silent" ? ["unsure too long"] : [];
  return [...always, ...mine, ...asked, ...unheard, "away too long"];
}

function arm(world: ModelWorld, instance: number, fault: PlannedFault): void {
  const { faults } = world.instance(instance);
  if (fault !== null) faults.plan = faultAt(faults.calls.length + fault.calls, fault);
}

function told(fault: PlannedFault): string {
  return fault === null ? "" : `(${fault.how} ${fault.when} call ${fault.calls})`;
}
