import { closest } from "fastest-levenshtein";
import { nameFromArmId, toArmId } from "./arm-id.ts";
import { DeployError } from "./deploy-error.ts";
import type { LocalCloud } from "./local-cloud.ts";
import type { HandlerContext, Provider } from "./provider.ts";
import { communicationProvider } from "./providers/communication.ts";
import { createEventGridProvider } from "./providers/event-grid.ts";
import { functionsProvider } from "./providers/functions.ts";
import { identityProvider } from "./providers/identity.ts";
import { keyVaultProvider } from "./providers/key-vault.ts";
import { logicAppsProvider } from "./providers/logic-apps.ts";
import { monitorProvider } from "./providers/monitor.ts";
import { networkProvider } from "./providers/network.ts";
import { resourcesProvider } from "./providers/resources.ts";
import { createServiceBusProvider } from "./providers/service-bus.ts";
import { storageProvider } from "./providers/storage.ts";
import { readInputs } from "./resource-inputs.ts";
import type { ProgramOptions, RegisteredResource } from "./run-program.ts";

/** Turns what the program registers into local things; anything it does not know is an error. */
export function createLocalAzure(cloud: LocalCloud): Pick<ProgramOptions, "onResource" | "onCall"> {
  const providers: readonly Provider[] = [
    resourcesProvider,
    identityProvider,
    createServiceBusProvider(),
    createEventGridProvider(),
    storageProvider,
    keyVaultProvider,
    logicAppsProvider,
    functionsProvider,
    communicationProvider,
    monitorProvider,
    networkProvider,
  ];
  const resources = new Map(providers.flatMap((one) => Object.entries(one.resources)));
  const calls = new Map(providers.flatMap((one) => Object.entries(one.calls ?? {})));
  return {
    onResource: async (resource) => {
      const handler = resources.get(resource.type);
      if (handler === undefined) throw unknownType(resource, [...resources.keys()]);
      const made = await failWith(resource, () => handler(resource, toContext(resource, cloud)));
      const name = nameFromArmId(made.id);
      return { id: made.id, state: { ...resource.inputs, name, ...made.outputs } };
    },
    onCall: (token, inputs) => {
      const handler = calls.get(token);
      if (handler === undefined) {
        return Promise.reject(
          new DeployError(
            "UNKNOWN_FUNCTION",
            `The local Azure does not know the function ${token}.`,
          ),
        );
      }
      return Promise.resolve(handler(inputs, cloud));
    },
  };
}

function toContext(resource: RegisteredResource, cloud: LocalCloud): HandlerContext {
  const inputs = readInputs(resource);
  const { subscriptionId } = cloud;
  return {
    cloud,
    inputs,
    armId: (provider, ...segments) =>
      toArmId(
        { subscriptionId, resourceGroup: inputs.text("resourceGroupName") },
        provider,
        ...segments,
      ),
  };
}

async function failWith<T>(resource: RegisteredResource, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DeployError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new DeployError("RESOURCE_FAILED", `${resource.type} ${resource.name}: ${reason}`, {
      cause: error,
    });
  }
}

function unknownType(resource: RegisteredResource, known: readonly string[]): DeployError {
  return new DeployError(
    "UNKNOWN_RESOURCE_TYPE",
    `The local Azure does not know ${resource.type} (resource ${resource.name}); ` +
      `the nearest that it knows is ${closest(resource.type, [...known])}.`,
  );
}
