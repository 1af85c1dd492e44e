import { mkdir } from "node:fs/promises";
import { startStorage } from "../local/assembly/start-storage.ts";
import type { Azurite } from "../local/storage/start-azurite.ts";
import { startLocalAzure } from "../local/start-local-azure.ts";
import type { LocalAzure } from "../local/start-local-azure.ts";
import type { FromLocalAzure, StartMessage, ToLocalAzure } from "./messages.ts";

/**
 * The local Azure of a bench run in a process of its own, so that its processor time can be told apart
 * from the bench's: started → ready → closed. It ends with its parent.
 */
let azure: LocalAzure | undefined;
let storage: Azurite | undefined;

process.on("message", (message: ToLocalAzure) => {
  void answer(message).catch((error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    tell({ kind: "failed", message: text });
  });
});
process.on("disconnect", () => void close());
// Ctrl+C reaches the whole group; the bench decides when this ends.
process.on("SIGINT", () => undefined);

async function answer(message: ToLocalAzure): Promise<void> {
  switch (message.kind) {
    case "start":
      return start(message);
    case "tableRequests":
      tell({ kind: "tableRequests", count: (await storage?.tableRequests()) ?? 0 });
      return;
    case "close":
      return close();
  }
}

async function start({ folder, functionsPackage, load }: StartMessage): Promise<void> {
  await mkdir(folder, { recursive: true });
  // What the local services say in a good run would be one line for every workflow run.
  const log = (): void => undefined;
  const starting = startStorage(folder, log);
  azure = await startLocalAzure({ folder, storage: starting, functionsPackage, load, log });
  storage = await starting.azurite;
  const { environment } = azure;
  tell({
    kind: "ready",
    environment,
    processes: {
      "local Azure": process.pid,
      "function app": environment.processes.functions,
      storage: storage.pid,
    },
  });
}

async function close(): Promise<void> {
  await azure?.close();
  process.exit(0);
}

function tell(message: FromLocalAzure): void {
  if (process.connected) process.send?.(message);
}
