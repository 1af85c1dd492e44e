import type { ManagedIdentityCredential } from "@azure/identity";
import type { ServiceBusClient } from "@azure/service-bus";
import type { ServiceBusConnection } from "./resolve-settings.ts";

/**
 * This client takes all of its time-out to notice a cut connection, and pauses for 30 s between its tries; the
 * genuine host's notices at once and begins with 0.8 s. Settling over a connection that is gone is tried once more and
 * then left to the end of the lock; receiving begins again however often it takes.
 */
const options = { retryOptions: { timeoutInMs: 5_000, retryDelayInMs: 800, maxRetries: 1 } };

/** The SDKs are loaded on demand: they are most of the host's start, and not every app needs them. */
export async function loadServiceBusSdk(): Promise<{
  readonly ServiceBusClient: typeof ServiceBusClient;
  readonly ManagedIdentityCredential: typeof ManagedIdentityCredential;
}> {
  const [serviceBus, identity, { mendClients }] = await Promise.all([
    import("@azure/service-bus"),
    import("@azure/identity"),
    import("../service-bus/mend-clients.ts"),
  ]);
  mendClients();
  return { ...serviceBus, ...identity };
}

/** Makes a client each time that it is called. */
export async function loadServiceBusClients(
  connection: ServiceBusConnection,
): Promise<() => ServiceBusClient> {
  const { ServiceBusClient, ManagedIdentityCredential } = await loadServiceBusSdk();
  if (connection.kind === "connectionString") {
    return () => new ServiceBusClient(connection.connectionString, options);
  }
  const { namespace, clientId } = connection;
  const credential =
    clientId === undefined
      ? new ManagedIdentityCredential()
      : new ManagedIdentityCredential({ clientId });
  return () => new ServiceBusClient(namespace, credential, options);
}
