import { fileURLToPath } from "node:url";

/** A connection or look-up that the guard did not let out. */
export interface RefusedConnection {
  readonly kind: "tcp" | "udp" | "dns";
  readonly host: string;
  readonly port?: number;
}

/** To be preloaded into every local process: `node --import <this file>`. Plain JavaScript, no loader needed. */
export const connectGuardFile = fileURLToPath(new URL("connect-guard-preload.js", import.meta.url));

/** What this process tried to reach outside loopback, oldest first; empty when no guard is in place. */
export function refusedConnections(): readonly RefusedConnection[] {
  const state = globalThis as { readonly [guardState]?: readonly RefusedConnection[] };
  return [...(state[guardState] ?? [])];
}

const guardState = Symbol.for("causeway.connect-guard");
