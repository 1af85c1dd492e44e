import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { FunctionsHostError } from "./functions-host-error.ts";
import type { FunctionsHostErrorCode } from "./functions-host-error.ts";
import type { HostReport } from "./host-messages.ts";
import type { FunctionsHostOptions } from "./start-functions-host.ts";

/**
 * A host's process that waits for its app, as the platform keeps some ready: with nothing of our own
 * environment, and the app's settings come with the order to start.
 */
export function spawnHost(entry: string, caFile: string): ChildProcess {
  const guard = new URL("../connect-guard-preload.js", import.meta.url);
  return fork(entry, [], {
    execArgv: ["--import", guard.href],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: {
      ...pick(process.env, ["PATH", "HOME", "TZ", "CAUSEWAY_REFUSED_CONNECTIONS"]),
      // Node reads it once, when a process starts.
      NODE_EXTRA_CA_CERTS: caFile,
    },
  });
}

/** What Azure puts into the environment of an app. */
export function toEnvironment({
  appSettings,
  identity,
  siteName,
}: Pick<FunctionsHostOptions, "appSettings" | "identity" | "siteName">): Record<string, string> {
  return {
    ...appSettings,
    IDENTITY_ENDPOINT: identity.endpoint,
    IDENTITY_HEADER: identity.header,
    WEBSITE_SITE_NAME: siteName ?? "local",
    FUNCTIONS_EXTENSION_VERSION: "~4",
    FUNCTIONS_WORKER_RUNTIME: "node",
    APPLICATION_INSIGHTS_NO_STATSBEAT: "1",
  };
}

/** Also carries the process's lines to `log` from now on. */
export function waitUntilReady(
  child: ChildProcess,
  log: (line: string) => void,
): Promise<{ readonly port: number; readonly functions: readonly string[] }> {
  forwardLines(child.stdout, log);
  forwardLines(child.stderr, log);
  return new Promise((resolve, reject) => {
    child.on("message", (report: HostReport) => {
      if (report.kind === "log") log(report.line);
      if (report.kind === "ready") resolve(report);
      if (report.kind === "failed") {
        reject(new FunctionsHostError(report.code as FunctionsHostErrorCode, report.message));
      }
    });
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      const how = signal ?? `code ${code ?? 0}`;
      reject(new FunctionsHostError("HOST_EXITED", `The Functions host ended at start (${how})`));
    });
  });
}

/** Ends with the report, with the process, or after `limitMs`: what comes first. */
export function waitForReport(
  child: ChildProcess,
  isWanted: (report: HostReport) => boolean,
  limitMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    const onMessage = (report: HostReport): void => {
      if (isWanted(report)) end();
    };
    const end = (): void => {
      clearTimeout(limit);
      child.off("message", onMessage);
      child.off("exit", end);
      resolve();
    };
    const limit = setTimeout(end, limitMs);
    child.on("message", onMessage);
    child.once("exit", end);
  });
}

function forwardLines(stream: Readable | null, log: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on("line", log);
}

function pick(
  env: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Record<string, string | undefined> {
  return Object.fromEntries(
    names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
}
