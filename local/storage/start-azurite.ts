import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { join, resolve as resolvePath } from "node:path";
import { createInterface } from "node:readline";
import { connect as connectTls } from "node:tls";
import { bundleCached, storageProgram } from "../bundle-cached.js";
import type { LocalCertificate } from "../certificate-authority.ts";
import type { Running } from "../cloud.ts";
import { connectGuardFile } from "../connect-guard.ts";
import { startTunnel, type Tunnel } from "./tunnel.ts";

/**
 * One run of Azurite: starting → ready → closed, or starting → failed.
 * It is ready when each of its three services has said on which port it listens; it is its own process group,
 * so that Ctrl+C in a terminal reaches only us and we choose when storage goes.
 */

export interface AzuriteOptions {
  readonly certificate: LocalCertificate;
  /** Holds the certificate's files while it runs; data stays in memory. */
  readonly dir: string;
  readonly accountName: string;
  /** Base64, 64 bytes in Azure. */
  readonly accountKey: string;
  /** The https endpoints lead through doors that can be shut; costs every byte a turn in this process. */
  readonly canBeAway?: boolean;
  /** Node's own limit when left out; a million rows want some thousands. */
  readonly heapMb?: number;
  readonly log: (line: string) => void;
}

export interface Azurite extends Running {
  /** https, path style with the account; take shared key, SAS and bearer tokens. */
  readonly blobEndpoint: string;
  readonly queueEndpoint: string;
  readonly tableEndpoint: string;
  /** http, for tools without the local authority; shared key only. */
  readonly connectionString: string;
  readonly pid: number;
  /** Requests of any kind that its table service has got. */
  tableRequests(): Promise<number>;
  /**
   * From now on only these principals get through with a token: object ids by service. `onAsk` is told once of
   * each that comes for each container or table (empty: for the account), let through or not, again after each call.
   */
  enforceRoles(holders: Readonly<Record<RoleService, RoleHolders>>): void;
  onAsk(listener: (service: RoleService, principalId: string, name: string) => void): void;
  /** Shuts the https endpoints, for those who were started with `canBeAway`; the http ones stay open. */
  setAway(isAway: boolean): void;
  /** Rises while bytes go through the doors. */
  readonly activity: () => number;
}

export interface RoleHolders {
  /** Of the whole account. */
  readonly account: readonly string[];
  /** By container or table, in lower case. */
  readonly within: Readonly<Record<string, readonly string[]>>;
}

/** What the function app uses of an account. */
export type RoleService = "Blob" | "Table";

const serviceNames = ["Blob", "Queue", "Table"] as const;
type ServiceName = (typeof serviceNames)[number];
type Ports = Readonly<Record<ServiceName, number>>;

/** Storage accounts for unchanged SDK clients: Azurite in a child process that ends with this one. */
export async function startAzurite(options: AzuriteOptions): Promise<Azurite> {
  const child = await spawnAzurite(options);
  const stop = (): Promise<void> => stopChild(child);
  const ports = await untilReady(child, options.log).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const { ca } = options.certificate;
  const tunnels = await startTunnels((name) =>
    connectTls({ host: "127.0.0.1", port: ports[name], ca }),
  );
  const doors =
    options.canBeAway === true
      ? await startTunnels((name) => connect({ host: "127.0.0.1", port: ports[name] }))
      : undefined;
  const allTunnels = [tunnels, doors ?? {}].flatMap((each) => Object.values<Tunnel>(each));
  const portOf = (name: ServiceName): number => doors?.[name].port ?? ports[name];
  const path = `/${options.accountName}`;
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await Promise.all([stop(), ...allTunnels.map((tunnel) => tunnel.close())]);
    await rm(options.dir, { recursive: true, force: true });
  };
  return {
    blobEndpoint: `https://127.0.0.1:${portOf("Blob")}${path}`,
    queueEndpoint: `https://127.0.0.1:${portOf("Queue")}${path}`,
    tableEndpoint: `https://127.0.0.1:${portOf("Table")}${path}`,
    connectionString: [
      "DefaultEndpointsProtocol=http",
      `AccountName=${options.accountName}`,
      `AccountKey=${options.accountKey}`,
      ...serviceNames.map(
        (name) => `${name}Endpoint=http://127.0.0.1:${tunnels[name].port}${path}`,
      ),
    ].join(";"),
    pid: child.pid ?? 0,
    tableRequests: () => askForRequests(child, ports.Table),
    enforceRoles: ({ Blob, Table }) => {
      if (!child.connected) return;
      child.send({ holders: { [ports.Blob]: Blob, [ports.Table]: Table } });
    },
    onAsk: (listener) => {
      child.on("message", (message: ChildMessage) => {
        if (message.asked === undefined) return;
        const { name, port, principalId } = message.asked;
        listener(port === ports.Blob ? "Blob" : "Table", principalId, name);
      });
    },
    setAway: (isAway) => {
      for (const name of serviceNames) doors?.[name].setAway(isAway);
    },
    activity: () => serviceNames.reduce((sum, name) => sum + (doors?.[name].activity() ?? 0), 0),
    close: () => (closing ??= close()),
  };
}

