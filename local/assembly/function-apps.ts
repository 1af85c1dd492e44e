import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ChildProcess } from "node:child_process";
import { unzipSync } from "fflate";
import type { LocalCertificate } from "../certificate-authority.ts";
import { AdvancingClock, type LocalClock } from "../clock.ts";
import type { Running } from "../cloud.ts";
import { HTTPS_DOOR_FUNCTION } from "../../infra/topology.ts";
import type { LocalFunctionApp, LocalFunctions } from "../deploy/local-cloud.ts";
import { findFreePort } from "./find-free-port.ts";
import { openOn } from "./ports.ts";
import {
  spawnWaitingHost,
  startFunctionsHost,
  type FunctionsHost,
  type FunctionsHostOptions,
} from "../functions-host/start-functions-host.ts";
import type { HostOrder } from "../functions-host/host-messages.ts";

export interface FunctionAppsOptions {
  /** Deployed packages are unpacked below it. */
  readonly folder: string;
  readonly caFile: string;
  readonly certificate: LocalCertificate;
  /** A free one when undefined. */
  readonly port: number | undefined;
  readonly identityEndpoint: string;
  /** The secret that lets the app's host ask for the app's identities. */
  readonly identityHeaderOf: (app: LocalFunctionApp) => string;
  /** Puts secrets in the place of references to them. */
  readonly resolveSettings: (app: LocalFunctionApp) => Readonly<Record<string, string>>;
  /** The app's time is moved with it when it can be moved. */
  readonly clock: LocalClock;
  readonly log: (line: string) => void;
}

export interface FunctionApps extends LocalFunctions, Running {
  /** The instance behind the app's address, which runs its timers. */
  host(): FunctionsHost | undefined;
  /** All of its instances; that one is the first. */
  instances(): readonly FunctionsHost[];
  /** Starts further instances, or ends them, until there are `count` of the app that runs. */
  scaleTo(count: number): Promise<void>;
  /** The host key `default` of the app that runs: who has it may post to the HTTPS door. */
  key(): string | undefined;
}

interface App extends LocalFunctionApp {
  readonly port: number;
  readonly key: string;
  /** By function, those whose own keys are asked for. */
  readonly functionKeys: Readonly<Record<string, string>>;
  /** One for all of its instances: a new one takes the place of an earlier one. */
  readonly identityHeader: string;
}

interface RunningApp {
  readonly app: App;
  readonly host: FunctionsHost;
  readonly others: FunctionsHost[];
}

/** The Functions service: an app has an address and keys from the start, and a host once code is deployed. */
export function createFunctionApps(options: FunctionAppsOptions): FunctionApps {
  const apps = new Map<string, App>();
  const running = new Map<string, RunningApp>();
  const first = (): RunningApp | undefined => [...running.values()][0];
  let waiting: Promise<ChildProcess> | undefined = prepareHost(options);
  const takeWaiting = async (): Promise<{ readonly waiting?: ChildProcess }> => {
    const taken = waiting;
    waiting = undefined;
    return taken === undefined ? {} : { waiting: await taken };
  };
  const find = (name: string): App => {
    const app = apps.get(name);
    if (app === undefined) throw new Error(`There is no function app ${name}.`);
    return app;
  };
  return {
    createApp: async (app) => {
      const port = await openOn("functions", { functions: options.port ?? 0 }, findFreePort);
      const [key, doorKey] = [createKey(), createKey()];
      const functionKeys = { [HTTPS_DOOR_FUNCTION]: doorKey };
      const identityHeader = options.identityHeaderOf(app);
      apps.set(app.name, { ...app, port, key, functionKeys, identityHeader });
      return { hostName: `localhost:${port}` };
    },
    hostKeys: (name) => ({ default: find(name).key }),
    functionKeys: (name, functionName) => {
      const key = find(name).functionKeys[functionName];
      if (key === undefined) throw new Error(`${name} has no keyed function ${functionName}.`);
      return { default: key };
    },
    deployPackage: async (name, packagePath) => {
      const app = find(name);
      await unpack(packagePath, join(options.folder, name));
      const host = await startFunctionsHost({
        ...toHostOptions(app, options),
        ...(await takeWaiting()),
        port: app.port,
      });
      running.set(name, { app, host, others: [] });
    },
    host: () => first()?.host,
    instances: () => {
      const { host, others = [] } = first() ?? {};
      return host === undefined ? [] : [host, ...others];
    },
    scaleTo: async (count) => {
      const { app, others } = first() ?? {};
      if (app === undefined || others === undefined) throw new Error("No function app runs.");
      await Promise.all(others.splice(Math.max(count - 1, 0)).map((host) => host.close()));
      while (others.length < count - 1) {
        others.push(await startFunctionsHost({ ...toHostOptions(app, options), hasTimers: false }));
      }
    },
    key: () => first()?.app.key,
    close: async () => {
      (await takeWaiting()).waiting?.kill("SIGKILL");
      const hosts = [...running.values()].flatMap(({ host, others }) => [host, ...others]);
      await Promise.all(hosts.map((host) => host.close()));
    },
  };
}

function createKey(): string {
  return randomBytes(24).toString("base64url");
}

function toHostOptions(app: App, options: FunctionAppsOptions): FunctionsHostOptions {
  const { clock } = options;
  return {
    appDir: join(options.folder, app.name),
    appSettings: options.resolveSettings(app),
    caFile: options.caFile,
    certificate: options.certificate,
    hostKeys: { default: app.key, functions: app.functionKeys },
    siteName: app.name,
    identity: { endpoint: options.identityEndpoint, header: app.identityHeader },
    ...(clock instanceof AdvancingClock ? { offsetMs: clock.offsetMs } : {}),
    log: options.log,
  };
}

/** Loading takes half a second that is free while the program runs. */
function prepareHost({ caFile, clock }: FunctionAppsOptions): Promise<ChildProcess> {
  const spawned = spawnWaitingHost(caFile);
  // What loads before a moved clock is in place keeps the machine's.
  if (!(clock instanceof AdvancingClock)) {
    spawned.then(
      (child) => child.send({ kind: "warm" } satisfies HostOrder),
      () => undefined,
    );
  }
  spawned.catch(() => undefined);
  return spawned;
}

async function unpack(packagePath: string, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const files = unzipSync(await readFile(packagePath));
  await Promise.all(
    Object.entries(files).map(async ([name, content]) => {
      if (name.endsWith("/")) return;
      const file = join(folder, name);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }),
  );
}
