import { spreadMs } from "./gates.ts";
import type { Gate } from "./gates.ts";
import type { Decision, GateReport, Moment } from "./policy.ts";

/** Pause, and spread after it, of one that was not answered while others were. */
const aloneAwayMs = 60_000;

/** What a batch of answers says about the target: one real answer outweighs any number of none. */
export function summarise(reports: readonly (GateReport | null)[]): GateReport | undefined {
  const made = reports.filter((report) => report !== null);
  const throttled = made.filter((report) => report.kind === "throttled");
  if (throttled.length > 0) {
    return { kind: "throttled", until: Math.max(...throttled.map((report) => report.until)) };
  }
  const kinds = ["reached", "unreachable", "silent"] as const;
  return kinds.flatMap((kind) => made.find((report) => report.kind === kind) ?? [])[0];
}

/** Put off by an outage or a throttling: until the gate lets somebody through again, spread out. */
export function afterOutage(decision: Decision, gate: Gate, { now, random }: Moment): Decision {
  const kind = decision.gate?.kind;
  if (decision.then !== "later" || (kind !== "unreachable" && kind !== "throttled")) {
    return decision;
  }
  if (kind === "unreachable" && gate.state === "open") {
    // Others were answered: no outage, but whoever got no answer must not knock every few seconds.
    const from = Math.max(gate.throttledUntil, decision.gate?.probeAt ?? 0, now + aloneAwayMs);
    const dueAt = Math.round(from + random * aloneAwayMs);
    return { ...decision, row: { ...decision.row, dueAt } };
  }
  const until = gate.state === "open" ? gate.throttledUntil : gate.nextProbeAt;
  const from = Math.max(until, now + 1_000);
  const dueAt = Math.round(from + random * spreadMs(gate));
  return { ...decision, row: { ...decision.row, dueAt } };
}
