/**
 * The process that holds the function app: waits for its start message, runs the host, ends when its
 * parent goes away. Everything that it says goes to the parent.
 */
import { AdvancingClock, systemClock } from "../clock.ts";
import { describeFailure } from "./describe-failure.ts";
import { FunctionsHostError } from "./functions-host-error.ts";
import type { HostOrder, HostReport, HostStart } from "./host-messages.ts";
import { loadServiceBusSdk } from "./open-service-bus-client.ts";
import { installProcessTime } from "./process-time.ts";
import { startHost } from "./start-host.ts";
import type { Host } from "./start-host.ts";

const CLOSE_LIMIT_MS = 5000;

let host: Host | undefined;
let isClosing = false;
/** Set in fault runs, whose time the parent moves on. */
let movedClock: AdvancingClock | undefined;

process.on("message", (order: HostOrder) => {
  if (order.kind === "start") void start(order.start);
  if (order.kind === "warm") void loadServiceBusSdk();
  if (order.kind === "time") void moveTo(order.offsetMs);
  if (order.kind === "close") void close();
});
process.on("disconnect", () => process.exit(0));
// Ctrl+C reaches the whole group; the parent decides about the order of closing.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => void close());
process.on("unhandledRejection", (reason) => {
  report({ kind: "log", line: `Unhandled rejection in the app: ${describeFailure(reason)}` });
});

async function start(options: HostStart): Promise<void> {
  const { appDir, keys, port, certificate, offsetMs, hasTimers } = options;
  const log = (line: string): void => report({ kind: "log", line });
  Object.assign(process.env, options.environment);
  if (offsetMs !== undefined) {
    movedClock = new AdvancingClock(offsetMs);
    // Before the app is loaded: libraries keep `Date.now` and `setTimeout` for themselves.
    installProcessTime(globalThis, movedClock);
  }
  try {
    host = await startHost({
      appDir,
      keys,
      port,
      certificate,
      hasTimers,
      log,
      clock: movedClock ?? systemClock,
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

/** Answered once everything that became due by it has been called. */
async function moveTo(offsetMs: number): Promise<void> {
  if (movedClock === undefined) return;
  await movedClock.advance(offsetMs - movedClock.offsetMs);
  report({ kind: "time", offsetMs });
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
