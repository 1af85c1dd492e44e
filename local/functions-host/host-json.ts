import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { FunctionsHostError } from "./functions-host-error.ts";

/** The part of host.json that changes what this host does; defaults are those of extension 5.x. */
export interface HostJson {
  readonly routePrefix: string;
  readonly serviceBus: ServiceBusHostSettings;
}

export interface ServiceBusHostSettings {
  /** Messages in work at once per function with cardinality one. */
  readonly maxConcurrentCalls: number;
  readonly maxMessageBatchSize: number;
  readonly minMessageBatchSize: number;
  /** How long a batch waits to reach `minMessageBatchSize`; unused when that is 1. */
  readonly maxBatchWaitMs: number;
  /** Single dispatch only: the genuine host never renews the locks of a batch. */
  readonly maxAutoLockRenewalMs: number;
}

export function readHostJson(appDir: string): HostJson {
  const path = join(appDir, "host.json");
  if (!existsSync(path)) return toHostJson({});
  try {
    return toHostJson(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new FunctionsHostError("APP_NOT_FOUND", `${path} is not JSON`, error);
  }
}

function toHostJson(host: unknown): HostJson {
  const extensions = member(host, "extensions");
  const serviceBus = member(extensions, "serviceBus");
  const routePrefix = member(member(extensions, "http"), "routePrefix");
  return {
    routePrefix: typeof routePrefix === "string" ? routePrefix : "api",
    serviceBus: {
      maxConcurrentCalls: toNumber(member(serviceBus, "maxConcurrentCalls"), 16 * cpus().length),
      maxMessageBatchSize: toNumber(member(serviceBus, "maxMessageBatchSize"), 1000),
      minMessageBatchSize: toNumber(member(serviceBus, "minMessageBatchSize"), 1),
      maxBatchWaitMs: toSpanMs(member(serviceBus, "maxBatchWaitTime"), 30_000),
      maxAutoLockRenewalMs: toSpanMs(member(serviceBus, "maxAutoLockRenewalDuration"), 300_000),
    },
  };
}

/** A .NET time span `[d.]hh:mm:ss[.fff]` in milliseconds; undefined when it is none. */
export function parseTimeSpan(text: string): number | undefined {
  const match = /^(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?$/.exec(text);
  if (match === null) return undefined;
  const [, days = "0", hours = "0", minutes = "0", seconds = "0", fraction = "0"] = match;
  const whole = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  return whole * 1000 + Math.trunc(Number(`0.${fraction}`) * 1000);
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function toNumber(value: unknown, fallback: number): number {
  return typeof value === "number" && value >= 1 ? value : fallback;
}

function toSpanMs(value: unknown, fallbackMs: number): number {
  return (typeof value === "string" ? parseTimeSpan(value) : undefined) ?? fallbackMs;
}
