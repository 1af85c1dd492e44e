import type { LocalCertificate } from "../certificate-authority.ts";
import type { HostKeys } from "./http-triggers.ts";

/** What the parent tells the host process, once, over IPC: keys never stand in arguments or environment. */
export interface HostStart {
  readonly appDir: string;
  readonly keys: HostKeys;
  /** 0 for a free one. */
  readonly port: number;
  readonly certificate: LocalCertificate | undefined;
}

/** What the host process tells its parent. */
export type HostReport =
  | { readonly kind: "ready"; readonly port: number; readonly functions: readonly string[] }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  | { readonly kind: "log"; readonly line: string };
