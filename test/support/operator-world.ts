import { composeOperatorApi } from "../../functions/src/compose-operator.ts";
import type { OperatorParts } from "../../functions/src/compose-operator.ts";
import type { OperatorAnswer } from "../../functions/src/operator/operator-route.ts";
import { silentTelemetry } from "../../functions/src/platform/telemetry.ts";
import { createAuditLog } from "../../functions/src/recovery/audit-log.ts";
import { createFailureStore } from "../../functions/src/recovery/failure-store.ts";
import { startFrontDoor } from "../../local/front-door.ts";
import { createIdentityApp } from "../../local/identity/identity-app.ts";
import type { TokenRequest } from "../../local/identity/token-issuer.ts";
import { SimulatedClock } from "../../local/clock.ts";
import { appConfig } from "./app-config.ts";
import { ManualClock, startOfTime } from "./delivery-world.ts";
import { MemoryTableStore } from "./memory-table-store.ts";

const operatorAudience = "api://causeway-test";
const tenantId = "9c2f3d3e-6f0e-4f0f-8a51-0d6a8f1f2b11";

export type Role = "Reader" | "Operator" | "Approver" | "none";

export interface OperatorAsk {
  readonly method?: string;
  readonly path: string;
  /** Default: an Approver, who may do everything. */
  readonly as?: Role;
  readonly body?: unknown;
  /** In place of a good token; null sends none. */
  readonly authorization?: string | null;
}

export interface OperatorWorld {
  readonly parts: OperatorParts;
  readonly memory: MemoryTableStore;
  readonly clock: ManualClock;
  ask(ask: OperatorAsk): Promise<OperatorAnswer>;
  token(changes?: Partial<TokenRequest>): Promise<string>;
  close(): Promise<void>;
}

/** The operator API over memory stores, signed in by the local identity service. */
export async function createOperatorWorld(): Promise<OperatorWorld> {
  const clock = new ManualClock();
  const identity = await createIdentityApp(
    { clock: new SimulatedClock(startOfTime), log: () => undefined },
    { tenantId, wallClockMs: () => startOfTime },
  );
  const door = await startFrontDoor({ fetch: (request) => identity.app.fetch(request) });
  const memory = new MemoryTableStore();
  const operator = {
    authority: door.httpUrl,
    tenantId,
    audiences: [operatorAudience],
    allowEdits: true,
    replayPerSecond: 100,
  };
  const parts: OperatorParts = {
    config: appConfig({ operator }),
    clock,
    telemetry: silentTelemetry,
    failures: createFailureStore(memory, clock),
    audit: createAuditLog(memory, clock),
  };
  const api = composeOperatorApi(parts);
  const token = async (changes: Partial<TokenRequest> = {}): Promise<string> => {
    const request = { principalId: "p-anna", clientId: "c-1", audience: operatorAudience };
    return (await identity.tokens.issueToken({ ...request, ...changes })).token;
  };
  return {
    parts,
    memory,
    clock,
    token,
    ask: async ({ method = "GET", path, as = "Approver", body, authorization }) => {
      const url = new URL(path, "http://operator");
      const appRoles = as === "none" ? [] : [as];
      const own = authorization === undefined ? `Bearer ${await token({ appRoles })}` : null;
      return api({
        method,
        path: url.pathname.slice(1),
        query: url.searchParams,
        authorization: authorization ?? own,
        text: () => Promise.resolve(body === undefined ? "" : JSON.stringify(body)),
      });
    },
    close: () => door.close(),
  };
}
