import type { LocalCertificate } from "../certificate-authority.ts";
import type { HostKeys } from "./http-triggers.ts";

/** What a host process starts with, over IPC: keys never stand in arguments or environment. */
export interface HostStart {
  readonly appDir: string;
  readonly keys: HostKeys;
  /** 0 for a free one. */
  readonly port: number;
  readonly certificate: LocalCertificate | undefined;
  /** How far the process is ahead of the machine's clock; undefined: it is on the machine's own. */
  readonly offsetMs: number | undefined;
}

/** What the parent tells the host process. */
export type HostOrder =
  | { readonly kind: "start"; readonly start: HostStart }
  /** To a process that was started with an offset. */
  | { readonly kind: "time"; readonly offsetMs: number }
  | { readonly kind: "close" };

/** What the host process tells its parent. */
export type HostReport =
  | { readonly kind: "ready"; readonly port: number; readonly functions: readonly string[] }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  | { readonly kind: "time"; readonly offsetMs: number }
  | { readonly kind: "log"; readonly line: string };
