/*
 * The composition root: reads the settings and builds everything once, at the first invocation. Nothing
 * else of the function app knows how its parts are made.
 */
import { fileURLToPath } from "node:url";
import type { TokenCredential } from "@azure/identity";
import type { CanonicalEvent } from "../../schemas/types/canonical-event.ts";
import { createBudgets } from "./delivery/budgets.ts";
import { createClaims } from "./delivery/claims.ts";
import { createIntakeLane, createTargetLane } from "./delivery/create-lane.ts";
import { createEngine } from "./delivery/engine.ts";
import type { Engine } from "./delivery/engine.ts";
import { createGates } from "./delivery/gates.ts";
import { createIntakeLedger } from "./delivery/intake-ledger.ts";
import type { Lane } from "./delivery/lane.ts";
import { Ledger } from "./delivery/ledger.ts";
import { createPublisher } from "./delivery/publisher.ts";
import type { RunBatchDependencies } from "./delivery/run-batch.ts";
import { createFinanceClient } from "./dynamics/finance-client.ts";
import { findFlow, loadFlows } from "./flows/load-flows.ts";
import { createSchemaSet } from "./flows/schema-set.ts";
import { createParser } from "./intake/create-parser.ts";
import { createIntakeTarget } from "./intake/intake-target.ts";
import type { ParsedEvent } from "./intake/parse-business-event.ts";
import { createApplicationInsights } from "./platform/application-insights.ts";
import { createAzureTableStore } from "./platform/azure-table-store.ts";
import { createBodyStore } from "./platform/body-store.ts";
import type { BodyStore } from "./platform/body-store.ts";
import { systemClock } from "./platform/clock.ts";
import { readConfig } from "./platform/config.ts";
import type { AppConfig } from "./platform/config.ts";
import { createDeadLetterBlobs } from "./platform/dead-letter-blobs.ts";
import { createGatheringTableStore } from "./platform/gathering-table-store.ts";
import { createHttp } from "./platform/http.ts";
import { createServiceBus } from "./platform/service-bus-sender.ts";
import type { ServiceBus } from "./platform/service-bus-sender.ts";
import { silentTelemetry } from "./platform/telemetry.ts";
import type { Telemetry } from "./platform/telemetry.ts";
import { createCredential, createGetToken } from "./platform/token.ts";
import { createAuditLog } from "./recovery/audit-log.ts";
import { groupFailures } from "./recovery/group-failures.ts";
import { createOwnerNotices } from "./recovery/owner-notices.ts";
import type { OwnerNotices } from "./recovery/owner-notices.ts";
import { createFailureStore } from "./recovery/failure-store.ts";
import type { DrainDependencies } from "./recovery/drain-dead-letters.ts";
import type { Probe } from "./targets/probe.ts";
import { composeProbe } from "./compose-probe.ts";
import { createTargets } from "./compose-targets.ts";
import { composeOperatorApi } from "./compose-operator.ts";
import type { OperatorApi } from "./operator/create-operator-api.ts";

/** What triggers work with. */
export interface App {
  readonly config: AppConfig;
  readonly engine: Engine;
  readonly intake: Lane<unknown>;
  readonly targets: ReadonlyMap<string, Lane<CanonicalEvent>>;
  readonly serviceBus: ServiceBus;
  readonly batches: RunBatchDependencies;
  readonly ledger: Ledger;
  readonly bodies: BodyStore;
  readonly telemetry: Telemetry;
  readonly recovery: DrainDependencies;
  readonly operate: OperatorApi;
  readonly probe: Probe;
  readonly notices: OwnerNotices;
  parse(body: unknown): ParsedEvent;
}

let app: Promise<App> | undefined;

/** The one app of this process. A start that fails is tried again by the next invocation. */
export function getApp(): Promise<App> {
  app ??= compose(readConfig(process.env)).catch((error: unknown) => {
    app = undefined;
    throw error;
  });
  return app;
}

async function compose(config: AppConfig): Promise<App> {
  const clock = systemClock;
  const random = Math.random;
  const credential = createCredential(config.clientId);
  const telemetry = createTelemetry(config, credential);
  const schemas = createSchemaSet();
  // Beside the bundle, in the deployed package.
  const flows = await loadFlows(fileURLToPath(new URL("flows", import.meta.url)), schemas);
  const store = createGatheringTableStore(createAzureTableStore(config.tableEndpoint, credential));
  const serviceBus = createServiceBus(config.serviceBusNamespace, credential);
  const { sender } = serviceBus;
  const bodies = createBodyStore(config.blobEndpoint, credential);
  const ledger = new Ledger({ store, bodies, clock });
  const http = createHttp();
  const getToken = createGetToken(credential, clock);
  const { maxMessageBytes, maximumInstanceCount: instances } = config;
  const knownEvents = flows.flatMap(({ flow }) => flow.businessEvents);
  const parse = createParser({ schemas, knownEvents });
  const flowOf = (raw: unknown): string => {
    const parsed = parse(raw);
    if (parsed.kind !== "invoice") return "";
    return findFlow(flows, parsed.event.businessEventId)?.name ?? "";
  };
  const intake = createIntakeTarget({
    finance: createFinanceClient({ baseUrl: config.financeUrl, http, getToken }),
    flows,
    schemas,
    config,
    ledger: createIntakeLedger(ledger, clock, telemetry),
    publisher: createPublisher(sender, maxMessageBytes),
    clock,
  });
  const targetsInput = { flows, config, http, getToken, clock, telemetry };
  const targets = createTargets(targetsInput);
  const failures = createFailureStore(store, clock);
  const audit = createAuditLog(store, clock);
  const notices = createOwnerNotices({
    ...{ store, clock, telemetry, http, webhooks: config.ownerWebhooks },
    openGroups: () => groupFailures(failures, { status: "open" }),
  });
  return {
    config,
    engine: createEngine({
      ledger,
      claims: createClaims(store),
      gates: createGates(store, clock, telemetry),
      budgets: createBudgets({ store, clock, instances }),
      sender,
      clock,
      telemetry,
      random,
    }),
    intake: createIntakeLane({ target: intake, ledger, maxMessageBytes, flowOf }),
    targets: new Map(
      targets.map((each) => [
        each.target.name,
        createTargetLane({ ...each, ledger, maxMessageBytes }),
      ]),
    ),
    serviceBus,
    batches: { sender, clock, telemetry, random },
    ledger,
    bodies,
    telemetry,
    recovery: {
      ledger,
      failures,
      clock,
      telemetry,
      notices,
      identify: (body) => toIdentity(parse(body)),
      serviceBus,
      blobs: createDeadLetterBlobs(config.blobEndpoint, credential),
    },
    operate: composeOperatorApi({ config, clock, telemetry, failures, audit }),
    probe: composeProbe(targetsInput),
    notices,
    parse,
  };
}

function toIdentity(
  parsed: ParsedEvent,
): { readonly eventId: string; readonly time: string } | null {
  if (parsed.kind === "invoice") return parsed.event;
  return parsed.kind === "test" ? null : parsed.identity;
}

function createTelemetry(config: AppConfig, credential: TokenCredential): Telemetry {
  const connectionString = config.telemetryConnectionString;
  if (connectionString === undefined || connectionString === "") return silentTelemetry;
  return createApplicationInsights({
    connectionString,
    credential,
    onFailure: (error) => {
      process.stderr.write(
        `telemetry is silent: ${error instanceof Error ? error.name : "error"}\n`,
      );
    },
  });
}
