import type { AccessControl } from "../cloud.ts";
import type { Properties } from "./run-program.ts";

/**
 * What the deployed resources are made of locally. `local/start` builds one from the running services;
 * the handlers in `providers/` are its only users. Every `resourceId` is the ARM id that roles name.
 */
export interface LocalCloud {
  readonly subscriptionId: string;
  readonly tenantId: string;
  readonly access: AccessControl;
  readonly identities: LocalIdentities;
  readonly serviceBus: LocalServiceBus;
  readonly eventGrid: LocalEventGrid;
  readonly storage: LocalStorage;
  readonly keyVault: LocalKeyVault;
  readonly workflows: LocalWorkflows;
  readonly functions: LocalFunctions;
  readonly mail: LocalMail;
  readonly telemetry: LocalTelemetry;
}

type Done = void | Promise<void>;

export interface LocalTelemetry {
  /**
   * From now on the collector takes what comes under the component's key; without local authentication only
   * from a principal with the role. The connection string names the collector and that key.
   */
  createComponent(
    resourceId: string,
    disableLocalAuth: boolean,
  ): { readonly connectionString: string };
}

export interface LocalIdentities {
  /** Makes a managed identity; the same resource id gets the same ids on every start. */
  createManagedIdentity(resourceId: string): {
    readonly principalId: string;
    readonly clientId: string;
  };
}

/** Inputs are those of azure-native's `servicebus` resources, untouched. */
export interface LocalServiceBus {
  /** `host` is the `<host>:<port>` that clients connect to. */
  createNamespace(
    resourceId: string,
    inputs: Properties,
  ): { readonly host: string } | Promise<{ readonly host: string }>;
  createQueue(resourceId: string, name: string, inputs: Properties): Done;
  createTopic(resourceId: string, name: string, inputs: Properties): Done;
  createSubscription(resourceId: string, topic: string, name: string, inputs: Properties): Done;
  /** Replaces the rule of that name; `inputs` holds filterType, correlationFilter, sqlFilter, action. */
  setRule(topic: string, subscription: string, name: string, inputs: Properties): Done;
  addAuthorizationRule(entity: string, name: string, rule: AuthorizationRule): Done;
  /** As the portal shows it for an entity's own rule, `;EntityPath=` included. */
  toConnectionString(entity: string, rule: string, key: string): string;
}

export interface AuthorizationRule {
  readonly rights: readonly string[];
  readonly primaryKey: string;
  readonly secondaryKey: string;
}

/** Inputs are those of azure-native's `eventgrid` resources, untouched. */
export interface LocalEventGrid {
  createTopic(topic: {
    readonly resourceId: string;
    readonly name: string;
    readonly inputs: Properties;
    readonly keys: readonly [string, string];
  }): { readonly endpoint: string } | Promise<{ readonly endpoint: string }>;
  createSubscription(subscription: {
    readonly topicId: string;
    readonly name: string;
    readonly inputs: Properties;
  }): Done;
}

export interface LocalStorage {
  /** Once it listens. With a slash at the end, as Azure gives them. */
  endpoints(): Promise<{ readonly blob: string; readonly table: string }>;
  createAccount(resourceId: string, name: string): Done;
  createContainer(name: string): Done;
  createTable(name: string): Done;
}

export interface LocalKeyVault {
  createVault(resourceId: string, name: string): Done;
  vaultUri(vault: string): string;
  setSecret(vault: string, name: string, value: string): Done;
}

export interface LocalWorkflows {
  /** Inputs are those of azure-native's `logic.Workflow`: definition, parameters, identity, accessControl. */
  deploy(
    resourceId: string,
    name: string,
    inputs: Properties,
  ): { readonly accessEndpoint: string } | Promise<{ readonly accessEndpoint: string }>;
}

export interface LocalFunctionApp {
  readonly resourceId: string;
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
  /** ARM ids of its identities. */
  readonly identities: readonly string[];
}

export interface LocalFunctions {
  /** Reserves the app's address; nothing runs yet. */
  createApp(
    app: LocalFunctionApp,
  ): { readonly hostName: string } | Promise<{ readonly hostName: string }>;
  /** Puts the package in and starts the host; resolves when the app answers. */
  deployPackage(name: string, packagePath: string): Promise<void>;
  hostKeys(name: string): { readonly default: string };
  /** A function's own, beside the host's. */
  functionKeys(name: string, functionName: string): { readonly default: string };
}

export interface LocalMail {
  /** `<host>:<port>` of the mail endpoint. */
  readonly host: string;
  /** Domain of addresses that an Azure-managed domain sends from. */
  readonly managedDomain: string;
  createService(resourceId: string, domains: readonly string[]): Done;
}
