import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { stop } from "esbuild";
import { buildIfChanged } from "../scripts/build-if-changed.ts";
import { bundleLocalAzure } from "./bundle-local-azure.ts";
import { callJson, toJsonInit } from "./call-json.ts";
import { checkEffects } from "./check-effects.ts";
import { runBenchCommand } from "./run-bench-command.ts";
import type { Progress } from "./create-progress.ts";
import { measureProcess } from "./measure-processes.ts";
import { plantFailures } from "./plant-failures.ts";
import { signIn } from "./sign-in.ts";
import { startBenchAzure } from "./start-bench-azure.ts";
import type { BenchAzure } from "./start-bench-azure.ts";
import { connectTargets } from "./watch-effects.ts";

const usage = `npm run bench:replay -- [options]

Boots a local Azure with CE as its only target, plants failures in its tables, replays them through the
operator API, and asks CE for every one of them. Then the same once more while the function host is killed.

  --failures N   failures in each of the two runs (10000)
  --kills K      kill -9 of the function host in the second run (5); what it had in hand then comes back when
                 its lock ends, up to five minutes later, so this run is about survival and not about speed
  --minutes M    the longest that one run may take (40)
  --json         the result as JSON on standard output, everything else on standard error
  --help         this text

Exit codes: 0 nothing lost, nothing doubled and every kill made, 1 otherwise, 2 wrong call.
`;

interface Options {
  readonly failures: number;
  readonly kills: number;
  readonly limitMs: number;
  readonly json: boolean;
}

interface Replay {
  readonly id: string;
  readonly state: string;
  readonly isFollowed: boolean;
  readonly note: string;
  readonly counts: Readonly<Record<"delivered" | "failedAgain" | "refused", number>>;
}

interface Result {
  readonly failures: number;
  /** Done, which may be fewer than were asked for. */
  readonly kills: number;
  readonly killsWanted: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly state: string;
  readonly lost: number;
  readonly doubled: number;
  /** Of the runner and of delivery together. */
  readonly tableRequestsPerFailure: number;
  /** By process, user and system; null where a process has been killed or the system does not tell. */
  readonly cpuMsPerFailure: Readonly<Record<string, number | null>>;
}

const folder = fileURLToPath(new URL("../.local/bench", import.meta.url));
const pollMs = 500;

process.exitCode = await runBenchCommand({
  usage,
  readOptions,
  run: runAll,
  render,
  isFine: (results) =>
    results.every(
      ({ state, lost, doubled, kills, killsWanted }) =>
        state === "done" && lost + doubled === 0 && kills === killsWanted,
    ),
});
process.exit();

async function runAll(options: Options, progress: Progress): Promise<readonly Result[]> {
  const results = [await runOnce(options, 0, progress)];
  if (options.kills > 0) results.push(await runOnce(options, options.kills, progress));
  return results;
}

function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      failures: { type: "string", default: "10000" },
      kills: { type: "string", default: "5" },
      minutes: { type: "string", default: "40" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return undefined;
  const [failures, kills, minutes] = [values.failures, values.kills, values.minutes].map(Number);
  if (!isCount(failures, 1) || !isCount(kills, 0) || !isCount(minutes, 1)) {
    throw new Error("--failures, --kills and --minutes take whole numbers");
  }
  return { failures, kills, limitMs: minutes * 60_000, json: values.json };
}

function isCount(value: number | undefined, least: number): value is number {
  return value !== undefined && Number.isInteger(value) && value >= least && value <= 1_000_000;
}

