import { createAccessControl } from "../../local/access-control.ts";
import type { LocalCloud } from "../../local/deploy/local-cloud.ts";

export interface FakeCloud extends LocalCloud {
  /** What was asked of it, in order, e.g. "queue dead-letters". */
  readonly calls: readonly string[];
}

export const FUNCTION_KEY = "fake-function-key";
export const HOST_KEY = "fake-host-key";

/** A local Azure that remembers what it was asked for and answers as Azure words its outputs. */
export function createFakeCloud(): FakeCloud {
  const calls: string[] = [];
  const note = (what: string): void => void calls.push(what);
  return {
    calls,
    subscriptionId: "00000000-0000-0000-0000-000000000000",
    tenantId: "11111111-1111-1111-1111-111111111111",
    access: createAccessControl(),
    identities: {
      createManagedIdentity: (id) => ({ principalId: `principal:${id}`, clientId: `client:${id}` }),
    },
    telemetry: {
      createComponent: () => {
        note("telemetry");
        return { connectionString: "InstrumentationKey=00000000-0000-0000-0000-000000000000" };
      },
    },
    mail: {
      host: "mail.communication.azure.com",
      managedDomain: "abc.azurecomm.net",
      createService: (_id, domains) => note(`mail ${domains.join()}`),
    },
    ...createData(note),
    ...createMessaging(note),
    ...createCode(note),
  };
}

type Note = (what: string) => void;

function createData(note: Note): Pick<LocalCloud, "storage" | "keyVault"> {
  return {
    storage: {
      endpoints: () =>
        Promise.resolve({
          blob: "https://account.blob.core.windows.net/",
          table: "https://account.table.core.windows.net/",
        }),
      createAccount: (_id, name) => note(`account ${name}`),
      createContainer: (name) => note(`container ${name}`),
      createTable: (name) => note(`table ${name}`),
    },
    keyVault: {
      createVault: (_id, name) => note(`vault ${name}`),
      vaultUri: (vault) => `https://${vault}.vault.azure.net/`,
      setSecret: (_vault, name, value) => note(`secret ${name}=${value}`),
    },
  };
}

function createMessaging(note: Note): Pick<LocalCloud, "serviceBus" | "eventGrid"> {
  return {
    serviceBus: {
      createNamespace: (id) => ({
        host: `${id.slice(id.lastIndexOf("/") + 1)}.servicebus.windows.net`,
      }),
      createQueue: (_id, name) => note(`queue ${name}`),
      createTopic: (_id, name) => note(`topic ${name}`),
      createSubscription: (_id, topic, name) => note(`subscription ${topic}/${name}`),
      setRule: (_topic, subscription, name) => note(`rule ${subscription}/${name}`),
      addAuthorizationRule: (entity, name, { rights }) =>
        note(`key ${entity}/${name} ${rights.join()}`),
      toConnectionString: (entity, rule, key) =>
        `Endpoint=sb://fake/;SharedAccessKeyName=${rule};SharedAccessKey=${key};EntityPath=${entity}`,
    },
    eventGrid: {
      createTopic: ({ name }) => ({ endpoint: `https://${name}.eventgrid.azure.net/api/events` }),
      createSubscription: ({ name }) => note(`event subscription ${name}`),
    },
  };
}

function createCode(note: Note): Pick<LocalCloud, "functions" | "workflows"> {
  return {
    functions: {
      createApp: ({ name }) => ({ hostName: `${name}.azurewebsites.net` }),
      deployPackage: (name) => {
        note(`package ${name}`);
        return Promise.resolve();
      },
      hostKeys: () => ({ default: HOST_KEY }),
      functionKeys: () => ({ default: FUNCTION_KEY }),
    },
    workflows: {
      deploy: (_id, name) => {
        note(`workflow ${name}`);
        return { accessEndpoint: `https://logic.azure.com/workflows/${name}` };
      },
    },
  };
}
