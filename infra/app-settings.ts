import * as pulumi from "@pulumi/pulumi";
import type { Identity } from "./components/identities.ts";
import { toOperatorRanges } from "./operator-ranges.ts";
import type { OperatorConfig, StackConfig, TargetConfig } from "./stack-config.ts";

export interface AppSettingsInput {
  readonly config: StackConfig;
  readonly identity: Identity;
  readonly serviceBusNamespace: pulumi.Input<string>;
  readonly storage: {
    readonly accountName: pulumi.Input<string>;
    readonly blobEndpoint: pulumi.Input<string>;
    readonly tableEndpoint: pulumi.Input<string>;
  };
  readonly telemetryConnectionString: pulumi.Input<string>;
  /** Logic Apps' access endpoints, by target. */
  readonly workflows: Readonly<Record<string, pulumi.Input<string>>>;
  readonly workflowAudience: string;
  readonly tenantId: pulumi.Input<string>;
  /** The mail service's own domain; undefined where no mail is sent. */
  readonly senderDomain: pulumi.Input<string> | undefined;
  /** What notices to the owners of failures need. */
  readonly ownerSettings: Readonly<Record<string, pulumi.Input<string>>>;
}

/** Bytes of one message with its headers: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas */
const MAX_MESSAGE_BYTES = { Standard: 256 * 1024, Premium: 1024 * 1024 } as const;

/**
 * The function app's settings by name. None is a secret: every connection is an identity's, and the
 * one secret (owners' webhooks) is named by a reference into the vault.
 */
export function toAppSettings(
  input: AppSettingsInput,
): Readonly<Record<string, pulumi.Input<string>>> {
  const { config, identity, storage } = input;
  return {
    ...toConnectionSettings(input),
    AZURE_CLIENT_ID: identity.clientId,
    CAUSEWAY_ENVIRONMENT_KIND: config.environmentKind,
    CAUSEWAY_PRODUCTION_HOSTS: JSON.stringify(config.productionHosts),
    CAUSEWAY_DEFAULT_DOOR: config.doors[0].name,
    CAUSEWAY_TABLE_ENDPOINT: storage.tableEndpoint,
    CAUSEWAY_BLOB_ENDPOINT: storage.blobEndpoint,
    CAUSEWAY_FINANCE_URL: config.financeUrl,
    CAUSEWAY_DATAVERSE_URL: config.dataverseUrl,
    CAUSEWAY_WORKFLOWS: pulumi.jsonStringify(input.workflows),
    CAUSEWAY_WORKFLOW_AUDIENCE: input.workflowAudience,
    CAUSEWAY_TARGETS: pulumi.jsonStringify(withSenderDomain(config.targets, input.senderDomain)),
    CAUSEWAY_MAXIMUM_INSTANCE_COUNT: String(config.maximumInstanceCount),
    CAUSEWAY_RETENTION: JSON.stringify(config.retention),
    CAUSEWAY_MAX_MESSAGE_BYTES: String(MAX_MESSAGE_BYTES[config.serviceBusTier]),
    ...(config.operator === undefined
      ? {}
      : {
          CAUSEWAY_OPERATOR: pulumi.jsonStringify({
            ...withoutAddresses(config.operator),
            ...toAddresses(config),
            tenantId: input.tenantId,
          }),
        }),
    ...input.ownerSettings,
    ...(config.console === undefined ? {} : { CAUSEWAY_CONSOLE: JSON.stringify(config.console) }),
  };
}

function toAddresses(config: StackConfig): { readonly addresses?: readonly string[] } {
  const addresses = toOperatorRanges(config);
  return addresses === undefined ? {} : { addresses };
}

/** Where operators sit is the network's matter, and the app's only where the network lets everybody in. */
function withoutAddresses(operator: OperatorConfig): Omit<OperatorConfig, "allowedAddresses"> {
  const { allowEdits, audiences, authority, replayPerSecond } = operator;
  return { audiences, authority, allowEdits, replayPerSecond };
}

function toConnectionSettings(
  input: AppSettingsInput,
): Readonly<Record<string, pulumi.Input<string>>> {
  const { clientId } = input.identity;
  return {
    ServiceBus__fullyQualifiedNamespace: input.serviceBusNamespace,
    ServiceBus__credential: "managedidentity",
    ServiceBus__clientId: clientId,
    AzureWebJobsStorage__accountName: input.storage.accountName,
    AzureWebJobsStorage__credential: "managedidentity",
    AzureWebJobsStorage__clientId: clientId,
    APPLICATIONINSIGHTS_CONNECTION_STRING: input.telemetryConnectionString,
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: pulumi.interpolate`Authorization=AAD;ClientId=${clientId}`,
  };
}

/** Completes senders that are given as the part before the @. */
function withSenderDomain(
  targets: Readonly<Record<string, TargetConfig>>,
  senderDomain: pulumi.Input<string> | undefined,
): pulumi.Output<Readonly<Record<string, TargetConfig>>> {
  return pulumi.output(senderDomain).apply((domain) =>
    Object.fromEntries(
      Object.entries(targets).map(([name, target]) => {
        const companies = Object.entries(target.legalEntities ?? {}).map(([id, company]) => {
          const { sender } = company;
          const isPartial = sender !== undefined && !sender.includes("@") && domain !== undefined;
          return [id, isPartial ? { ...company, sender: `${sender}@${domain}` } : company] as const;
        });
        // Every mail domain has this sender from the start, a managed one no other.
        const isMail = name === "email" && domain !== undefined;
        const sender = isMail ? { sender: `DoNotReply@${domain}` } : {};
        return [name, { ...sender, ...target, legalEntities: Object.fromEntries(companies) }];
      }),
    ),
  );
}
