/**
 * The process that holds the function app: waits for its start message, runs the host, ends when its
 * parent goes away. Everything that it says goes to the parent.
 */
import { systemClock } from "../clock.ts";
import { describeFailure } from "./describe-failure.ts";
import { FunctionsHostError } from "./functions-host-error.ts";
import type { HostReport, HostStart } from "./host-messages.ts";
import { startHost } from "./start-host.ts";
import type { Host } from "./start-host.ts";

const CLOSE_LIMIT_MS = 5000;

let host: Host | undefined;
let isClosing = false;

process.on("message", (message: { readonly start?: HostStart; readonly close?: true }) => {
  if (message.start !== undefined) void start(message.start);
  if (message.close === true) void close();
});
process.on("disconnect", () => process.exit(0));
// Ctrl+C reaches the whole group; the parent decides about the order of closing.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => void close());
process.on("unhandledRejection", (reason) => {
  report({ kind: "log", line: `Unhandled rejection in the app: ${describeFailure(reason)}` });
});

async function start({ appDir, keys, port, certificate }: HostStart): Promise<void> {
  const log = (line: string): void => report({ kind: "log", line });
  try {
    host = await startHost({
      appDir,
      keys,
      port,
      certificate,
      log,
      clock: systemClock,
      settings: process.env,
    });
    report({ kind: "ready", port: host.port, functions: host.functions });
  } catch (error) {
    const { code, message } = toFailure(error, port);
    report({ kind: "failed", code, message });
    process.exitCode = 1;
    process.disconnect();
  }
}

function toFailure(error: unknown, port: number): { code: string; message: string } {
  if (error instanceof FunctionsHostError) return error;
  if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
    return { code: "PORT_IN_USE", message: `Port ${port} is in use` };
  }
  return { code: "APP_FAILED_TO_LOAD", message: describeFailure(error) };
}

async function close(): Promise<void> {
  if (isClosing) return;
  isClosing = true;
  setTimeout(() => process.exit(0), CLOSE_LIMIT_MS).unref();
  await host?.close();
  process.exit(0);
}

function report(message: HostReport): void {
  if (process.connected) process.send?.(message);
}