/** A local Azure of its own for each run: what one has delivered is no failure of the other. */
async function runOnce(options: Options, kills: number, progress: Progress): Promise<Result> {
  progress.show("starting a local Azure");
  await mkdir(folder, { recursive: true });
  const built = await buildIfChanged();
  const program = await bundleLocalAzure();
  await stop();
  const azure = await startBenchAzure(program, {
    folder: join(folder, "run"),
    functionsPackage: built.zip,
    load: {
      dataverseLimits: { enforce: false },
      targets: { ce: { mode: "live" }, crm: { mode: "off" }, email: { mode: "off" } },
    },
  });
  try {
    const { environment } = azure;
    const { connectionString } = environment.storage;
    const wanted = await plantFailures(connectionString, options.failures, (count) => {
      progress.show(`planted ${count} of ${options.failures}`);
    });
    const beganAt = performance.now();
    const requests = await azure.tableRequests();
    const used = await measure(azure);
    const ended = await replay(azure, options, kills, progress);
    const seconds = (performance.now() - beganAt) / 1_000;
    const since = await measure(azure);
    const { failures } = options;
    const tableRequestsPerFailure = ((await azure.tableRequests()) - requests) / failures;
    const effects = await connectTargets(environment).ce(0);
    const posted = wanted.map((key) => ({ key, sentAt: 0 }));
    const { lost, doubled } = checkEffects(posted, effects);
    return {
      ...{ failures, kills: ended.killed, killsWanted: kills },
      ...{ seconds, perSecond: failures / seconds },
      ...{ state: ended.state, lost, doubled, tableRequestsPerFailure },
      cpuMsPerFailure: Object.fromEntries(
        Object.entries(since).map(([name, seconds]) => {
          const before = used[name] ?? null;
          const known = seconds !== null && before !== null && seconds >= before;
          return [name, known ? ((seconds - before) * 1_000) / failures : null];
        }),
      ),
    };
  } finally {
    await azure.close();
  }
}

async function measure({ processes }: BenchAzure): Promise<Record<string, number | null>> {
  const entries = Object.entries(processes).map(async ([name, id]) => {
    const { cpuSeconds } = await measureProcess(id);
    return [name, cpuSeconds] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** Follows the replay to its end and kills the host on the way, each time after another share of it. */
async function replay(
  azure: BenchAzure,
  { failures, limitMs }: Options,
  kills: number,
  progress: Progress,
): Promise<Replay & { readonly killed: number }> {
  const { environment } = azure;
  const token = await signIn(environment);
  const call = (path: string, init: RequestInit = {}): Promise<Replay> =>
    callJson(`${environment.operator.baseUrl}/${path}`, {
      ...init,
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    }) as Promise<Replay>;
  const { id } = await call(
    "replays",
    toJsonInit("POST", {
      selection: { all: true },
      confirm: "all",
      asStored: true,
      perSecond: 1_000,
    }),
  );
  let killed = 0;
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    // The host is away for a moment after each kill.
    const now = await call(`replays/${id}`).catch(() => undefined);
    if (now !== undefined) {
      const { delivered } = now.counts;
      progress.show(`${delivered} of ${failures} delivered, ${killed} kills, ${now.state}`);
      if (now.state === "done" || now.state === "stopped") return { ...now, killed };
      if (killed < kills && delivered >= ((killed + 1) * failures) / (kills + 1)) {
        process.kill(await findHost(azure), "SIGKILL");
        killed += 1;
      }
    }
    if (performance.now() > giveUpAt) throw new Error("the replay has not ended in time");
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** The host has another process id after each kill: of the local Azure's children it is the newest. */
async function findHost({ processes }: BenchAzure): Promise<number> {
  const parent = String(processes["local Azure"]);
  const { stdout } = await promisify(execFile)("ps", ["-o", "pid=,args=", "--ppid", parent]);
  const hosts = stdout.split("\n").filter((line) => line.includes("host-process"));
  const id = Number.parseInt(hosts.at(-1)?.trim() ?? "", 10);
  if (Number.isNaN(id)) throw new Error("the function host is not among the processes");
  return id;
}

function render(results: readonly Result[]): string {
  return results
    .map(
      (each) =>
        `${each.failures} failures, ${each.kills} of ${each.killsWanted} kills: ${each.state} in ${each.seconds.toFixed(1)} s, ${each.perSecond.toFixed(0)} per second from planning to the last record in CE; lost ${each.lost}, doubled ${each.doubled}\n  ${each.tableRequestsPerFailure.toFixed(2)} table requests per failure; ms CPU per failure: ${renderCpu(each)}\n`,
    )
    .join("");
}

function renderCpu({ cpuMsPerFailure }: Result): string {
  return Object.entries(cpuMsPerFailure)
    .map(([name, ms]) => `${name} ${ms === null ? "?" : ms.toFixed(1)}`)
    .join(", ");
}
