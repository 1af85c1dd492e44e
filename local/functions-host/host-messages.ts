import type { LocalCertificate } from "../certificate-authority.ts";
import type { HostKeys } from "./http-triggers.ts";

/** What a host process starts with, over IPC: keys and settings stand in nobody's list of processes. */
export interface HostStart {
  /** App settings and what else the platform tells an app by its environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly appDir: string;
  readonly keys: HostKeys;
  /** 0 for a free one. */
  readonly port: number;
  readonly certificate: LocalCertificate | undefined;
  /** How far the process is ahead of the machine's clock; undefined: it is on the machine's own. */
  readonly offsetMs: number | undefined;
  /** Of an app's instances one runs its timers, as the platform's lease on each of them has it. */
  readonly hasTimers: boolean;
}

/** What the parent tells the host process. */
export type HostOrder =
  | { readonly kind: "start"; readonly start: HostStart }
  /** Loads what most apps need, while the process waits; not before a start with an offset. */
  | { readonly kind: "warm" }
  /** To a process that was started with an offset. */
  | { readonly kind: "time"; readonly offsetMs: number }
  | { readonly kind: "close" };

/** What the host process tells its parent. */
export type HostReport =
  | { readonly kind: "ready"; readonly port: number; readonly functions: readonly string[] }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  | { readonly kind: "time"; readonly offsetMs: number }
  | { readonly kind: "log"; readonly line: string };
