import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { prepareCe } from "../cli/ce/prepare-ce.ts";
import { createStack } from "../infra/program.ts";
import { createAccessControl } from "./access-control.ts";
import {
  createEventGridAdapter,
  createServiceBusAdapter,
  createStorageAdapter,
  createWorkflowsAdapter,
} from "./assembly/cloud-adapters.ts";
import { createFunctionApps } from "./assembly/function-apps.ts";
import { createIdentities, registerClient } from "./assembly/identities.ts";
import { mailDomain, toLocalStack } from "./assembly/local-stack.ts";
import { createLoopbackHttp } from "./assembly/loopback-http.ts";
import { startSystems, type Systems } from "./assembly/start-systems.ts";
import { loadCertificateAuthority } from "./certificate-authority.ts";
import { systemClock, type LocalClock } from "./clock.ts";
import type { LocalServices, Running } from "./cloud.ts";
import { createLocalAzure } from "./deploy/local-azure.ts";
import type { LocalCloud } from "./deploy/local-cloud.ts";
import { runProgram, type DeployedResource } from "./deploy/run-program.ts";
import { removeEnvironment, writeEnvironment, type Environment } from "./environment.ts";
import { createEventGrid, type EventGrid } from "./event-grid/event-grid-app.ts";
import { startFrontDoor, type FrontDoor } from "./front-door.ts";
import { toDirectoryId } from "./identity/directory.ts";
import { createIdentityApp } from "./identity/identity-app.ts";
import { createKeyVaultApp } from "./key-vault/key-vault-app.ts";
import { createWorkflowHost } from "./logic-apps/workflow-host.ts";
import { createMonitorApp } from "./monitor/monitor-app.ts";
import { createBroker } from "./service-bus/broker.ts";
import { startAzurite } from "./storage/start-azurite.ts";

/**
 * One run of the local Azure: starting → ready → closed, or starting → failed (everything that had been
 * started is closed again). Services start side by side; the Pulumi program then fills them, and its
 * last step, the deployment of the code, starts the function app.
 */
export interface LocalAzureOptions {
  /** Certificates, unpacked code and environment.json. */
  readonly folder: string;
  /** Path of the function app's zip, as `npm run build` makes it; waited for as late as possible. */
  readonly functionsPackage: string | Promise<string>;
  readonly clock?: LocalClock;
  readonly log: (line: string) => void;
}

export interface LocalAzure extends Running {
  readonly environment: Environment;
  readonly systems: Systems;
  /** Stack outputs: what an F&O administrator types into the endpoint forms. */
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly resourceCount: number;
  readonly processIds: readonly number[];
}

const subscriptionId = "00000000-0000-0000-0000-000000000000";
const tenantId = toDirectoryId("tenant", "local");

