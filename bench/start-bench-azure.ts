import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { connectGuardFile } from "../local/connect-guard.ts";
import type { Environment } from "../local/environment.ts";
import type { FromLocalAzure, StartMessage, ToLocalAzure } from "./messages.ts";

/** A local Azure in a process of its own: starting → ready → closed, or starting → failed. */
export interface BenchAzure {
  readonly environment: Environment;
  /** Process ids by name. */
  readonly processes: Readonly<Record<string, number>>;
  tableRequests(): Promise<number>;
  close(): Promise<void>;
}

const startLimitMs = 180_000;
const closeLimitMs = 20_000;

export async function startBenchAzure(
  file: string,
  start: Omit<StartMessage, "kind"> & {
    /** Given to Node in the local Azure's process: `--cpu-prof`. */
    readonly execArgv?: readonly string[];
  },
): Promise<BenchAzure> {
  const { execArgv = [], ...message } = start;
  const child = fork(file, [], {
    execArgv: ["--import", connectGuardFile, "--max-semi-space-size=16", ...execArgv],
    // The set of the local Azure's log lines is no result.
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ready = nextMessage(child, "ready", startLimitMs);
  send(child, { kind: "start", ...message });
  try {
    const { environment, processes } = await ready;
    return {
      environment,
      processes,
      tableRequests: async () => {
        const answer = nextMessage(child, "tableRequests", 10_000);
        send(child, { kind: "tableRequests" });
        return (await answer).count;
      },
      close: () => closeChild(child),
    };
  } catch (error) {
    await closeChild(child);
    throw error;
  }
}

function send(child: ChildProcess, message: ToLocalAzure): void {
  child.send(message);
}

function nextMessage<K extends FromLocalAzure["kind"]>(
  child: ChildProcess,
  kind: K,
  limitMs: number,
): Promise<Extract<FromLocalAzure, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(limit);
      child.off("message", onMessage);
      child.off("exit", onExit);
    };
    const onMessage = (message: FromLocalAzure): void => {
      if (message.kind === kind) {
        done();
        resolve(message as Extract<FromLocalAzure, { kind: K }>);
      } else if (message.kind === "failed") {
        done();
        reject(new Error(`The local Azure failed: ${message.message}`));
      }
    };
    const onExit = (): void => {
      done();
      reject(new Error("The local Azure's process ended."));
    };
    const limit = setTimeout(() => {
      done();
      reject(new Error(`The local Azure said no "${kind}" in ${limitMs / 1000} s.`));
    }, limitMs);
    child.on("message", onMessage);
    child.once("exit", onExit);
  });
}

async function closeChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  if (child.connected) send(child, { kind: "close" });
  const limit = setTimeout(() => child.kill("SIGKILL"), closeLimitMs);
  await exited;
  clearTimeout(limit);
}
