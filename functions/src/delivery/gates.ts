/*
 * A target's gate: is it being called at all? One row per target in `gates`, shared by all instances.
 *
 *   open ──unreachable, or five deliveries in a row without an answer──► outage
 *   outage ──probe answered──► open
 *    │ ▲                    │  ▲
 *    │ └─ throttledUntil    │  └── probe unreachable: nextProbeAt + 1 min, spread doubles
 *    └── Retry-After        └── at nextProbeAt one caller wins the lease (ETag) and probes
 *
 * Everybody else is put off to nextProbeAt + random(spread). The row is cached for 5 seconds: that is
 * how long an instance may go on calling a target that another instance found away.
 *
 * A person's pause lies over either state and changes neither: nobody is called, nobody probes, and what
 * calls under way still report is kept. At its end an outage is probed at once.
 */
import type { Clock } from "../platform/clock.ts";
import { isConflict, TableError } from "../platform/table-store.ts";
import type { ColumnValue, TableStore } from "../platform/table-store.ts";
import { silentTelemetry } from "../platform/telemetry.ts";
import type { Telemetry } from "../platform/telemetry.ts";
import type { GateReport } from "./policy.ts";

export interface Gate {
  readonly state: "open" | "outage";
  /** Start of this state. */
  readonly since: number;
  /** Retry-After for everybody. */
  readonly throttledUntil: number;
  readonly nextProbeAt: number;
  /** Probes without an answer in this outage; while open: throttlings since the last good answer. */
  readonly probes: number;
  /** Deliveries in a row whose calls arrived and were not answered, and the last of them. */
  readonly silences: number;
  readonly silentEventId: string;
  /** A person stopped the calls. */
  readonly paused: Pause | null;
}

export interface Pause {
  readonly at: number;
  readonly by: string;
  readonly reason: string;
}

export type Admission =
  | { readonly kind: "go" }
  /** The lease is ours: one call, then `report`. */
  | { readonly kind: "probe" }
  | {
      readonly kind: "park";
      readonly until: number;
      readonly spreadMs: number;
      /** Put off by a person, which is nobody's outage. */
      readonly isPaused: boolean;
    };

export interface Gates {
  admit(target: string): Promise<Admission>;
  /** What a call taught; gives where those stand that have to be put off now. */
  report(target: string, report: GateReport, wasProbe: boolean): Promise<Gate>;
  /** As it stands in the table now. */
  read(target: string): Promise<Gate>;
  /** Other instances see it within the cache's 5 seconds. Throws CHANGED when others kept writing. */
  setPause(target: string, pause: Pause | null): Promise<Gate>;
}

export const gatesTable = "gates";
const gateRow = "gate";
const cacheMs = 5_000;
const probeEveryMs = 60_000;
const firstSpreadMs = 60_000;
const firstThrottleSpreadMs = 2_000;
const lastSpreadMs = 30 * 60_000;
/** One document that is always too slow must not close the gate for all; this many different ones do. */
const silencesOfOutage = 5;
/** How soon the first of those that a pause put off look again, should the end of the pause not wake them. */
const pauseLookMs = 60_000;
const conflictTries = 5;

export function openGate(now: number): Gate {
  const none = { throttledUntil: 0, nextProbeAt: 0, probes: 0, silences: 0, silentEventId: "" };
  return { state: "open", since: now, ...none, paused: null };
}

/**
 * Over how long those who wait spread out. An outage: 1 minute at first, then twice as long each time, up
 * to 30. Throttling ends for all at one moment, so its spread starts at 2 seconds, but grows as well:
 * those who come back together would only be throttled together.
 */
export function spreadMs(gate: Gate): number {
  // Nobody knows when a pause ends; few look often, and its end wakes all.
  if (gate.paused !== null) return lastSpreadMs;
  const first = gate.state === "open" ? firstThrottleSpreadMs : firstSpreadMs;
  return Math.min(first * 2 ** gate.probes, lastSpreadMs);
}

