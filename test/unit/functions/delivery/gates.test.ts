import { describe, expect, it } from "@jest/globals";
import {
  admission,
  applyReport,
  createGates,
  openGate,
  spreadMs,
} from "../../../../functions/src/delivery/gates.ts";
import { ManualClock } from "../../../support/delivery-world.ts";
import { MemoryTableStore } from "../../../support/memory-table-store.ts";

const noon = Date.parse("2026-11-24T12:00:00Z");
const minuteMs = 60_000;
const unreachable = { kind: "unreachable", probeAt: null } as const;

describe("a gate", () => {
  it("closes at the first call that reaches nobody, for a minute", () => {
    const gate = applyReport(openGate(noon), unreachable, noon, false);
    expect(gate).toMatchObject({ state: "outage", nextProbeAt: noon + minuteMs, probes: 0 });
    expect(admission(gate, noon + 1)).toEqual({ kind: "park", until: noon + minuteMs });
    expect(admission(gate, noon + minuteMs).kind).toBe("mayProbe");
  });

  it("spreads those who wait over 1 minute, doubling with each probe up to 30", () => {
    const spreads = [0, 1, 2, 3, 4, 5, 9].map((probes) => {
      return spreadMs({ ...openGate(noon), state: "outage", probes }) / minuteMs;
    });
    expect(spreads).toEqual([1, 2, 4, 8, 16, 30, 30]);
  });

  it("does not count calls that were under way when the outage was found as probes", () => {
    const gate = applyReport(openGate(noon), unreachable, noon, false);
    expect(applyReport(gate, unreachable, noon + 1_000, false)).toBe(gate);
    expect(applyReport(gate, unreachable, noon + 1_000, true).probes).toBe(1);
  });

  it("closes after five different deliveries in a row without an answer", () => {
    let gate = openGate(noon);
    for (const eventId of ["a", "b", "b", "c", "d"]) {
      gate = applyReport(gate, { kind: "silent", eventId }, noon, false);
    }
    expect(gate).toMatchObject({ state: "open", silences: 4 });
    gate = applyReport(gate, { kind: "silent", eventId: "e" }, noon, false);
    expect(gate).toMatchObject({ state: "outage", nextProbeAt: noon + minuteMs, silences: 0 });
    // A probe without an answer is like one that reached nobody.
    expect(applyReport(gate, { kind: "silent", eventId: "f" }, noon, true).probes).toBe(1);
  });

  it("stays open for one delivery that is never answered, and while others are answered", () => {
    let gate = openGate(noon);
    for (let round = 0; round < 20; round += 1) {
      gate = applyReport(gate, { kind: "silent", eventId: "slow" }, noon, false);
    }
    for (let round = 0; round < 20; round += 1) {
      gate = applyReport(gate, { kind: "silent", eventId: `slow ${round}` }, noon, false);
      gate = applyReport(gate, { kind: "reached" }, noon, false);
    }
    expect(gate).toEqual(openGate(noon));
  });

  it("opens with the first answer", () => {
    const gate = applyReport(openGate(noon), unreachable, noon, false);
    expect(applyReport(gate, { kind: "reached" }, noon + 5, true)).toEqual(openGate(noon + 5));
  });

  it("spreads those who were throttled more each time, and forgets with a good answer", () => {
    const throttled = (until: number) => ({ kind: "throttled" as const, until });
    let gate = openGate(noon);
    const spreads: number[] = [];
    for (const start of [0, 10, 20, 30]) {
      gate = applyReport(gate, throttled(noon + start + 5), noon + start, false);
      // A second call of the same moment tells nothing new.
      gate = applyReport(gate, throttled(noon + start + 6), noon + start, false);
      spreads.push(spreadMs(gate) / 1_000);
    }
    expect(spreads).toEqual([2, 4, 8, 16]);
    expect(spreadMs(applyReport(gate, { kind: "reached" }, noon + 40, false))).toBe(2_000);
    expect(applyReport(gate, { kind: "reached" }, noon + 31, false)).toBe(gate);
  });

  it("keeps everybody out until the longest Retry-After is over", () => {
    const first = applyReport(openGate(noon), { kind: "throttled", until: noon + 60 }, noon, false);
    const gate = applyReport(first, { kind: "throttled", until: noon + 40 }, noon, false);
    expect(admission(gate, noon + 59)).toEqual({ kind: "park", until: noon + 60 });
    expect(admission(gate, noon + 60)).toEqual({ kind: "go" });
  });
});

describe("gates shared by instances", () => {
  it("let exactly one instance probe", async () => {
    const store = new MemoryTableStore();
    const clock = new ManualClock();
    const instances = [1, 2, 3, 4].map(() => createGates(store, clock));
    await instances[0]?.report("ce", unreachable, false);
    clock.advance(minuteMs);
    const admissions = await Promise.all(instances.map((gates) => gates.admit("ce")));
    const kinds = admissions.map(({ kind }) => kind).sort();
    expect(kinds).toEqual(["park", "park", "park", "probe"]);
  });

  it("tell another instance of an outage within five seconds, without a read for every call", async () => {
    const store = new MemoryTableStore();
    const clock = new ManualClock();
    const [one, other] = [createGates(store, clock), createGates(store, clock)];
    expect((await other.admit("ce")).kind).toBe("go");
    await one.report("ce", unreachable, false);
    clock.advance(4_999);
    expect((await other.admit("ce")).kind).toBe("go");
    clock.advance(1);
    expect((await other.admit("ce")).kind).toBe("park");
  });

  it("do not write when an answer changes nothing", async () => {
    const store = new MemoryTableStore();
    const gates = createGates(store, new ManualClock());
    await gates.report("ce", { kind: "reached" }, false);
    expect(store.rows("gates")).toEqual([]);
  });
});
