/*
 * What telemetry costs. Two local Azures of the same build run side by side, one of which has no collector,
 * and take turns with the same load: on, off, off, on, … A machine that others use is slow for both of a
 * round, and none of them is always the first.
 */
import { mkdir } from "node:fs/promises";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { stop } from "esbuild";
import { buildIfChanged } from "../scripts/build-if-changed.ts";
import { liftBudgets } from "./bench-package.ts";
import { bundleLocalAzure } from "./bundle-local-azure.ts";
import { compareRounds } from "./compare-rounds.ts";
import type { Comparison, Overhead, Round, Sample } from "./compare-rounds.ts";
import { runBenchCommand } from "./run-bench-command.ts";
import { measureProcess } from "./measure-processes.ts";
import { runLoad } from "./run-load.ts";
import { startBenchAzure } from "./start-bench-azure.ts";
import type { BenchAzure } from "./start-bench-azure.ts";
import { targets } from "./watch-effects.ts";

const usage = `npm run bench:telemetry -- [options]

Boots two local Azures, one of them without a collector, has F&O post the same load in both by turns, and
compares the function app's processor time per event and the events per second.

  --events N      invoices per run (300)
  --rounds R      runs with telemetry, and as many without (6)
  --latency-ms L  what every call of a target takes longer (20)
  --json          the result as JSON on standard output, everything else on standard error
  --help          this text

Exit codes: 0 nothing lost and nothing doubled, 1 otherwise, 2 wrong call.
`;

interface Options {
  readonly events: number;
  readonly rounds: number;
  readonly latencyMs: number;
  readonly json: boolean;
}

interface Report extends Comparison {
  readonly machine: {
    readonly cores: number;
    readonly node: string;
    readonly loadBefore: number;
  };
  readonly events: number;
  readonly rounds: readonly Round[];
}

const folder = fileURLToPath(new URL("../.local/bench", import.meta.url));
const warmUpEvents = 300;
/** The SDK sends what it was told 5 s later at the latest; that is part of what telemetry costs. */
const lastExportMs = 6_000;
const limitMs = 5 * 60_000;

process.exitCode = await runBenchCommand({
  usage,
  readOptions,
  run: (options: Options, progress) => run(options, (line) => progress.show(line)),
  render,
  isFine: () => true,
});
// An SDK's pool may still hold the loop open; everything of ours is closed.
process.exit();

function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { type: "string", default: "300" },
      rounds: { type: "string", default: "6" },
      "latency-ms": { type: "string", default: "20" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const [events, rounds, latencyMs] = [values.events, values.rounds, values["latency-ms"]].map(
    Number,
  );
  if (!isCount(events, 1) || !isCount(rounds, 1) || !isCount(latencyMs, 0)) {
    throw new Error("--events, --rounds and --latency-ms take whole numbers");
  }
  return { events, rounds, latencyMs, json: values.json };
}

function isCount(value: number | undefined, least: number): value is number {
  return value !== undefined && Number.isInteger(value) && value >= least && value <= 1_000_000;
}

async function run(options: Options, onProgress: (line: string) => void): Promise<Report> {
  const loadBefore = loadavg()[0] ?? 0;
  onProgress("starting two local Azures");
  await mkdir(folder, { recursive: true });
  const built = await buildIfChanged();
  const [functionsPackage, program] = await Promise.all([
    liftBudgets(built.zip, join(folder, "functions.zip")),
    bundleLocalAzure(),
  ]);
  // The bundler's process has done its work and would be in nobody's figures.
  await stop();
  const azures: BenchAzure[] = [];
  try {
    // One after the other: the first start makes what both use.
    const on = await start(program, functionsPackage, true);
    azures.push(on);
    const off = await start(program, functionsPackage, false);
    azures.push(off);
    const rounds = await takeTurns({ on, off }, options, onProgress);
    const machine = { cores: availableParallelism(), node: process.version, loadBefore };
    return { machine, events: options.events, rounds, ...compareRounds(rounds) };
  } finally {
    await Promise.all(azures.map((azure) => azure.close()));
  }
}