/** `mayProbe`: the outage's next probe is due, and the caller may try for the lease. */
export function admission(
  gate: Gate,
  now: number,
): { readonly kind: "go" } | { readonly kind: "park" | "mayProbe"; readonly until: number } {
  if (gate.paused !== null) return { kind: "park", until: now + pauseLookMs };
  if (gate.state === "open") {
    return gate.throttledUntil > now
      ? { kind: "park", until: gate.throttledUntil }
      : { kind: "go" };
  }
  return gate.nextProbeAt > now
    ? { kind: "park", until: gate.nextProbeAt }
    : { kind: "mayProbe", until: now + probeEveryMs };
}

/** The gate after a report; the same object when nothing changes. */
export function applyReport(gate: Gate, report: GateReport, now: number, wasProbe: boolean): Gate {
  const next = toReported(gate, report, now, wasProbe);
  return next.paused === gate.paused ? next : { ...next, paused: gate.paused };
}

/** The gate under a pause, or when it ends. */
export function withPause(gate: Gate, pause: Pause | null, now: number): Gate {
  if (pause !== null) return { ...gate, paused: pause };
  return { ...gate, paused: null, nextProbeAt: gate.state === "outage" ? now : gate.nextProbeAt };
}

function toReported(gate: Gate, report: GateReport, now: number, wasProbe: boolean): Gate {
  switch (report.kind) {
    case "reached":
      // Good answers of calls made before a throttling do not end it.
      if (gate.state === "open" && (gate.probes === 0 || gate.throttledUntil > now)) {
        return gate.silences === 0 ? gate : { ...gate, silences: 0, silentEventId: "" };
      }
      return openGate(now);
    case "throttled": {
      // The target answers, so an outage is over; only a longer wait replaces a shorter one.
      if (gate.state === "open" && gate.throttledUntil >= report.until) return gate;
      const before = gate.state === "open" ? gate : openGate(now);
      const isAgain = before.throttledUntil > 0 && before.throttledUntil <= now;
      return {
        ...before,
        throttledUntil: report.until,
        probes: isAgain ? before.probes + 1 : before.probes,
      };
    }
    case "silent": {
      if (gate.state === "outage") {
        return toReported(gate, { kind: "unreachable", probeAt: null }, now, wasProbe);
      }
      if (gate.silentEventId === report.eventId) return gate;
      const silences = gate.silences + 1;
      return silences < silencesOfOutage
        ? { ...gate, silences, silentEventId: report.eventId }
        : toReported(gate, { kind: "unreachable", probeAt: null }, now, wasProbe);
    }
    case "unreachable": {
      const probeAt = Math.max(report.probeAt ?? 0, now + probeEveryMs);
      if (gate.state === "open") {
        return { ...openGate(now), state: "outage", nextProbeAt: probeAt };
      }
      // Calls that were under way when the outage was found are no probes.
      if (!wasProbe) return gate;
      return {
        ...gate,
        nextProbeAt: Math.max(gate.nextProbeAt, report.probeAt ?? 0),
        probes: gate.probes + 1,
      };
    }
  }
}

interface Cached {
  readonly gate: Gate;
  readonly etag: string | null;
  readonly at: number;
}

