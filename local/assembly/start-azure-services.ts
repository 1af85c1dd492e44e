import { join } from "node:path";
import { Hono } from "hono";
import { createFaults, type Faults } from "../faults.ts";
import type { FrontDoor } from "../front-door.ts";
import type { LocalCloud, LocalKeyVault } from "../deploy/local-cloud.ts";
import { createEventGrid, type EventGrid } from "../event-grid/event-grid-app.ts";
import { toDirectoryId } from "../identity/directory.ts";
import { createKeyVaultApp, type KeyVaultService } from "../key-vault/key-vault-app.ts";
import { createWorkflowHost, type WorkflowHost } from "../logic-apps/workflow-host.ts";
import { createMonitorApp, type MonitorService } from "../monitor/monitor-app.ts";
import { toWorkflowDiagnostics } from "../monitor/workflow-diagnostics.ts";
import { createBroker, type Broker } from "../service-bus/broker.ts";
import type { RunningServiceBus } from "../service-bus/start-service-bus.ts";
import type { Azurite } from "../storage/start-azurite.ts";
import {
  createEventGridAdapter,
  createServiceBusAdapter,
  createStorageAdapter,
  createWorkflowsAdapter,
  type StorageAdapter,
} from "./cloud-adapters.ts";
import {
  createFunctionApps,
  type FunctionApps,
  type FunctionAppsOptions,
} from "./function-apps.ts";
import { createIdentities, type IdentityRegistry } from "./identities.ts";
import { resolveReferences } from "./resolve-references.ts";
import { rememberTokens } from "./remember-tokens.ts";
import { tenantId, type Base } from "./start-base.ts";

/** Azure's own services, empty; the Pulumi program fills them through the `LocalCloud` that they make up. */
export interface AzureServices extends Omit<LocalCloud, "mail"> {
  readonly identities: IdentityRegistry;
  readonly functions: FunctionApps;
  /** Takes longest to start: only the program's storage resources wait for it. */
  readonly azurite: Promise<Azurite>;
  readonly eventGridService: EventGrid;
  readonly eventGridDoor: FrontDoor;
  readonly monitorDoor: FrontDoor;
  readonly bus: () => RunningServiceBus;
  readonly broker: Broker;
  readonly workflowHost: WorkflowHost;
  /** What stands between the caller of a workflow and the workflow. */
  readonly workflowFaults: Faults;
}

const subscriptionId = "00000000-0000-0000-0000-000000000000";

export async function startAzureServices(
  base: Base,
  azurite: Promise<Azurite>,
): Promise<AzureServices> {
  const { services, serve, keep, log } = base;
  const identities = createIdentities(base.identity);
  const serviceBus = keep(
    createServiceBusAdapter(createBroker({ clock: services.clock, log }), base),
  );
  const monitor = createMonitorApp(services);
  const monitorDoor = await serve("monitor", (request) => monitor.app.fetch(request));
  const keyVaultService = createKeyVaultApp(base.services);
  const keyVault = await startKeyVault(base, keyVaultService);
  const storage = createStorageAdapter(azurite, base.roles);
  const eventGrid = keep(startEventGrid(base, serviceBus, storage));
  const eventGridDoor = await serve("eventGrid", (request) => eventGrid.app.fetch(request));
  const workflows = startWorkflows(base, identities, monitor);
  const { random = Math.random } = services;
  const workflowFaults = createFaults(services.clock, { random });
  const workflowsDoor = await serve("workflows", behind(workflowFaults, workflows.app));
  return {
    subscriptionId,
    tenantId,
    access: services.access,
    identities,
    serviceBus,
    bus: () => serviceBus.running(),
    broker: serviceBus.broker,
    workflowHost: workflows,
    workflowFaults,
    eventGrid: createEventGridAdapter(
      eventGrid,
      () => eventGridDoor.httpUrl,
      (id) => identities.principalOf(id),
    ),
    eventGridService: eventGrid,
    eventGridDoor,
    storage,
    azurite,
    keyVault,
    workflows: createWorkflowsAdapter(workflows, () => workflowsDoor.httpUrl),
    functions: keep(
      startFunctionApps(base, ({ settings, identities: [identity = ""] }) =>
        resolveReferences(settings, keyVaultService, identities.principalOf(identity)),
      ),
    ),
    monitorDoor,
    telemetry: {
      createComponent: (id, disableLocalAuth) => {
        const instrumentationKey = toDirectoryId("client", id);
        monitor.createComponent({ id, instrumentationKey, disableLocalAuth });
        return { connectionString: toTelemetryConnectionString(monitorDoor, instrumentationKey) };
      },
    },
  };
}

function behind(faults: Faults, app: Hono): (request: Request) => Response | Promise<Response> {
  const outer = new Hono();
  outer.use(faults.middleware);
  outer.all("*", (context) => app.fetch(context.req.raw));
  return (request) => outer.fetch(request);
}

async function startKeyVault(base: Base, keyVault: KeyVaultService): Promise<LocalKeyVault> {
  const door = await base.serve("keyVault", (request) => keyVault.app.fetch(request));
  return {
    createVault: (id, name) => void keyVault.createVault({ id, name }),
    vaultUri: (name) => `${door.httpUrl}/${name}/`,
    setSecret: (vault, name, value) => void keyVault.setSecret(vault, name, value),
  };
}

function startEventGrid(
  base: Base,
  serviceBus: { readonly broker: ReturnType<typeof createBroker> },
  storage: StorageAdapter,
): EventGrid {
  return createEventGrid({
    services: base.services,
    deliverToServiceBus: (resourceId, message) => {
      serviceBus.broker.send(lastSegment(resourceId), message);
      return Promise.resolve();
    },
    writeDeadLetter: (_account, container, path, body) => storage.writeBlob(container, path, body),
  });
}

function startWorkflows(
  base: Base,
  identities: IdentityRegistry,
  monitor: MonitorService,
): WorkflowHost {
  return createWorkflowHost({
    onRunEnd: (workflow, run) => {
      for (const row of toWorkflowDiagnostics(workflow, run)) monitor.addDiagnostics(row);
    },
    services: base.services,
    log: base.log,
    http: (request) => base.http(request),
    getToken: rememberTokens(base.services.clock, (identityResourceId, audience) => {
      const principal = identities.find(identityResourceId);
      return base.identity.issueToken({ ...principal, audience });
    }),
  });
}

function startFunctionApps(
  base: Base,
  resolveSettings: FunctionAppsOptions["resolveSettings"],
): FunctionApps {
  return createFunctionApps({
    folder: join(base.folder, "apps"),
    caFile: base.caFile,
    certificate: base.certificate,
    port: base.ports.functions,
    identityEndpoint: `${base.identityDoor.httpUrl}/msi/token`,
    identityHeaderOf: ({ resourceId, identities }) =>
      base.identity.registerHost({ resourceId, userAssigned: identities }).identityHeader,
    resolveSettings,
    clock: base.services.clock,
    log: base.log,
  });
}

/** `…/queues/business-events` → "business-events". */
function lastSegment(resourceId: string): string {
  return resourceId.slice(resourceId.lastIndexOf("/") + 1);
}

function toTelemetryConnectionString({ httpsUrl }: FrontDoor, key: string): string {
  return `InstrumentationKey=${key};IngestionEndpoint=${httpsUrl}/;LiveEndpoint=${httpsUrl}/`;
}
