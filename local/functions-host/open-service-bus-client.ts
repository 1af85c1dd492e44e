import type { ServiceBusClient } from "@azure/service-bus";
import type { ServiceBusConnection } from "./resolve-settings.ts";

/** This client takes all of its time-out to notice a cut connection; the genuine host's notices at once. */
const options = { retryOptions: { timeoutInMs: 5_000 } };

/** The SDKs are loaded on demand: they are most of the host's start, and not every app needs them. */
export async function openServiceBusClient(
  connection: ServiceBusConnection,
): Promise<ServiceBusClient> {
  const { ServiceBusClient } = await import("@azure/service-bus");
  if (connection.kind === "connectionString") {
    return new ServiceBusClient(connection.connectionString, options);
  }
  const { ManagedIdentityCredential } = await import("@azure/identity");
  const { namespace, clientId } = connection;
  const credential =
    clientId === undefined
      ? new ManagedIdentityCredential()
      : new ManagedIdentityCredential({ clientId });
  return new ServiceBusClient(namespace, credential, options);
}
