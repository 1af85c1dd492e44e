import { createStack } from "../infra/program.ts";
import { prepareCe } from "../cli/ce/prepare-ce.ts";
import { registerClient, type Client } from "./assembly/identities.ts";
import {
  mailDomain,
  operatorAudience,
  toLocalStack,
  type LocalStackInput,
} from "./assembly/local-stack.ts";
import type { Ports } from "./assembly/ports.ts";
import { startAzureServices, type AzureServices } from "./assembly/start-azure-services.ts";
import { createFaultControl, type FaultControl } from "./assembly/fault-control.ts";
import { startBase, tenantId, type Base } from "./assembly/start-base.ts";
import type { Storage } from "./assembly/start-storage.ts";
import { startSystems, type DataverseLimits, type Systems } from "./assembly/start-systems.ts";
import { systemClock, type LocalClock } from "./clock.ts";
import type { Running } from "./cloud.ts";
import { createLocalAzure } from "./deploy/local-azure.ts";
import type { LocalCloud, LocalTelemetry } from "./deploy/local-cloud.ts";
import { runProgram, type ProgramResult } from "./deploy/run-program.ts";
import { removeEnvironment, writeEnvironment, type Environment } from "./environment.ts";
import type { Azurite } from "./storage/start-azurite.ts";

/**
 * One run of the local Azure: starting → ready → closed, or starting → failed (everything that had been
 * started is closed again). Services start side by side; the Pulumi program then fills them, and its
 * last step, the deployment of the code, starts the function app.
 */
export interface LocalAzureOptions {
  /** Certificates, unpacked code and environment.json. */
  readonly folder: string;
  /** Begun by the caller as early as it can (`startStorage`); closed here. */
  readonly storage: Storage;
  /** Path of the function app's zip, as `npm run build` makes it; waited for as late as possible. */
  readonly functionsPackage: string | Promise<string>;
  readonly clock?: LocalClock;
  /** 0 ≤ random < 1; what simulated systems draw faults with. */
  readonly random?: () => number;
  /** Free ones where none is named. */
  readonly ports?: Ports;
  readonly log: (line: string) => void;
  readonly load?: LoadOptions;
}

/** What load runs have otherwise. */
export interface LoadOptions {
  /** Queues beside the program's. */
  readonly queues?: readonly string[];
  /** Off: an hour's quota of mails would be the only thing measured. */
  readonly mailQuota?: boolean;
  readonly dataverseLimits?: DataverseLimits;
  /** The stack's `targets`; the local stack's own when left out. */
  readonly targets?: Readonly<Record<string, unknown>>;
  /** Off: the function app is given no collector, and tells nothing. */
  readonly telemetry?: boolean;
}

