/**
 * Keeps one Functions host process: starting → ready → (closing → closed | exited → starting …). A
 * process that ends by itself, at its start too, is started again on the same port, as the platform does,
 * for as long as the host is wanted; only the very first start may fail. The parent holds the only channel
 * to the process, so it never outlives its parent.
 */
import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import type { LocalCertificate } from "../certificate-authority.ts";
import type { Running } from "../cloud.ts";
import { bundleHostProcess } from "./bundle-host-process.ts";
import { describeFailure } from "./describe-failure.ts";
import type { HostOrder, HostStart } from "./host-messages.ts";
import { spawnHost, toEnvironment, waitForReport, waitUntilReady } from "./spawn-host.ts";

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
  /** A waiting process for the first start; one is made when left out. */
  readonly waiting?: ChildProcess;
  /** Puts the process on a clock that `setOffset` moves; left out: it is on the machine's. */
  readonly offsetMs?: number;
  /** False for every instance of an app but one. */
  readonly hasTimers?: boolean;
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
  /** False from the end of a process until the next one has said that it is ready. */
  readonly isReady: boolean;
  restart(): Promise<void>;
  /**
   * Ends the process without a word, as a crash or a loss of the machine does. It is started again after the
   * first pause, however many were killed before.
   */
  kill(): void;
  /** Moves the process's time; a process that ends meanwhile gets it at its next start. */
  setOffset(offsetMs: number): Promise<void>;
}

/** The first pause after an unexpected end; doubles with each one that follows within a minute. */
const firstRestartDelayMs = 500;
const longestRestartDelayMs = 10_000;
const calmMs = 60_000;
/** More than the host process allows itself. */
const closeLimitMs = 7000;
const moveLimitMs = 5000;

export async function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  const host = new HostSupervisor(options);
  await host.start();
  return host;
}

/** A process that waits for its app; ends with this one. */
export async function spawnWaitingHost(caFile: string): Promise<ChildProcess> {
  return spawnHost(await bundleHostProcess(), caFile);
}

class HostSupervisor implements FunctionsHost {
  readonly masterKey: string;
  readonly #options: FunctionsHostOptions;
  #child: ChildProcess | undefined;
  #waiting: ChildProcess | undefined;
  #port: number;
  #functions: readonly string[] = [];
  #isWanted = true;
  #isReady = false;
  #offsetMs: number | undefined;
  #restarting: NodeJS.Timeout | undefined;
  #endings = 0;
  #lastEndMs = 0;

  constructor(options: FunctionsHostOptions) {
    this.#options = options;
    this.#waiting = options.waiting;
    this.#port = options.port ?? 0;
    this.#offsetMs = options.offsetMs;
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

  get isReady(): boolean {
    return this.#isReady;
  }

  async start(): Promise<void> {
    const child = this.#takeWaiting() ?? (await spawnWaitingHost(this.#options.caFile));
    this.#child = child;
    const ready = waitUntilReady(child, this.#options.log);
    const start = this.#toStart();
    this.#send({ kind: "start", start });
    try {
      ({ port: this.#port, functions: this.#functions } = await ready);
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
    if (child.exitCode !== null || child.signalCode !== null) {
      this.#onExit(child, "right after its start");
      return;
    }
    this.#isReady = true;
    const offsetMs = this.#offsetMs;
    if (offsetMs !== undefined && offsetMs !== start.offsetMs)
      this.#send({ kind: "time", offsetMs });
    child.once("exit", (code, signal) => this.#onExit(child, signal ?? `code ${code ?? 0}`));
  }

  async restart(): Promise<void> {
    await this.#stop();
    this.#isWanted = true;
    await this.start();
  }

  kill(): void {
    // Somebody wanted this end; the next one by itself is the first again.
    this.#endings = 0;
    this.#lastEndMs = -Infinity;
    this.#isReady = false;
    this.#child?.kill("SIGKILL");
  }

  async setOffset(offsetMs: number): Promise<void> {
    this.#offsetMs = offsetMs;
    const child = this.#child;
    if (child === undefined || !this.#isReady) return;
    const moved = waitForReport(
      child,
      (report) => report.kind === "time" && report.offsetMs === offsetMs,
      moveLimitMs,
    );
    this.#send({ kind: "time", offsetMs });
    await moved;
  }

  async close(): Promise<void> {
    await this.#stop();
  }

  #takeWaiting(): ChildProcess | undefined {
    const child = this.#waiting;
    this.#waiting = undefined;
    return child?.exitCode === null && child.signalCode === null ? child : undefined;
  }

  #toStart(): HostStart {
    const { hostKeys, appDir, certificate } = this.#options;
    return {
      environment: toEnvironment(this.#options),
      appDir,
      keys: { ...hostKeys, master: this.masterKey },
      port: this.#port,
      certificate,
      offsetMs: this.#offsetMs,
      hasTimers: this.#options.hasTimers ?? true,
    };
  }

  /** A process that is just ending takes nothing any more; its end is told by "exit". */
  #send(order: HostOrder): void {
    if (this.#child?.connected === true) this.#child.send(order, () => undefined);
  }

  async #stop(): Promise<void> {
    this.#isWanted = false;
    this.#isReady = false;
    clearTimeout(this.#restarting);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    this.#send({ kind: "close" });
    const limit = setTimeout(() => child.kill("SIGKILL"), closeLimitMs);
    await exited;
    clearTimeout(limit);
  }

  #onExit(child: ChildProcess, how: string): void {
    if (!this.#isWanted || child !== this.#child) return;
    this.#isReady = false;
    this.#options.log(`The Functions host ended by itself (${how}); starting it again`);
    this.#startAgainLater();
  }

  #startAgainLater(): void {
    const now = performance.now();
    this.#endings = now - this.#lastEndMs < calmMs ? this.#endings + 1 : 1;
    this.#lastEndMs = now;
    const delayMs = Math.min(firstRestartDelayMs * 2 ** (this.#endings - 1), longestRestartDelayMs);
    this.#restarting = setTimeout(() => {
      this.start().catch((error: unknown) => {
        this.#options.log(`The Functions host did not start again: ${describeFailure(error)}`);
        if (this.#isWanted) this.#startAgainLater();
      });
    }, delayMs);
  }
}