async function spawnAzurite(options: AzuriteOptions): Promise<ChildProcess> {
  await mkdir(options.dir, { recursive: true, mode: 0o700 });
  const dir = resolvePath(options.dir);
  const [cert, key] = [join(dir, "azurite.pem"), join(dir, "azurite-key.pem")];
  await Promise.all([
    writeFile(cert, options.certificate.cert, { mode: 0o600 }),
    writeFile(key, options.certificate.key, { mode: 0o600 }),
  ]);
  await bundleCached(storageProgram);
  return spawn(
    process.execPath,
    [
      // With 2 MB a fifth of its time under load went into collecting short-lived objects.
      "--max-semi-space-size=8",
      ...(options.heapMb === undefined ? [] : [`--max-old-space-size=${options.heapMb}`]),
      ...["--import", connectGuardFile],
      join(storageProgram.outDir, "azurite-process.js"),
      ...["--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck", "--silent"],
      ...["--oauth", "basic", "--cert", cert, "--key", key],
      ...serviceNames.flatMap((name) => [`--${name.toLowerCase()}Port`, "0"]),
    ],
    {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true,
      // Its default location; refuses to be told one together with --inMemoryPersistence.
      cwd: options.dir,
      env: {
        PATH: process.env["PATH"],
        AZURITE_ACCOUNTS: `${options.accountName}:${options.accountKey}`,
      },
    },
  );
}

function untilReady(child: ChildProcess, log: (line: string) => void): Promise<Ports> {
  const found = new Map<string, number>();
  const complaints: string[] = [];
  const { stdout, stderr } = child;
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new Error(`Azurite ended (${signal ?? code ?? "?"}): ${complaints.join(" ")}`));
    });
    if (stdout === null || stderr === null) throw new Error("Azurite was started without pipes");
    createInterface({ input: stderr }).on("line", (line) => {
      if (complaints.length < 10) complaints.push(line);
      log(`azurite: ${line}`);
    });
    createInterface({ input: stdout }).on("line", (line) => {
      const match = /Azurite (\w+) service is successfully listening at .*:(\d+)$/.exec(line);
      const [, name, port] = match ?? [];
      if (name !== undefined) found.set(name, Number(port));
      const [Blob, Queue, Table] = serviceNames.map((service) => found.get(service));
      if (Blob !== undefined && Queue !== undefined && Table !== undefined) {
        resolve({ Blob, Queue, Table });
      }
    });
  });
}

/** For http clients to the https ports (with TLS on the far side), or as doors before them (without). */
async function startTunnels(
  open: (name: ServiceName) => Socket,
): Promise<Readonly<Record<ServiceName, Tunnel>>> {
  const [Blob, Queue, Table] = await Promise.all([
    startTunnel(() => open("Blob")),
    startTunnel(() => open("Queue")),
    startTunnel(() => open("Table")),
  ]);
  return { Blob, Queue, Table };
}

interface ChildMessage {
  readonly counts?: Readonly<Record<string, number>>;
  readonly asked?: { readonly port: number; readonly principalId: string; readonly name: string };
}

const countLimitMs = 5_000;

function askForRequests(child: ChildProcess, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      child.off("message", read);
      reject(new Error("Azurite told no count"));
    }, countLimitMs);
    const read = ({ counts }: ChildMessage): void => {
      if (counts === undefined) return;
      clearTimeout(limit);
      child.off("message", read);
      resolve(counts[port] ?? 0);
    };
    child.on("message", read);
    child.send({ countRequests: true });
  });
}

/** Nothing of it outlives the process, so there is nothing to wait for beyond its end. */
function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}