export interface LocalAzure extends Running {
  readonly environment: Environment;
  /** Stack outputs: what an F&O administrator types into the endpoint forms. */
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly resourceCount: number;
  /** Everything by which a fault run breaks and watches it. */
  readonly control: FaultControl;
}

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
    return { ...(await start(options, keep)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(
  options: LocalAzureOptions,
  keep: Base["keep"],
): Promise<Omit<LocalAzure, "close">> {
  const { folder, log, clock = systemClock, ports = {} } = options;
  const { authority, azurite } = options.storage;
  // Before everything that calls it, and so closed after it, although it may still be starting.
  keep({ close: async () => (await azurite.catch(() => undefined))?.close() });
  const { random } = options;
  const base = await startBase({ folder, authority, clock, random, ports, log, keep });
  const outside = registerClient(base.identity, "outside");
  const financeReader = registerClient(base.identity, "finance");
  base.identity.assignAppRoles({
    audience: operatorAudience,
    principalId: outside.principalId,
    roles: ["Reader", "Operator", "Approver"],
  });
  const [azure, systems] = await Promise.all([
    startAzureServices(base, azurite),
    startSystems({
      ...base,
      financeReader,
      outsiders: [outside.clientId],
      dataverseLimits: options.load?.dataverseLimits ?? { enforce: true },
      mailQuota: options.load?.mailQuota ?? true,
    }),
  ]);
  const cloud =
    options.load?.telemetry === false ? { ...azure, telemetry: withoutCollector } : azure;
  const [deployed] = await Promise.all([
    deploy(base, cloud, systems, {
      financeReader: { clientId: financeReader.clientId, objectId: financeReader.principalId },
      functionsPackage: await options.functionsPackage,
      targets: options.load?.targets,
    }),
    // CE starts without our columns and keys, as a real one does.
    prepareCe({
      baseUrl: systems.dataverse.httpUrl,
      getToken: async (audience) =>
        (await base.identity.issueToken({ ...outside, audience })).token,
      onProgress: ({ kind, name }, phase) => {
        if (phase === "done") log(`CE: ${kind} ${name} is there`);
      },
    }),
  ]);
  systems.administer(azure.identities.findByName("func").clientId, deployed.outputs);
  for (const queue of options.load?.queues ?? []) {
    await azure.serviceBus.createQueue(queue, queue, {});
  }
  const started = await azure.azurite;
  const environment = describe(base, azure, systems, deployed, outside, started);
  await writeEnvironment(folder, environment);
  return {
    environment,
    outputs: deployed.outputs,
    control: createFaultControl(base, azure, systems, started),
    resourceCount: deployed.resources.filter(({ isComponent }) => !isComponent).length,
  };
}

const withoutCollector: LocalTelemetry = { createComponent: () => ({ connectionString: "" }) };

/** `pulumi up` of the stack `local`, in this process. */
function deploy(
  base: Base,
  azure: AzureServices,
  systems: Systems,
  settings: Pick<LocalStackInput, "financeReader" | "functionsPackage" | "targets">,
): Promise<ProgramResult> {
  const cloud: LocalCloud = {
    ...azure,
    mail: {
      host: new URL(systems.mail.httpsUrl).host,
      managedDomain: mailDomain,
      createService: (resourceId, domains) => {
        systems.mailApp.configure({ resourceId, domains });
      },
    },
  };
  const stack = toLocalStack({
    financeUrl: systems.finance.httpUrl,
    dataverseUrl: systems.dataverse.httpUrl,
    crmUrl: systems.crm.httpUrl,
    mailUrl: systems.mail.httpUrl,
    crmClientId: systems.crmClient.clientId,
    crmClientSecret: systems.crmClient.clientSecret,
    authority: base.identityDoor.httpUrl,
    ...settings,
  });
  const program = (): Promise<Record<string, unknown>> => createStack();
  return runProgram({ program, stack: "local", ...stack, ...createLocalAzure(cloud) });
}

function describe(
  base: Base,
  azure: AzureServices,
  systems: Systems,
  deployed: ProgramResult,
  outside: Client,
  { connectionString }: Azurite,
): Environment {
  const [host, key] = [azure.functions.host(), azure.functions.key()];
  if (host === undefined || key === undefined)
    throw new Error("The program deployed no function app.");
  const { clientId, clientSecret } = outside;
  return {
    eventGrid: toEventGridAddress(azure, deployed),
    serviceBus: { connectionString: azure.bus().connectionString("RootManageSharedAccessKey") },
    storage: { connectionString },
    functions: { baseUrl: host.baseUrl, key, masterKey: host.masterKey },
    finance: { baseUrl: systems.finance.httpUrl },
    dataverse: { baseUrl: systems.dataverse.httpUrl },
    crm: { baseUrl: systems.crm.httpUrl },
    mail: { baseUrl: systems.mail.httpUrl, smtpPort: systems.smtpPort },
    monitor: { baseUrl: azure.monitorDoor.httpUrl },
    identity: { baseUrl: base.identityDoor.httpUrl, tenantId, clientId, clientSecret },
    operator: { baseUrl: `${host.baseUrl}/api/ops/v1`, audience: operatorAudience },
    // Plain: a browser on this machine does not know the local certificate authority, and trusts loopback.
    console: { url: `${host.baseUrl.replace(/^https:/, "http:")}/api/console` },
    processes: { local: process.pid, functions: host.pid },
  };
}

/** The first door's topic, for programs that publish as F&O does. */
function toEventGridAddress(
  azure: AzureServices,
  { resources }: ProgramResult,
): Environment["eventGrid"] {
  const topic = resources.find(({ type }) => type === "azure-native:eventgrid:Topic");
  if (topic === undefined) throw new Error("The program deployed no Event Grid topic.");
  const name = topic.id.slice(topic.id.lastIndexOf("/") + 1);
  const [key] = azure.eventGridService.keys(topic.id);
  return { endpoint: `${azure.eventGridDoor.httpUrl}/${name}/api/events`, key };
}
