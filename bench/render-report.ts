import type { LoadResult } from "./run-load.ts";

export interface BenchReport {
  readonly mode: "latency" | "limits" | "cost";
  readonly latencyMs: number;
  readonly machine: {
    readonly cores: number;
    readonly model: string;
    readonly node: string;
    /** Load average of the last minute before the run: above zero, others were at work. */
    readonly loadBefore: number;
  };
  /** One, or with `--cost` one per backlog. */
  readonly runs: readonly LoadResult[];
  /** Messages a second. */
  readonly bareLoop: number | null;
  readonly sample: LoadResult | null;
}

export function renderReport(report: BenchReport): string {
  const { machine, mode, latencyMs, sample, bareLoop } = report;
  const [first, second] = report.runs;
  const lines = [
    `${machine.cores} cores of ${machine.model}, Node ${machine.node}, load ${machine.loadBefore.toFixed(1)} before the run`,
    mode === "limits"
      ? "CE alone, Dataverse's limits enforced (20 requests a second, 52 at once)"
      : `all targets, each call of a target takes ${latencyMs} ms longer`,
    "",
    ...report.runs.flatMap((run) => [...renderRun(run), ""]),
  ];
  if (sample !== null) lines.push("sample-style app", ...renderRun(sample), "");
  if (first !== undefined && bareLoop !== null) {
    const ratio = (first.eventsPerSecond / bareLoop).toFixed(4);
    lines.push(
      `ratio to the bare receive-and-complete loop (${bareLoop.toFixed(0)} messages/s): ${ratio}`,
    );
  }
  if (first !== undefined && sample !== null) {
    const ratio = first.eventsPerSecond / sample.eventsPerSecond;
    lines.push(
      `ratio to the sample-style app (${sample.eventsPerSecond.toFixed(1)} events/s): ${ratio.toFixed(2)}`,
    );
  }
  if (mode === "cost" && first !== undefined && second !== undefined) {
    const change = (second.cpuMsPerEvent / first.cpuMsPerEvent - 1) * 100;
    lines.push(
      `CPU per event, backlog of ${second.events} against ${first.events}: ${change >= 0 ? "+" : ""}${change.toFixed(1)} %`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function renderRun(run: LoadResult): readonly string[] {
  const targets = Object.entries(run.targets).map(([name, { latencyMs, perSecond }]) => {
    const [p50, p95, p99] = [latencyMs.p50, latencyMs.p95, latencyMs.p99].map((ms) =>
      `${(ms / 1000).toFixed(2)} s`.padStart(9),
    );
    return `  ${name.padEnd(6)} ${perSecond.toFixed(0).padStart(6)}/s   p50 ${p50}   p95 ${p95}   p99 ${p99}`;
  });
  const processes = Object.entries(run.processes).map(([name, cost]) => {
    const [before, after] = cost.residentMb;
    return `  ${name.padEnd(13)} ${(cost.cpuMsPerEvent?.toFixed(2) ?? "?").padStart(6)} ms CPU per event, resident ${before ?? "?"} → ${after ?? "?"} MB, at most ${cost.peakMb ?? "?"} MB`;
  });
  return [
    `${run.events} events in ${run.seconds.toFixed(1)} s: ${run.eventsPerSecond.toFixed(1)} events/s into every target (posted at ${run.postedPerSecond.toFixed(0)}/s)`,
    ...targets,
    `  lost ${run.lost}, doubled ${run.doubled}, unknown ${run.unknown}`,
    `  CE: ${run.ceRequestsPer1000.toFixed(1)} requests per 1,000 invoices (${run.invoicesPerCeRequest.toFixed(1)} invoices per request), ${run.ceThrottled} answered 429`,
    `  ${run.tableRequestsPerEventAndTarget.toFixed(2)} table requests per event and target`,
    ...processes,
    `  together      ${run.cpuMsPerEvent.toFixed(2).padStart(6)} ms CPU per event`,
  ];
}
