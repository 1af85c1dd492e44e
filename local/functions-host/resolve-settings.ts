import { FunctionsHostError } from "./functions-host-error.ts";

type Settings = Readonly<Record<string, string | undefined>>;

/** Replaces `%NAME%` by the app setting NAME, as the host does in queue names, schedules and the like. */
export function resolveSettings(text: string, settings: Settings): string {
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = settings[name];
    if (value === undefined) {
      throw new FunctionsHostError("SETTING_MISSING", `'%${name}%' does not resolve to a value.`);
    }
    return value;
  });
}

/** How a binding's `connection` reaches Service Bus. */
export type ServiceBusConnection =
  | { readonly kind: "identity"; readonly namespace: string; readonly clientId: string | undefined }
  | { readonly kind: "connectionString"; readonly connectionString: string };

/** A connection is the name of a setting with a connection string, or the prefix of identity settings. */
export function resolveServiceBusConnection(
  name: string,
  settings: Settings,
): ServiceBusConnection {
  const connectionString = settings[name] ?? settings[`AzureWebJobs${name}`];
  if (connectionString !== undefined) return { kind: "connectionString", connectionString };
  const namespace = settings[`${name}__fullyQualifiedNamespace`];
  if (namespace === undefined) {
    throw new FunctionsHostError(
      "SETTING_MISSING",
      `Neither the setting ${name} nor ${name}__fullyQualifiedNamespace exists`,
    );
  }
  return { kind: "identity", namespace, clientId: settings[`${name}__clientId`] };
}
