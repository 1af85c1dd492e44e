import type { Environment } from "../local/environment.ts";
import type { LoadOptions } from "../local/start-local-azure.ts";

/** What the bench and the process that holds its local Azure say to each other. */
export interface StartMessage {
  readonly kind: "start";
  readonly folder: string;
  readonly functionsPackage: string;
  readonly load: LoadOptions;
}

export type ToLocalAzure = StartMessage | { readonly kind: "tableRequests" | "close" };

export type FromLocalAzure =
  | {
      readonly kind: "ready";
      readonly environment: Environment;
      readonly processes: Readonly<Record<string, number>>;
    }
  | { readonly kind: "failed"; readonly message: string }
  | { readonly kind: "tableRequests"; readonly count: number };
