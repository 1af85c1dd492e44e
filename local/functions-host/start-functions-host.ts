/**
 * Keeps one Functions host process: starting → ready → (closing → closed | exited → starting …). A
 * process that ends by itself is started again on the same port, as the platform does; the parent holds
 * the only channel to it, so it never outlives its parent.
 */
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { LocalCertificate } from "../certificate-authority.ts";
import type { Running } from "../cloud.ts";
import { bundleHostProcess } from "./bundle-host-process.ts";
import { FunctionsHostError } from "./functions-host-error.ts";
import type { FunctionsHostErrorCode } from "./functions-host-error.ts";
import type { HostReport, HostStart } from "./host-messages.ts";

export interface FunctionsHostOptions {
  /** Holds package.json, host.json and the built app. */
  readonly appDir: string;
  readonly appSettings: Readonly<Record<string, string>>;
  /** PEM of the local certificate authority. */
  readonly caFile: string;
  readonly hostKeys: {
    readonly default: string;
    readonly functions: Readonly<Record<string, string>>;
    /** Made up when left out. */
    readonly master?: string;
  };
  readonly port?: number;
  /** The App Service managed-identity endpoint of this app. */
  readonly identity: { readonly endpoint: string; readonly header: string };
  readonly certificate?: LocalCertificate;
  readonly siteName?: string;
  readonly log: (line: string) => void;
}

export interface FunctionsHost extends Running {
  /** Of the process that runs now; another one after a restart. */
  readonly pid: number;
  readonly baseUrl: string;
  readonly port: number;
  readonly functions: readonly string[];
  /** For `/admin`: `x-functions-key`. */
  readonly masterKey: string;
  restart(): Promise<void>;
}

const RESTART_DELAY_MS = 500;
/** More than the host process allows itself. */
const CLOSE_LIMIT_MS = 7000;

export async function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  const host = new HostSupervisor(options);
  await host.start();
  return host;
}

class HostSupervisor implements FunctionsHost {
  readonly masterKey: string;
  readonly #options: FunctionsHostOptions;
  #child: ChildProcess | undefined;
  #port: number;
  #functions: readonly string[] = [];
  #isWanted = true;
  #restartTimer: NodeJS.Timeout | undefined;

  constructor(options: FunctionsHostOptions) {
    this.#options = options;
    this.#port = options.port ?? 0;
    this.masterKey = options.hostKeys.master ?? randomBytes(24).toString("base64url");
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get port(): number {
    return this.#port;
  }

  get functions(): readonly string[] {
    return this.#functions;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async start(): Promise<void> {
    const child = spawnHost(await bundleHostProcess(), this.#options);
    this.#child = child;
    const ready = waitUntilReady(child, this.#options.log);
    const { hostKeys, appDir, certificate } = this.#options;
    const start: HostStart = {
      appDir,
      keys: { ...hostKeys, master: this.masterKey },
      port: this.#port,
      certificate,
    };
    child.send({ start });
    try {
      ({ port: this.#port, functions: this.#functions } = await ready);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
    child.once("exit", (code, signal) => this.#onExit(child, signal ?? `code ${code ?? 0}`));
  }

  async restart(): Promise<void> {
    await this.#stop();
    this.#isWanted = true;
    await this.start();
  }

  async close(): Promise<void> {
    await this.#stop();
  }

  async #stop(): Promise<void> {
    this.#isWanted = false;
    clearTimeout(this.#restartTimer);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.send({ close: true });
    const limit = setTimeout(() => child.kill("SIGKILL"), CLOSE_LIMIT_MS);
    await exited;
    clearTimeout(limit);
  }

  #onExit(child: ChildProcess, how: string): void {
    if (!this.#isWanted || child !== this.#child) return;
    this.#options.log(`The Functions host ended by itself (${how}); starting it again`);
    this.#restartTimer = setTimeout(() => {
      this.start().catch((error: unknown) => {
        this.#options.log(`The Functions host did not start again: ${String(error)}`);
      });
    }, RESTART_DELAY_MS);
  }
}

function spawnHost(
  entry: string,
  { appSettings, caFile, identity, siteName }: FunctionsHostOptions,
): ChildProcess {
  const guard = new URL("../connect-guard-preload.js", import.meta.url);
  return fork(entry, [], {
    execArgv: ["--import", guard.href],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: {
      ...pick(process.env, ["PATH", "HOME", "TZ", "CAUSEWAY_REFUSED_CONNECTIONS"]),
      ...appSettings,
      NODE_EXTRA_CA_CERTS: caFile,
      IDENTITY_ENDPOINT: identity.endpoint,
      IDENTITY_HEADER: identity.header,
      WEBSITE_SITE_NAME: siteName ?? "local",
      FUNCTIONS_EXTENSION_VERSION: "~4",
      FUNCTIONS_WORKER_RUNTIME: "node",
      APPLICATION_INSIGHTS_NO_STATSBEAT: "1",
    },
  });
}

function waitUntilReady(
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
