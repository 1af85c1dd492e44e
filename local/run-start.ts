import { mkdir, readdir, readFile } from "node:fs/promises";
import { stop } from "esbuild";
import pc from "picocolors";
import type { LocalAzure } from "./start-local-azure.ts";
import type { Ports } from "./assembly/ports.ts";
import { startStorage } from "./assembly/start-storage.ts";
import { refusedConnections } from "./connect-guard.ts";
import { buildIfChanged } from "../scripts/build-if-changed.ts";
import { renderBanner } from "./demo/banner.ts";
import { runOnce } from "./demo/run-once.ts";
import { watch } from "./demo/watch.ts";

export interface StartOptions {
  readonly mode: "once" | "idle" | "watch";
  readonly isJson: boolean;
  readonly isVerbose: boolean;
  /** Of this run; two runs at the same time need two. */
  readonly folder: string;
  readonly ports: Ports;
}

/** Builds, boots, does what the mode says, and closes everything on every way out. Returns the exit code. */
export async function runStart(options: StartOptions): Promise<number> {
  // `performance.now()` counts from the start of the process, so loading our own code is in the figure.
  const out = options.isJson ? process.stderr : process.stdout;
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt);
  let azure: LocalAzure | undefined;
  try {
    azure = await boot(options);
    if (stop.signal.aborted) {
      process.stderr.write("interrupted while starting; everything was closed again\n");
      return 1;
    }
    out.write(
      renderBanner(azure.environment, {
        bootMs: performance.now(),
        resourceCount: azure.resourceCount,
        residentMb: await residentMb(),
        folder: options.folder,
      }),
    );
    if (options.mode === "once") {
      return await runOnce(azure, { isJson: options.isJson, out, signal: stop.signal });
    }
    await (options.mode === "watch" ? watch(azure, { out, stop }) : untilAborted(stop.signal));
    return 0;
  } catch (error) {
    report(error, options.isVerbose);
    return 1;
  } finally {
    await azure?.close();
    tellRefused();
  }
}

/** Nothing may leave the machine: whoever tried is named, so that it can be switched off at its source. */
function tellRefused(): void {
  const hosts = new Set(refusedConnections().map(({ kind, host }) => `${kind} ${host}`));
  for (const host of hosts)
    process.stderr.write(`refused, since it is not this machine: ${host}\n`);
}

async function boot({ folder, isVerbose, ports }: StartOptions): Promise<LocalAzure> {
  const log = (line: string): void => {
    if (isVerbose) process.stderr.write(`${pc.dim(line)}\n`);
  };
  await mkdir(folder, { recursive: true });
  // Storage and the bundler work in processes of their own: loading our modules meanwhile saves their time.
  const storage = startStorage(folder, log);
  const building = buildIfChanged();
  building.catch(() => undefined);
  const { startLocalAzure } = await import("./start-local-azure.ts");
  const functionsPackage = building.then(({ zip }) => zip);
  try {
    return await startLocalAzure({ folder, storage, functionsPackage, ports, log });
  } finally {
    // The bundler's service would stay beside us, with up to half a gigabyte, for as long as we run.
    await stop();
  }
}

/** One clear line; the stack only for whoever asked for more. */
function report(error: unknown, isVerbose: boolean): void {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  process.stderr.write(
    `${pc.red("npm start failed:")} ${isVerbose ? (stack ?? message) : message}\n`,
  );
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    // An abort listener alone does not keep the process alive.
    const hold = setInterval(() => undefined, 2 ** 30);
    signal.addEventListener("abort", () => {
      clearInterval(hold);
      resolve();
    });
  });
}

/** Resident memory of this process and everything below it; 0 where the system does not tell (only Linux has /proc). */
async function residentMb(): Promise<number> {
  const ids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(ids.map(readProcess));
  const known = all.filter((each) => each !== undefined);
  const ours = new Set([process.pid]);
  // Parents have lower ids than their children, wrap-around aside; a second round catches that.
  for (let round = 0; round < 2; round += 1) {
    for (const { id, parent } of known) if (ours.has(parent)) ours.add(id);
  }
  const bytes = known.filter(({ id }) => ours.has(id)).reduce((sum, { kb }) => sum + kb, 0);
  return Math.round(bytes / 1024);
}

async function readProcess(
  id: string,
): Promise<{ readonly id: number; readonly parent: number; readonly kb: number } | undefined> {
  try {
    const status = await readFile(`/proc/${id}/status`, "utf8");
    const field = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
    return { id: Number(id), parent: field("PPid"), kb: field("VmRSS") };
  } catch {
    // It ended between the listing and the reading.
    return undefined;
  }
}
