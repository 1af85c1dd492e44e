import type { Faults } from "../faults.ts";
import type { FunctionsHost } from "../functions-host/start-functions-host.ts";
import type { Broker } from "../service-bus/broker.ts";
import type { RunningServiceBus } from "../service-bus/start-service-bus.ts";
import type { Azurite } from "../storage/start-azurite.ts";
import type { AzureServices } from "./start-azure-services.ts";
import type { Base } from "./start-base.ts";
import type { Systems } from "./start-systems.ts";

export type FaultySystem = "finance" | "dataverse" | "crm" | "mail" | "workflows";

/** What a fault run does to a local Azure that no client could do. */
export interface FaultControl {
  /** The instances of the function app: the first has its address and its timers. */
  readonly instances: () => readonly FunctionsHost[];
  readonly scaleTo: (instances: number) => Promise<void>;
  readonly broker: Broker;
  readonly bus: () => RunningServiceBus;
  readonly faults: Readonly<Record<FaultySystem, Faults>>;
  readonly setStorageAway: (isAway: boolean) => void;
  readonly isStorageAway: () => boolean;
  /** By the workflow's folder, with which its name in Azure ends. */
  readonly setWorkflowEnabled: (folder: string, isEnabled: boolean) => void;
  readonly configureMail: Systems["mailApp"]["configure"];
  readonly configureCrm: Systems["crmApp"]["configure"];
  /** Mails that were accepted and failed afterwards. */
  readonly failedMails: () => number;
  /** Records that the CRM refused out of a collection because somebody else held their row. */
  readonly refusedRows: () => number;
  /** A number that rises while any service or the function app does something. */
  readonly activity: () => number;
  /** Of the function app and of storage, as they run now. */
  readonly processes: () => readonly number[];
  /** Messages and requests that somebody is at, or waits for. */
  readonly underWay: () => number;
  readonly describeUnderWay: () => readonly string[];
}

export function createFaultControl(
  base: Base,
  azure: AzureServices,
  systems: Systems,
  azurite: Azurite,
): FaultControl {
  let isStorageAway = false;
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
  return {
    instances: () => azure.functions.instances(),
    scaleTo: (instances) => azure.functions.scaleTo(instances),
    broker: azure.broker,
    bus: azure.bus,
    faults: {
      finance: systems.financeApp.faults,
      dataverse: systems.dataverseApp.faults,
      crm: systems.crmApp.faults,
      mail: systems.mailApp.faults,
      workflows: azure.workflowFaults,
    },
    setStorageAway: (isAway) => {
      isStorageAway = isAway;
      azurite.setAway(isAway);
    },
    isStorageAway: () => isStorageAway,
    setWorkflowEnabled: (folder, isEnabled) => {
      const { workflowHost } = azure;
      const name = workflowHost.names().find((each) => each.endsWith(`-${folder}`));
      workflowHost.setEnabled(name ?? folder, isEnabled);
    },
    configureMail: (settings) => systems.mailApp.configure(settings),
    configureCrm: (settings) => systems.crmApp.configure(settings),
    failedMails: () => systems.mailApp.failedMails(),
    refusedRows: () => systems.crmApp.refusedRows(),
    activity: () =>
      sum(base.doors.map((door) => door.activity())) + azure.broker.activity + azurite.activity(),
    processes: () => [...azure.functions.instances().map(({ pid }) => pid), azurite.pid],
    underWay: () => sum(base.doors.map((door) => door.inFlight())) + azure.broker.activeCount,
    describeUnderWay: () => base.doors.flatMap((door) => door.describeInFlight()),
  };
}
