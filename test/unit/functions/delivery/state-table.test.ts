import { describe, expect, it } from "@jest/globals";
import { keyOf, readStateTable } from "../../../support/state-table.ts";
import {
  events,
  limitsOver,
  quota,
  states,
  StateWorld,
  toWrites,
} from "../../../support/state-world.ts";
import type { WorldOptions } from "../../../support/delivery-world.ts";

const lanes: readonly [string, WorldOptions][] = [
  ["Effects that may repeat", { targetName: "ce" }],
  ["Effects that must not repeat", { targetName: "email", once: true }],
];

describe.each(lanes)("%s: the table of docs/decisions/0002", (heading, options) => {
  const table = readStateTable(heading);
  const pairs = states.flatMap((state) => events.map((event) => keyOf(state, event)));

  it("has every state and every event", () => {
    expect([...table.keys()].sort()).toEqual([...pairs].sort());
  });

  it("says what the engine does", async () => {
    const found: Record<string, string> = {};
    const told: Record<string, string> = {};
    for (const state of states) {
      for (const event of events) {
        const key = keyOf(state, event);
        const { writes = "", next = "" } = table.get(key) ?? {};
        told[key] = `${writes} → ${next}`;
        found[key] = await run(state, event, options);
      }
    }
    expect(found).toEqual(told);
  });
});

async function run(
  state: (typeof states)[number],
  event: string,
  options: WorldOptions,
): Promise<string> {
  const rules = event === "rule says no" ? { skip: "TOO_OLD" } : {};
  const budget = event === "no place" ? { budget: quota } : {};
  const world = new StateWorld({ ...options, ...rules, ...budget });
  const now = world.world.clock.now();
  await world.enter(state, limitsOver(event, now));
  const calls = await world.happen(event);
  const writes = toWrites(calls);
  const claim = writes.includes("claim") ? `; claim ${world.claim()}` : "";
  return `${writes} → ${await world.state()}${claim}`;
}