export function createGates(
  store: TableStore,
  clock: Clock,
  telemetry: Telemetry = silentTelemetry,
): Gates {
  const cache = new Map<string, Cached>();
  const read = async (target: string, fresh: boolean): Promise<Cached> => {
    const known = cache.get(target);
    if (!fresh && known !== undefined && clock.now() - known.at < cacheMs) return known;
    const stored = await store.get(gatesTable, { partitionKey: target, rowKey: gateRow });
    const entry: Cached =
      stored === undefined
        ? { gate: openGate(clock.now()), etag: null, at: clock.now() }
        : { gate: fromColumns(stored.columns), etag: stored.etag, at: clock.now() };
    cache.set(target, entry);
    return entry;
  };
  const write = async (target: string, before: Cached, gate: Gate): Promise<boolean> => {
    const row = { partitionKey: target, rowKey: gateRow, columns: toColumns(gate) };
    try {
      const etag = await store.write(
        gatesTable,
        before.etag === null
          ? { kind: "insert", row }
          : { kind: "replace", row, etag: before.etag },
      );
      cache.set(target, { gate, etag, at: clock.now() });
      return true;
    } catch (error) {
      if (!isConflict(error)) throw error;
      cache.delete(target);
      return false;
    }
  };
  return {
    admit: async (target) => {
      const before = await read(target, false);
      const verdict = admission(before.gate, clock.now());
      if (verdict.kind === "go") return { kind: "go" };
      if (verdict.kind === "mayProbe") {
        const leased = { ...before.gate, nextProbeAt: verdict.until };
        if (await write(target, before, leased)) return { kind: "probe" };
      }
      return {
        kind: "park",
        until: verdict.until,
        spreadMs: spreadMs(before.gate),
        isPaused: before.gate.paused !== null,
      };
    },
    report: async (target, report, wasProbe) => {
      for (let attempt = 0; ; attempt += 1) {
        const before = await read(target, attempt > 0);
        const gate = applyReport(before.gate, report, clock.now(), wasProbe);
        if (gate === before.gate) return gate;
        if (await write(target, before, gate)) {
          tellGate(telemetry, target, before.gate, gate);
          return gate;
        }
        if (attempt >= conflictTries) return gate;
      }
    },
    read: async (target) => (await read(target, true)).gate,
    setPause: async (target, pause) => {
      for (let attempt = 0; attempt <= conflictTries; attempt += 1) {
        const before = await read(target, true);
        const gate = withPause(before.gate, pause, clock.now());
        if (await write(target, before, gate)) return gate;
      }
      // Unlike a report, a person's word must not get lost.
      throw new TableError("CHANGED", gatesTable);
    },
  };
}

/** Who wrote the change tells it: once, however many instances saw it. */
function tellGate(telemetry: Telemetry, target: string, before: Gate, gate: Gate): void {
  const isThrottled = gate.throttledUntil > before.throttledUntil;
  if (gate.state === before.state && !isThrottled) return;
  const state = gate.state === "open" && isThrottled ? "throttled" : gate.state;
  const forMs = Math.max(gate.since - before.since, 0);
  telemetry.event("gate", { target, state }, gate.state === before.state ? {} : { forMs });
  telemetry.metric("causeway.outage", gate.state === "outage" ? 1 : 0, { target });
}

function toColumns(gate: Gate): Record<string, ColumnValue> {
  return {
    state: gate.state,
    since: new Date(gate.since).toISOString(),
    throttledUntil: new Date(gate.throttledUntil).toISOString(),
    nextProbeAt: new Date(gate.nextProbeAt).toISOString(),
    probes: gate.probes,
    silences: gate.silences,
    silentEventId: gate.silentEventId,
    ...(gate.paused === null
      ? {}
      : {
          pausedAt: new Date(gate.paused.at).toISOString(),
          pausedBy: gate.paused.by,
          pauseReason: gate.paused.reason,
        }),
  };
}

function fromColumns(columns: Readonly<Record<string, ColumnValue>>): Gate {
  const instant = (name: string): number => Date.parse(String(columns[name]));
  return {
    state: columns["state"] === "outage" ? "outage" : "open",
    since: instant("since"),
    throttledUntil: instant("throttledUntil"),
    nextProbeAt: instant("nextProbeAt"),
    probes: Number(columns["probes"] ?? 0),
    silences: Number(columns["silences"] ?? 0),
    silentEventId: String(columns["silentEventId"] ?? ""),
    paused:
      columns["pausedAt"] === undefined
        ? null
        : {
            at: instant("pausedAt"),
            by: String(columns["pausedBy"]),
            reason: String(columns["pauseReason"]),
          },
  };
}
