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
import { createDataverseClient } from "./dynamics/dataverse-client.ts";
import { createFinanceClient } from "./dynamics/finance-client.ts";
import { paceQuota } from "./dynamics/pace-quota.ts";
import { watchQuota } from "./dynamics/watch-quota.ts";
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
import { createTableCatalog } from "./platform/table-catalog.ts";
import { createServiceBus } from "./platform/service-bus-sender.ts";
import type { ServiceBus } from "./platform/service-bus-sender.ts";
import { silentTelemetry } from "./platform/telemetry.ts";
import type { Telemetry } from "./platform/telemetry.ts";
import { createCredential, createGetToken } from "./platform/token.ts";
import { createAuditLog } from "./recovery/audit-log.ts";
import { groupFailures } from "./recovery/group-failures.ts";
import { createNoticeChannels } from "./recovery/notice-channels.ts";
import { createOwnerNotices } from "./recovery/owner-notices.ts";
import type { OwnerNotices } from "./recovery/owner-notices.ts";
import { createFailureStore } from "./recovery/failure-store.ts";
import type { DrainDependencies } from "./recovery/drain-dead-letters.ts";
import { createRetentionStore } from "./recovery/retention/retention-store.ts";
import type { RetentionDependencies } from "./recovery/retention/run-retention.ts";
import { createReplayRunner } from "./recovery/replay/create-replay-runner.ts";
import type { ReplayRunner } from "./recovery/replay/create-replay-runner.ts";
import { createReplayStore } from "./recovery/replay/replay-store.ts";
import type { RunnerDependencies } from "./recovery/replay/run-replay.ts";
import type { CountDependencies } from "./recovery/verify/count-posted.ts";
import type { VerifyDependencies } from "./recovery/verify/run-verification.ts";
import { createIsServed } from "./recovery/verify/served-documents.ts";
import { createVerificationStore } from "./recovery/verify/verification-store.ts";
import { createInvoiceReader } from "./targets/dataverse/read-invoice-keys.ts";
import type { Probe } from "./targets/probe.ts";
import { createProbeRounds } from "./targets/probe-rounds.ts";
import { composeProbe } from "./compose-probe.ts";
import { createCrmReaders, createTargets } from "./compose-targets.ts";
import { wakeParked } from "./delivery/wake-parked.ts";
import type { WakeTarget } from "./operator/reads/pause-target.ts";
import { createHealth } from "./operator/read-health.ts";
import type { Health } from "./operator/read-health.ts";
import { entities } from "./platform/messages.ts";
import { createConsoleFiles } from "./operator/console-files.ts";
import type { ConsoleFiles } from "./operator/console-files.ts";
import { RecentOutcomes, watchEngine } from "./operator/reads/recent-outcomes.ts";
import type { SeenLimits } from "./operator/reads/seen-limits.ts";
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
  readonly consoleFiles: ConsoleFiles;
  readonly replays: ReplayRunner;
  readonly verify: VerifyDependencies;
  readonly count: CountDependencies;
  readonly probe: Probe;
  readonly notices: OwnerNotices;
  readonly retention: RetentionDependencies;
  readonly health: () => Promise<Health>;
  parse(body: unknown): ParsedEvent;
  /** Hands over what is kept for a moment: telemetry and the console's recent outcomes. Never throws. */
  flush(): Promise<void>;
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

