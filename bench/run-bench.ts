import { mkdir } from "node:fs/promises";
import { availableParallelism, cpus, loadavg } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stop } from "esbuild";
import type { LoadOptions } from "../local/start-local-azure.ts";
import { buildIfChanged } from "../scripts/build-if-changed.ts";
import { readOptions, usage } from "./bench-options.ts";
import type { BenchOptions } from "./bench-options.ts";
import { liftBudgets } from "./bench-package.ts";
import { buildSampleApp } from "./build-sample-app.ts";
import { bundleLocalAzure } from "./bundle-local-azure.ts";
import { runBenchCommand } from "./run-bench-command.ts";
import { renderReport } from "./render-report.ts";
import type { BenchReport } from "./render-report.ts";
import { runBareLoop } from "./run-bare-loop.ts";
import { runLoad } from "./run-load.ts";
import type { LoadInput, LoadResult } from "./run-load.ts";
import { startBenchAzure } from "./start-bench-azure.ts";
import type { BenchAzure } from "./start-bench-azure.ts";
import { targets } from "./watch-effects.ts";
import type { TargetName } from "./watch-effects.ts";

const folder = fileURLToPath(new URL("../.local/bench", import.meta.url));
const bareQueue = "bare-loop";
const bareMessages = 20_000;
const warmUpEvents = 200;
/**
 * Dataverse counts over five minutes. A window of ten seconds allows the same 20 requests a second, and
 * a run of a minute meets it.
 */
const limitWindowMs = 10_000;

interface Parts {
  readonly options: BenchOptions;
  readonly program: string;
  readonly causeway: string;
  readonly sample: string;
  readonly only: readonly TargetName[];
  readonly onProgress: (line: string) => void;
}

process.exitCode = await runBenchCommand({
  usage,
  readOptions: (args) => {
    const options = readOptions(args);
    return options === "help" ? undefined : options;
  },
  run: async (options: BenchOptions, progress) =>
    run(await prepare(options, (line) => progress.show(line))),
  render: renderReport,
  isFine: ({ runs }) => runs.every(({ lost, doubled, unknown }) => lost + doubled + unknown === 0),
});
// An SDK's pool may still hold the loop open; everything of ours is closed.
process.exit();

async function prepare(options: BenchOptions, onProgress: Parts["onProgress"]): Promise<Parts> {
  onProgress("building");
  await mkdir(folder, { recursive: true });
  const built = await buildIfChanged();
  const [causeway, sample, program] = await Promise.all([
    liftBudgets(built.zip, join(folder, "functions.zip")),
    buildSampleApp(folder),
    bundleLocalAzure(),
  ]);
  // The bundler's process has done its work and would be in nobody's figures.
  await stop();
  const only = options.mode === "limits" ? (["ce"] as const) : targets;
  return { options, program, causeway, sample, only, onProgress };
}

async function run(parts: Parts): Promise<BenchReport> {
  const { options } = parts;
  const about = {
    mode: options.mode,
    latencyMs: options.latencyMs,
    machine: {
      cores: availableParallelism(),
      model: cpus()[0]?.model.trim() ?? "unknown",
      node: process.version,
      loadBefore: loadavg()[0] ?? 0,
    },
  };
  if (options.mode === "cost") {
    const runs = await withAzure(parts, parts.causeway, async (azure) => [
      await load(parts, azure, { events: options.backlogs[0], asBacklog: true }),
      await load(parts, azure, { events: options.backlogs[1], asBacklog: true }),
    ]);
    return { ...about, runs, bareLoop: null, sample: null };
  }
  const { result, bareLoop } = await withAzure(parts, parts.causeway, async (azure) => ({
    result: await load(parts, azure, { events: options.events, asBacklog: options.asBacklog }),
    bareLoop: await bare(parts, azure),
  }));
  const sample =
    options.sampleEvents === 0
      ? null
      : await withAzure(parts, parts.sample, (azure) =>
          load(parts, azure, { events: options.sampleEvents }, "sample-style app: "),
        );
  return { ...about, runs: [result], bareLoop, sample };
}

function bare({ onProgress }: Parts, azure: BenchAzure): Promise<number> {
  onProgress("bare receive-and-complete loop");
  const { connectionString } = azure.environment.serviceBus;
  return runBareLoop(connectionString, bareQueue, bareMessages);
}

async function withAzure<T>(
  { program, options, only, onProgress }: Parts,
  functionsPackage: string,
  work: (azure: BenchAzure) => Promise<T>,
): Promise<T> {
  onProgress("starting a local Azure");
  const azure = await startBenchAzure(program, {
    folder: join(folder, "run"),
    functionsPackage,
    load: toLoadOptions(options, only),
    execArgv:
      options.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${options.profile}`],
  });
  try {
    return await work(azure);
  } finally {
    await azure.close();
  }
}

function toLoadOptions({ mode }: BenchOptions, only: readonly TargetName[]): LoadOptions {
  const modeOf = (name: TargetName): string => (only.includes(name) ? "live" : "off");
  return {
    queues: [bareQueue],
    mailQuota: false,
    dataverseLimits: { enforce: mode === "limits", windowMs: limitWindowMs },
    targets: {
      ce: { mode: modeOf("ce") },
      crm: { mode: modeOf("crm") },
      email: { mode: modeOf("email"), allowedRecipientDomains: ["*"] },
    },
  };
}

/** A first part that is not counted: what is compiled and cached once would else be in the figures. */
async function load(
  { options, only, onProgress }: Parts,
  azure: BenchAzure,
  what: { readonly events: number; readonly asBacklog?: boolean },
  prefix = "",
): Promise<LoadResult> {
  const input: Omit<LoadInput, "events"> = {
    azure,
    only,
    latencyMs: options.latencyMs,
    asBacklog: what.asBacklog === true,
    limitMs: options.limitMinutes * 60_000,
    onProgress: (line) => onProgress(`${prefix}${line}`),
  };
  const warmUp = Math.min(warmUpEvents, Math.ceil(what.events / 4));
  await runLoad({ ...input, asBacklog: false, events: warmUp });
  return runLoad({ ...input, events: what.events });
}