function start(program: string, functionsPackage: string, telemetry: boolean): Promise<BenchAzure> {
  return startBenchAzure(program, {
    folder: join(folder, telemetry ? "telemetry-on" : "telemetry-off"),
    functionsPackage,
    load: {
      telemetry,
      mailQuota: false,
      dataverseLimits: { enforce: false },
      targets: {
        ce: { mode: "live" },
        crm: { mode: "live" },
        email: { mode: "live", allowedRecipientDomains: ["*"] },
      },
    },
  });
}

async function takeTurns(
  azures: Readonly<Record<keyof Round, BenchAzure>>,
  options: Options,
  onProgress: (line: string) => void,
): Promise<readonly Round[]> {
  const measure = async (side: keyof Round, events: number, name: string): Promise<Sample> => {
    onProgress(`${name}, telemetry ${side}`);
    return measureLoad(azures[side], { ...options, events });
  };
  for (const side of ["on", "off"] as const) await measure(side, warmUpEvents, "warm-up");
  const rounds: Round[] = [];
  while (rounds.length < options.rounds) {
    const name = `round ${rounds.length + 1} of ${options.rounds}`;
    const first = rounds.length % 2 === 0 ? "on" : "off";
    const second = first === "on" ? "off" : "on";
    const earlier = await measure(first, options.events, name);
    const later = await measure(second, options.events, name);
    rounds.push(first === "on" ? { on: earlier, off: later } : { on: later, off: earlier });
  }
  return rounds;
}

async function measureLoad(
  azure: BenchAzure,
  { events, latencyMs }: { readonly events: number; readonly latencyMs: number },
): Promise<Sample> {
  const before = await readCpu(azure);
  const {
    eventsPerSecond,
    lost,
    doubled,
    unknown,
    targets: checks,
  } = await runLoad({
    ...{ azure, events, latencyMs, limitMs, only: targets, asBacklog: false },
    onProgress: () => undefined,
  });
  if (lost + doubled + unknown > 0) {
    throw new Error(`lost, doubled or unknown: ${JSON.stringify(checks)}`);
  }
  await new Promise((resolve) => setTimeout(resolve, lastExportMs));
  const cpuMsPerEvent = (((await readCpu(azure)) - before) / events) * 1_000;
  return { cpuMsPerEvent, eventsPerSecond };
}

async function readCpu({ processes }: BenchAzure): Promise<number> {
  const { cpuSeconds } = await measureProcess(processes["function app"] ?? 0);
  if (cpuSeconds === null) throw new Error("this system does not tell a process's time (no /proc)");
  return cpuSeconds;
}

function render({ machine, events, rounds, cpu, throughput }: Report): string {
  const show = ({ cpuMsPerEvent, eventsPerSecond }: Sample): string =>
    `${cpuMsPerEvent.toFixed(2)} ms, ${eventsPerSecond.toFixed(1)}/s`;
  return [
    `${machine.cores} cores, Node ${machine.node}, load ${machine.loadBefore.toFixed(1)} before the run; ${events} events a run`,
    ...rounds.map(
      ({ on, off }, index) =>
        `  round ${index + 1}   with telemetry ${show(on)}   without ${show(off)}`,
    ),
    `processor time of the function app per event: ${renderOverhead(cpu)}`,
    `time per event at full speed, all processes: ${renderOverhead(throughput)}`,
    "",
  ].join("\n");
}

function renderOverhead({ overall, median, least, most }: Overhead): string {
  const show = (share: number): string => `${share >= 0 ? "+" : ""}${(share * 100).toFixed(1)} %`;
  return `${show(overall)} (rounds: median ${show(median)}, from ${show(least)} to ${show(most)})`;
}