/** The app, if there is one: an end is no reason to begin. */
export async function getStartedApp(): Promise<App | undefined> {
  return app?.catch(() => undefined);
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
  const finance = createFinanceClient({ baseUrl: config.financeUrl, http, getToken });
  const intake = createIntakeTarget({
    finance,
    flows,
    schemas,
    config,
    ledger: createIntakeLedger(ledger, clock, telemetry),
    publisher: createPublisher(sender, maxMessageBytes),
    clock,
  });
  const gates = createGates(store, clock, telemetry);
  const budgets = createBudgets({ store, clock, instances, random });
  const quota = watchQuota(paceQuota(http, clock), clock, telemetry);
  const limits = (): Omit<SeenLimits, "at"> => ({
    lastMinute: budgets.lastMinute(),
    dataverse: quota.lastTold() ?? null,
  });
  const recent = new RecentOutcomes({ store, clock, telemetry, limits });
  const wake = { ledger, sender, clock, telemetry, random };
  const dataverseHttp = quota.http;
  const targetsInput = { flows, config, http, dataverseHttp, getToken, clock, telemetry };
  const targets = createTargets(targetsInput);
  const failures = createFailureStore(store, clock);
  const audit = createAuditLog(store, clock);
  const intakeLane = createIntakeLane({ target: intake, ledger, maxMessageBytes, flowOf });
  const lanes = new Map(
    targets.map((each) => [
      each.target.name,
      createTargetLane({ ...each, ledger, maxMessageBytes }),
    ]),
  );
  const recovery: RunnerDependencies = {
    store,
    failures,
    replays: createReplayStore(store),
    audit,
    ledger,
    sender,
    clock,
    telemetry,
    intake: intakeLane,
    targets: lanes,
    parse,
    finance,
    flows,
    schemas,
    defaultDoor: config.defaultDoor,
    flowHasTarget: (flow, target) =>
      flows.some(({ name, targets: named }) => name === flow && target in named),
  };
  const replays = createReplayRunner(recovery);
  const dataverse = createDataverseClient({
    ...{ http: dataverseHttp, getToken, baseUrl: config.dataverseUrl, clock },
  });
  const verify: VerifyDependencies = {
    ...recovery,
    config,
    verifications: createVerificationStore(store),
    // Mail cannot be asked: the ledger speaks for it.
    readers: {
      ce: createInvoiceReader(dataverse),
      ...createCrmReaders(targetsInput),
    },
  };
  const probeRounds = createProbeRounds(store, clock);
  const probe = composeProbe(targetsInput, gates, probeRounds);
  const notices = createOwnerNotices({
    ...{ store, clock, telemetry },
    channels: createNoticeChannels({
      ...{ http, getToken, webhooks: config.ownerWebhooks, mail: config.ownerMail },
    }),
    openGroups: () => groupFailures(failures, { status: "open" }),
  });
  return {
    config,
    engine: watchEngine(
      createEngine({
        ledger,
        claims: createClaims(store),
        gates,
        budgets,
        sender,
        clock,
        telemetry,
        random,
      }),
      recent,
    ),
    intake: intakeLane,
    targets: lanes,
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
      flowOf,
      serviceBus,
      blobs: createDeadLetterBlobs(config.blobEndpoint, credential),
    },
    replays,
    verify,
    count: { ...recovery, isServed: createIsServed(flows, config) },
    operate: composeOperatorApi({
      config,
      clock,
      telemetry,
      audit,
      recovery,
      verify,
      runner: replays,
      probes: { probe, rounds: probeRounds, sender },
      reads: {
        store,
        bodies,
        flows,
        schemas,
        gates,
        budgets: new Map([...lanes].map(([name, { budget }]) => [name, budget])),
        sender,
        wakeTargets: new Map<string, WakeTarget>([
          [intakeLane.target.name, (deadline) => wakeParked(wake, intakeLane, deadline)],
          ...[...lanes].map(([name, lane]): [string, WakeTarget] => [
            name,
            (deadline) => wakeParked(wake, lane, deadline),
          ]),
        ]),
      },
    }),
    consoleFiles: createConsoleFiles(fileURLToPath(new URL("console", import.meta.url)), config),
    probe,
    notices,
    retention: {
      ...{ failures, bodies, clock, telemetry, notices },
      catalog: createTableCatalog(config.tableEndpoint, credential),
      cursors: createRetentionStore(store),
      settings: config.retention,
    },
    health: createHealth({
      clock,
      vital: {
        // A row that nobody has: the answer is enough.
        ledger: () => store.get("gates", { partitionKey: "health", rowKey: "gate" }),
        queue: () => serviceBus.ping(entities.businessEvents),
      },
      unresolvedSettings: config.unresolvedSettings,
    }),
    parse,
    flush: async () => {
      await Promise.all([recent.flush(), telemetry.flush()]);
    },
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