export async function startLocalAzure(options: LocalAzureOptions): Promise<LocalAzure> {
  const started: Running[] = [];
  const keep = <T extends Running>(running: T): T => {
    started.push(running);
    return running;
  };
  const close = async (): Promise<void> => {
    await removeEnvironment(options.folder);
    // Callers first, then what they call.
    for (const running of started.splice(0).reverse()) await running.close();
  };
  try {
    return await start(options, keep, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(
  options: LocalAzureOptions,
  keep: <T extends Running>(running: T) => T,
  close: () => Promise<void>,
): Promise<LocalAzure> {
  const { folder, log, clock = systemClock } = options;
  const { caFile, certificate } = await loadCertificateAuthority(folder);
  const azuriteStarting = startAzurite({
    certificate,
    dir: join(folder, `azurite-${process.pid}`),
    accountName: "causewaylocal",
    accountKey: randomBytes(64).toString("base64"),
    log,
  }).then(keep);
  // A failure elsewhere must not leave this one unhandled; it is awaited below.
  azuriteStarting.catch(() => undefined);

  const access = createAccessControl();
  const identity = await createIdentityApp(
    { clock, log },
    { tenantId, issuerKeyFile: join(folder, "issuer-key.pem") },
  );
  const services: LocalServices = { clock, access, tokens: identity.tokens, log };
  const serve = async (fetch: FrontDoorFetch): Promise<FrontDoor> =>
    keep(await startFrontDoor({ fetch, certificate }));
  const http = createLoopbackHttp(certificate.ca);
  keep({ close: () => Promise.resolve(http.close()) });

  const client = registerClient(identity, "outside");
  const financeReader = registerClient(identity, "finance");
  const keyVault = createKeyVaultApp(services);
  const monitor = createMonitorApp(services);
  const broker = createBroker({ clock, log });
  const [identityDoor, keyVaultDoor, monitorDoor] = await Promise.all([
    serve(identity.app.fetch),
    serve(keyVault.app.fetch),
    serve(monitor.app.fetch),
  ]);
  const systems = await startSystems({
    services,
    identity,
    http,
    serve,
    keep,
    financeReader,
    outsiders: [client.clientId],
  });

  const identities = createIdentities(identity);
  const vaultIds = new Map<string, string>();
  const azurite = await azuriteStarting;
  const storage = createStorageAdapter(azurite);
  const serviceBus = keep(createServiceBusAdapter(broker, services, certificate));
  const eventGrid = keep(
    createEventGrid({
      services,
      deliverToServiceBus: (resourceId, message) =>
        Promise.resolve(broker.send(entityOf(resourceId), message)),
      writeDeadLetter: (_account, container, path, body) =>
        storage.writeBlob(container, path, body),
    }),
  );
  const eventGridDoor = await serve(eventGrid.app.fetch);
  const workflows = createWorkflowHost({
    services,
    log,
    http: async (request) => http(request),
    getToken: async (identityResourceId, audience) => {
      const principal = identities.find(identityResourceId);
      return (await identity.issueToken({ ...principal, audience })).token;
    },
  });
  const workflowsDoor = await serve(workflows.app.fetch);
  const functionApps = keep(
    createFunctionApps({
      folder: join(folder, "apps"),
      caFile,
      certificate,
      identityEndpoint: `${identityDoor.httpUrl}/msi/token`,
      identityHeaderOf: ({ resourceId, identities: userAssigned }) =>
        identity.registerHost({ resourceId, userAssigned }).identityHeader,
      log,
    }),
  );

  const cloud: LocalCloud = {
    subscriptionId,
    tenantId,
    access,
    identities,
    serviceBus,
    eventGrid: createEventGridAdapter(
      eventGrid,
      () => eventGridDoor.httpUrl,
      identities.principalOf,
    ),
    storage,
    keyVault: {
      createVault: (id, name) => {
        keyVault.createVault({ id, name });
        vaultIds.set(name, id);
      },
      vaultUri: (name) => `${keyVaultDoor.httpUrl}/${name}/`,
      setSecret: (vault, name, value) => {
        keyVault.setSecret(vaultIds.get(vault) ?? vault, name, value);
      },
    },
    workflows: createWorkflowsAdapter(workflows, () => workflowsDoor.httpUrl),
    functions: functionApps,
    mail: {
      host: new URL(systems.mail.httpsUrl).host,
      managedDomain: mailDomain,
      createService: (resourceId, domains) => systems.mailApp.configure({ resourceId, domains }),
    },
    telemetryConnectionString: toTelemetryConnectionString(monitorDoor.httpsUrl),
  };
  const stack = toLocalStack({
    financeUrl: systems.finance.httpUrl,
    dataverseUrl: systems.dataverse.httpUrl,
    crmUrl: systems.crm.httpUrl,
    crmClientId: systems.crmClient.clientId,
    crmClientSecret: systems.crmClient.clientSecret,
    functionsPackage: await options.functionsPackage,
    financeReader: { clientId: financeReader.clientId, objectId: financeReader.principalId },
  });
  const [deployed] = await Promise.all([
    runProgram({ program: createStack, stack: "local", ...stack, ...createLocalAzure(cloud) }),
    // CE starts without our columns and keys, as a real one does.
    prepareCe({
      baseUrl: systems.dataverse.httpUrl,
      getToken: async (audience) => (await identity.issueToken({ ...client, audience })).token,
      onProgress: ({ kind, name }, phase) => {
        if (phase === "done") log(`CE: ${kind} ${name} is there`);
      },
    }),
  ]);
  systems.administer(identities.findByName("func").clientId, deployed.outputs);

  const host = functionApps.host();
  if (host === undefined) throw new Error("The program deployed no function app.");
  const environment: Environment = {
    eventGrid: toEventGridAddress(eventGrid, eventGridDoor, deployed.resources),
    serviceBus: {
      connectionString: serviceBus.running().connectionString("RootManageSharedAccessKey"),
    },
    storage: { connectionString: azurite.connectionString },
    functions: { baseUrl: host.baseUrl },
    finance: { baseUrl: systems.finance.httpUrl },
    dataverse: { baseUrl: systems.dataverse.httpUrl },
    crm: { baseUrl: systems.crm.httpUrl },
    mail: { baseUrl: systems.mail.httpUrl, smtpPort: systems.smtpPort },
    monitor: { baseUrl: monitorDoor.httpUrl },
    identity: {
      baseUrl: identityDoor.httpUrl,
      tenantId,
      clientId: client.clientId,
      clientSecret: client.clientSecret,
    },
    console: { url: `${host.baseUrl}/api/console` },
    processes: { local: process.pid, functions: host.pid },
  };
  await writeEnvironment(folder, environment);
  return {
    environment,
    systems,
    outputs: deployed.outputs,
    resourceCount: deployed.resources.filter(({ isComponent }) => !isComponent).length,
    processIds: [process.pid, azurite.pid, host.pid],
    close,
  };
}

/** The first door's topic, for programs that publish as F&O does. */
function toEventGridAddress(
  eventGrid: EventGrid,
  door: FrontDoor,
  resources: readonly DeployedResource[],
): Environment["eventGrid"] {
  const topic = resources.find(({ type }) => type === "azure-native:eventgrid:Topic");
  if (topic === undefined) throw new Error("The program deployed no Event Grid topic.");
  const name = topic.id.slice(topic.id.lastIndexOf("/") + 1);
  return { endpoint: `${door.httpUrl}/${name}/api/events`, key: eventGrid.keys(topic.id)[0] };
}

/** `…/queues/business-events` → "business-events". */
function entityOf(resourceId: string): string {
  return resourceId.slice(resourceId.lastIndexOf("/") + 1);
}

/** The collector takes any key until a component is made known to it. */
function toTelemetryConnectionString(endpoint: string): string {
  return `InstrumentationKey=${toDirectoryId("client", "monitor")};IngestionEndpoint=${endpoint}/;LiveEndpoint=${endpoint}/`;
}

type FrontDoorFetch = (request: Request) => Response | Promise<Response>;
