import type { Gate } from "../../delivery/gates.ts";
import { intakeTarget, openPartitions, openTable } from "../../delivery/ledger-keys.ts";
import type { Backlog, GateView, TargetView } from "./answers.ts";
import type { ReadDependencies } from "./read-dependencies.ts";
import { readQuota } from "./read-quota.ts";
import { readSeenLimits } from "./seen-limits.ts";

/** Open rows counted for one target; what is above is "more". */
const countedRows = 1_000;

/** A target without its limits, which only the page of targets shows. */
export type TargetState = Omit<TargetView, "quota">;

/** Intake first, then every target that a flow names. */
export async function readTargets(on: ReadDependencies): Promise<readonly TargetView[]> {
  const [states, seen] = await Promise.all([readTargetStates(on), readSeenLimits(on)]);
  return Promise.all(
    states.map(async (state) => ({ ...state, quota: await readQuota(on, state, seen) })),
  );
}

/** The same targets in the same order. */
export function readTargetStates(on: ReadDependencies): Promise<readonly TargetState[]> {
  return Promise.all(targetNames(on).map((name) => readTargetState(on, name)));
}

export function targetNames(on: Pick<ReadDependencies, "flows">): readonly string[] {
  const named = on.flows.flatMap(({ targets }) => Object.keys(targets));
  return [intakeTarget, ...[...new Set(named)].sort()];
}

export async function readTarget(on: ReadDependencies, name: string): Promise<TargetView> {
  const [state, seen] = await Promise.all([readTargetState(on, name), readSeenLimits(on)]);
  return { ...state, quota: await readQuota(on, state, seen) };
}

async function readTargetState(on: ReadDependencies, name: string): Promise<TargetState> {
  const [gate, backlog] = await Promise.all([on.gates.read(name), readBacklog(on, name)]);
  return { name, ...toModes(on, name), gate: toGateView(gate, on.clock.now()), backlog };
}

async function readBacklog(on: ReadDependencies, name: string): Promise<Backlog> {
  const { rows, continuation } = await on.store.query(openTable, {
    partitionKey: openPartitions(name, on.clock.now()),
    select: ["time"],
    limit: countedRows,
  });
  const times = rows.map(({ columns }) => String(columns["time"])).sort();
  return {
    count: rows.length,
    isMore: continuation !== undefined,
    oldest: times[0] ?? null,
  };
}

function toModes(
  on: ReadDependencies,
  name: string,
): Pick<TargetView, "kind" | "mode" | "companies"> {
  if (name === intakeTarget) return { kind: "intake", mode: "live", companies: {} };
  const [definition] = on.flows.flatMap(({ targets }) => targets[name]?.definition ?? []);
  const settings = on.config.targets[name];
  const mode = readTargetMode(on, name);
  const companies = Object.entries({ ...definition?.legalEntities, ...settings?.legalEntities })
    .flatMap(([company, each]) => (each.mode === undefined ? [] : [[company, each.mode] as const]))
    .filter(([, each]) => each !== mode);
  return {
    kind: definition?.kind ?? "workflow",
    mode,
    companies: Object.fromEntries(companies),
  };
}

/** What holds where a company says nothing else; a target without an address here is off. */
export function readTargetMode(on: ReadDependencies, name: string): string {
  if (!on.budgets.has(name)) return "off";
  const [definition] = on.flows.flatMap(({ targets }) => targets[name]?.definition ?? []);
  return on.config.targets[name]?.mode ?? definition?.mode ?? "dryRun";
}

function toGateView(gate: Gate, now: number): GateView {
  const { paused } = gate;
  const isThrottled = gate.state === "open" && gate.throttledUntil > now;
  const open = isThrottled ? ("throttled" as const) : gate.state;
  const until =
    gate.state === "outage" ? gate.nextProbeAt : isThrottled ? gate.throttledUntil : null;
  return {
    state: paused === null ? open : "paused",
    since: new Date(paused?.at ?? gate.since).toISOString(),
    until: until === null || paused !== null ? null : new Date(until).toISOString(),
    probes: gate.probes,
    pause:
      paused === null
        ? null
        : { at: new Date(paused.at).toISOString(), by: paused.by, reason: paused.reason },
  };
}
