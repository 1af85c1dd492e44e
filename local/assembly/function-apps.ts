import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import type { ChildProcess } from "node:child_process";
import { unzipSync } from "fflate";
import type { LocalCertificate } from "../certificate-authority.ts";
import { AdvancingClock, type LocalClock } from "../clock.ts";
import type { Running } from "../cloud.ts";
import type { LocalFunctionApp, LocalFunctions } from "../deploy/local-cloud.ts";
import { openOn } from "./ports.ts";
import {
  spawnWaitingHost,
  startFunctionsHost,
  type FunctionsHost,
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
  host(): FunctionsHost | undefined;
  /** The host key `default` of the app that runs: who has it may post to the HTTPS door. */
  key(): string | undefined;
}

interface App extends LocalFunctionApp {
  readonly port: number;
  readonly key: string;
}

/** The Functions service: an app has an address and keys from the start, and a host once code is deployed. */
export function createFunctionApps(options: FunctionAppsOptions): FunctionApps {
  const apps = new Map<string, App>();
  const hosts = new Map<string, FunctionsHost>();
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
      apps.set(app.name, { ...app, port, key: randomBytes(24).toString("base64url") });
      return { hostName: `localhost:${port}` };
    },
    hostKeys: (name) => ({ default: find(name).key }),
    deployPackage: async (name, packagePath) => {
      const app = find(name);
      const appDir = join(options.folder, name);
      await unpack(packagePath, appDir);
      const host = await startFunctionsHost({
        ...(await takeWaiting()),
        appDir,
        appSettings: options.resolveSettings(app),
        caFile: options.caFile,
        certificate: options.certificate,
        hostKeys: { default: app.key, functions: {} },
        port: app.port,
        siteName: name,
        identity: { endpoint: options.identityEndpoint, header: options.identityHeaderOf(app) },
        ...(options.clock instanceof AdvancingClock ? { offsetMs: options.clock.offsetMs } : {}),
        log: options.log,
      });
      hosts.set(name, host);
    },
    host: () => [...hosts.values()][0],
    key: () => [...hosts.keys()].map((name) => find(name).key)[0],
    close: async () => {
      (await takeWaiting()).waiting?.kill("SIGKILL");
      await Promise.all([...hosts.values()].map((host) => host.close()));
    },
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

/** Free at the moment of asking: the app's address has to be known before its host runs. */
function findFreePort(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(wanted, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
