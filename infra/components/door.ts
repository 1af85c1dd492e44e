import * as pulumi from "@pulumi/pulumi";
import {
  QueueAuthorizationRule,
  listQueueKeysOutput,
} from "@pulumi/azure-native/servicebus/index.js";
import { roles as roleIds } from "../roles.ts";
import type { DoorConfig } from "../stack-config.ts";
import { Eventing, type EventingArgs } from "./eventing.ts";
import { doorSecrets, toEndpointForms, type EndpointForms } from "./endpoint-forms.ts";
import { assignRole } from "./role-assignment.ts";
import { SecretVault } from "./vault.ts";

/** Keys that F&O sends with are renewed twice a year; docs/connect-fno.md says how. */
const KEY_LIFE_DAYS = 180;

export interface DoorArgs extends Omit<EventingArgs, "door" | "activeKey"> {
  readonly config: DoorConfig;
  readonly tenantId: pulumi.Input<string>;
  readonly namespaceName: pulumi.Input<string>;
  /** Known once the queue exists, so that its key is not asked for earlier. */
  readonly queueName: pulumi.Input<string>;
  readonly serviceBusTier: "Standard" | "Premium";
  readonly functionApp: {
    readonly hostName: pulumi.Input<string>;
    /** Known once the code is there; the same for every door that takes https. */
    readonly keys: Readonly<Record<"primary" | "secondary", pulumi.Output<string>>>;
  };
}

/**
 * Everything that one F&O environment must reach over the internet, and nothing else: its Event Grid
 * topic, a send-only key of the queue, the HTTPS door's address, and the vault that holds these three.
 */
export class Door extends pulumi.ComponentResource {
  /** What to type into F&O's endpoint forms, by kind of endpoint. */
  readonly forms: EndpointForms;

  readonly vaultId: pulumi.Output<string>;
  /** Undefined when F&O does not send to Event Grid here. */
  readonly topicId: pulumi.Output<string> | undefined;

  readonly #name: string;
  readonly #args: DoorArgs;
  readonly #vault: SecretVault;

  constructor(name: string, args: DoorArgs, opts?: pulumi.ComponentResourceOptions) {
    super("causeway:door:Door", name, {}, opts);
    this.#name = name;
    this.#args = args;
    const { config } = args;
    this.#vault = new SecretVault(
      `${name}-secrets`,
      { ...args, vaultName: args.nameOf("vault", config.name), isPublic: true },
      { parent: this },
    );
    const eventing = config.endpoints.includes("eventGrid") ? this.#openEventGrid() : undefined;
    if (config.endpoints.includes("serviceBus")) this.#openServiceBus();
    if (config.endpoints.includes("https")) this.#openHttps();
    this.#letFinanceRead();
    this.vaultId = this.#vault.vaultId;
    this.topicId = eventing?.topicId;
    this.forms = toEndpointForms(config, {
      vaultUri: this.#vault.vaultUri,
      topicEndpoint: eventing?.endpoint,
      serviceBusTier: args.serviceBusTier,
    });
    this.registerOutputs({ forms: this.forms });
  }

  #openEventGrid(): Eventing {
    const { config } = this.#args;
    const eventing = new Eventing(
      `${this.#name}-events`,
      { ...this.#args, door: config.name, activeKey: config.activeKey },
      { parent: this },
    );
    this.#vault.addSecret(doorSecrets.eventGrid, eventing.key, {
      contentType: "Event Grid access key",
      expiresOn: this.#keysEndOn(),
    });
    return eventing;
  }

  #openServiceBus(): void {
    const { config, namespaceName, queueName, resourceGroupName } = this.#args;
    const within = { resourceGroupName, namespaceName, queueName };
    const rule = new QueueAuthorizationRule(
      `${this.#name}-send`,
      { ...within, authorizationRuleName: `${config.name}-send`, rights: ["Send"] },
      { parent: this },
    );
    const keys = listQueueKeysOutput(
      { ...within, authorizationRuleName: rule.name },
      { parent: this },
    );
    const connection = keys.apply((both) =>
      withoutEntityPath(
        config.activeKey === "primary"
          ? both.primaryConnectionString
          : both.secondaryConnectionString,
      ),
    );
    this.#vault.addSecret(doorSecrets.serviceBus, connection, {
      contentType: "Service Bus connection string",
      expiresOn: this.#keysEndOn(),
    });
  }

  #openHttps(): void {
    const { config, functionApp } = this.#args;
    const url = pulumi.interpolate`https://${functionApp.hostName}/api/business-events?door=${config.name}&code=${functionApp.keys[config.activeKey]}`;
    this.#vault.addSecret(doorSecrets.https, url, {
      contentType: "address of the HTTPS door",
      expiresOn: this.#keysEndOn(),
    });
  }

  /** Key Vault still gives out a secret whose date has passed: it is a reminder, not an outage. */
  #keysEndOn(): string | undefined {
    const { keysRenewedOn } = this.#args.config;
    if (keysRenewedOn === undefined) return undefined;
    const end = new Date(Date.parse(keysRenewedOn) + KEY_LIFE_DAYS * 86_400_000);
    return end.toISOString().slice(0, 10);
  }

  #letFinanceRead(): void {
    const reader = this.#args.config.keyVaultReader;
    if (reader === undefined) return;
    assignRole(
      `${this.#name}-finance-reads-secrets`,
      {
        principalId: reader.objectId,
        role: roleIds.keyVaultSecretsUser,
        scope: this.#vault.vaultId,
        description: "F&O reads its own send secrets; it needs Get and List on the whole vault.",
      },
      this,
    );
  }
}

/** F&O names the queue itself and refuses a connection string that does so too. */
function withoutEntityPath(connectionString: string): string {
  return connectionString
    .split(";")
    .filter((part) => part !== "" && !part.toLowerCase().startsWith("entitypath="))
    .join(";");
}
