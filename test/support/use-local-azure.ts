import { afterAll, beforeAll } from "@jest/globals";
import { execFile } from "node:child_process";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Environment } from "../../local/environment.ts";
import { eventually } from "./eventually.ts";
import { connectJourneyWorld, type JourneyWorld } from "./journey-world.ts";
import { runStartCommand, type StartCommand } from "./run-start-command.ts";

/** What Ctrl+C left behind. */
export interface Ending {
  readonly exitCode: number | null;
  /** Processes of the run that are still there. */
  readonly survivors: readonly number[];
  /** environment.json, locks, and what belongs to this run's processes only. */
  readonly leftFiles: readonly string[];
}

export interface LocalAzureUnderTest {
  /** Only while tests run. */
  readonly world: JourneyWorld;
  readonly environment: Environment;
  /** Of environment.json. */
  readonly folder: string;
  /** Everything that the command printed so far. */
  output(): string;
  /** Sends Ctrl+C as a terminal does, once; tells what is left when the command has ended. */
  interrupt(): Promise<Ending>;
}

/** It ends within seconds on two idle cores, and is ended when it hangs. */
const endMs = 180_000;

/** One `npm start -- --idle` for a test file: not started → running → ended. */
export function useLocalAzure(name: string): LocalAzureUnderTest {
  const folder = fileURLToPath(new URL(`../../.local/${name}-${process.pid}`, import.meta.url));
  let command: StartCommand | undefined;
  let world: JourneyWorld | undefined;
  let environment: Environment | undefined;
  let named: readonly number[] = [];
  let ending: Promise<Ending> | undefined;

  const interrupt = async (running: StartCommand): Promise<Ending> => {
    const processes = [...new Set([...(await listProcesses(running.pid)), ...named])];
    process.kill(-running.pid, "SIGINT");
    const timer = setTimeout(() => killAll(processes), endMs);
    const { exitCode } = await running.ended;
    clearTimeout(timer);
    const survivors = await findSurvivors(processes);
    const left = await readdir(folder);
    return {
      exitCode,
      survivors,
      leftFiles: left.filter((file) => /^environment|^azurite|lock$|pid$/.test(file)),
    };
  };

  beforeAll(async () => {
    command = runStartCommand(["--idle", "--folder", folder]);
    environment = await readEnvironment(folder, command);
    named = Object.values(environment.processes);
    world = connectJourneyWorld(environment);
  });

  afterAll(async () => {
    await world?.close();
    if (command !== undefined) await (ending ??= interrupt(command));
    await rm(folder, { recursive: true, force: true });
  });

  return {
    get world() {
      if (world === undefined) throw new Error("The local Azure has not started yet.");
      return world;
    },
    get environment() {
      if (environment === undefined) throw new Error("The local Azure has not started yet.");
      return environment;
    },
    folder,
    output: () => `${command?.stdout() ?? ""}${command?.stderr() ?? ""}`,
    interrupt: () => {
      if (command === undefined) throw new Error("The local Azure has not started yet.");
      return (ending ??= interrupt(command));
    },
  };
}

/** Written when everything is ready. */
async function readEnvironment(folder: string, command: StartCommand): Promise<Environment> {
  const ended = command.ended.then(({ exitCode }) => {
    throw new Error(`npm start ended with ${exitCode ?? "a signal"}: ${command.stderr()}`);
  });
  const ready = eventually(
    async () => JSON.parse(await readFile(join(folder, "environment.json"), "utf8")) as Environment,
  );
  return Promise.race([ready, ended]);
}

/** A process and all below it. */
async function listProcesses(root: number): Promise<readonly number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid="]);
  const pairs = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found = [root];
  for (const parent of found) {
    for (const [pid, ppid] of pairs) if (ppid === parent && pid !== undefined) found.push(pid);
  }
  return found;
}

/** Who stays, a good while after the parent: an ended process keeps its id until somebody has collected it. */
async function findSurvivors(processes: readonly number[]): Promise<readonly number[]> {
  const gone = (): Promise<true> =>
    processes.some(isAlive) ? Promise.reject(new Error("some are left")) : Promise.resolve(true);
  await eventually(gone).catch(() => undefined);
  return processes.filter(isAlive);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function killAll(processes: readonly number[]): void {
  for (const pid of processes.filter(isAlive)) process.kill(pid, "SIGKILL");
}
