import { composeOperatorApi } from "../../functions/src/compose-operator.ts";
import type { OperatorParts } from "../../functions/src/compose-operator.ts";
import type { OperatorAnswer } from "../../functions/src/operator/operator-route.ts";
import { silentTelemetry } from "../../functions/src/platform/telemetry.ts";
import { createAuditLog } from "../../functions/src/recovery/audit-log.ts";
import { createProbeRounds } from "../../functions/src/targets/probe-rounds.ts";
import { createVerificationStore } from "../../functions/src/recovery/verify/verification-store.ts";
import { startFrontDoor } from "../../local/front-door.ts";
import { createIdentityApp } from "../../local/identity/identity-app.ts";
import type { TokenRequest } from "../../local/identity/token-issuer.ts";
import { SimulatedClock } from "../../local/clock.ts";
import { appConfig } from "./app-config.ts";
import { startOfTime } from "./delivery-world.ts";
import { readsOver } from "./reads-world.ts";
import { ReplayWorld } from "./replay-world.ts";

const operatorAudience = "api://causeway-test";
const probedPlaces = ["ce", "email"].map((target) => ({ flow: "invoice-posted", target }));
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
  readonly clientIp?: string;
}

export interface OperatorWorld {
  readonly parts: OperatorParts;
  /** The deliveries that are operated, with their failures and replays. */
  readonly replays: ReplayWorld;
  /** Replays that were begun or told something, in order. */
  readonly kicked: readonly string[];
  /** Message ids of the probe's rounds, in order. */
  readonly probed: readonly string[];
  /** Service Bus takes nothing the next time that a round is sent. */
  refuseNextRound(): void;
  ask(ask: OperatorAsk): Promise<OperatorAnswer>;
  token(changes?: Partial<TokenRequest>): Promise<string>;
  close(): Promise<void>;
}

// One for all worlds of a test file: making its key takes most of a short test's time.
const identity = await createIdentityApp(
  { clock: new SimulatedClock(startOfTime), log: () => undefined },
  { tenantId, wallClockMs: () => startOfTime },
);

/** The operator API over memory stores, signed in by the local identity service. */
export async function createOperatorWorld({
  allowEdits = true,
  addresses,
}: {
  readonly allowEdits?: boolean;
  readonly addresses?: readonly string[];
} = {}): Promise<OperatorWorld> {
  const replays = new ReplayWorld();
  const { clock, memory } = replays.delivery;
  const kicked: string[] = [];
  const probed: string[] = [];
  let refusal: Error | undefined;
  const door = await startFrontDoor({ fetch: (request) => identity.app.fetch(request) });
  const operator = {
    authority: door.httpUrl,
    tenantId,
    audiences: [operatorAudience],
    allowEdits,
    ...(addresses === undefined ? {} : { addresses }),
    replayPerSecond: 100,
  };
  const parts: OperatorParts = {
    config: appConfig({ operator }),
    clock,
    telemetry: silentTelemetry,
    recovery: replays.runner(clock, {}),
    verify: {
      ...replays.runner(clock, {}),
      config: appConfig({ operator }),
      verifications: createVerificationStore(memory),
      readers: {},
    },
    runner: {
      kick: (id) => void kicked.push(id),
      runAll: () => Promise.resolve(),
      takeOver: () => Promise.resolve(),
    },
    audit: createAuditLog(memory, clock),
    probes: {
      probe: {
        places: probedPlaces,
        messages: (round = "") =>
          probedPlaces.map(({ target }) => ({
            messageId: `${round}-${target}`,
            body: JSON.stringify({ round }),
            properties: { target },
          })),
      },
      rounds: createProbeRounds(memory, clock),
      sender: {
        send: (_entity, messages) => {
          const error = refusal;
          refusal = undefined;
          if (error !== undefined) return Promise.reject(error);
          probed.push(...messages.map(({ messageId }) => messageId));
          return Promise.resolve();
        },
      },
    },
    reads: await readsOver(replays.delivery),
  };
  const api = composeOperatorApi(parts);
  const token = async (changes: Partial<TokenRequest> = {}): Promise<string> => {
    const request = { principalId: "p-anna", clientId: "c-1", audience: operatorAudience };
    return (await identity.tokens.issueToken({ ...request, ...changes })).token;
  };
  return {
    parts,
    replays,
    kicked,
    probed,
    refuseNextRound: () => void (refusal = new Error("Service Bus is away.")),
    token,
    ask: async ({
      method = "GET",
      path,
      as = "Approver",
      body,
      authorization,
      clientIp = null,
    }) => {
      const url = new URL(path, "http://operator");
      const appRoles = as === "none" ? [] : [as];
      const own = authorization === undefined ? `Bearer ${await token({ appRoles })}` : null;
      return api({
        method,
        path: url.pathname.slice(1),
        query: url.searchParams,
        authorization: authorization ?? own,
        clientIp,
        text: () => Promise.resolve(body === undefined ? "" : JSON.stringify(body)),
      });
    },
    close: () => door.close(),
  };
}
