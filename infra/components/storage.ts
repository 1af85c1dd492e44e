import * as pulumi from "@pulumi/pulumi";
import {
  BlobContainer,
  BlobServiceProperties,
  StorageAccount,
  Table,
} from "@pulumi/azure-native/storage/index.js";
import { DefenderForStorage } from "@pulumi/azure-native/security/defenderForStorage.js";
import { sendDiagnostics } from "./diagnostics.ts";
import type { Placement } from "./placement.ts";
import { lockAgainstDeletion } from "./protection.ts";

export interface StorageArgs extends Placement {
  readonly tables: readonly string[];
  readonly containers: readonly string[];
  /** Copies in other zones. Default false: locally redundant. */
  readonly isZoneRedundant?: boolean;
  /** Microsoft Defender watches the account; costs per account and transaction. Default: not. */
  readonly isDefended?: boolean;
}

/** Ledger, failure store, claim checks, Event Grid's dead letters and the host's own state. */
export class Storage extends pulumi.ComponentResource {
  readonly accountId: pulumi.Output<string>;
  readonly accountName: pulumi.Output<string>;
  readonly blobEndpoint: pulumi.Output<string>;
  readonly tableEndpoint: pulumi.Output<string>;
  readonly containerIds: Readonly<Record<string, pulumi.Output<string>>>;
  /** What must exist before code runs. */
  readonly contents: readonly pulumi.Resource[];

  readonly #name: string;
  readonly #args: StorageArgs;

  constructor(name: string, args: StorageArgs, opts?: pulumi.ComponentResourceOptions) {
    super("causeway:storage:Storage", name, {}, opts);
    this.#name = name;
    this.#args = args;
    const account = this.#createAccount();
    const within = { resourceGroupName: args.resourceGroupName, accountName: account.name };
    new BlobServiceProperties(
      `${name}-blob-service`,
      {
        ...within,
        blobServicesName: "default",
        deleteRetentionPolicy: { enabled: true, days: 14 },
        containerDeleteRetentionPolicy: { enabled: true, days: 14 },
      },
      { parent: this },
    );
    const containers = args.containers.map(
      (containerName) =>
        new BlobContainer(
          `${name}-${containerName}`,
          { ...within, containerName, publicAccess: "None" },
          { parent: this },
        ),
    );
    const tables = args.tables.map(
      (tableName) => new Table(`${name}-${tableName}`, { ...within, tableName }, { parent: this }),
    );
    this.#sendDiagnostics(account);
    this.#guard(account);
    this.accountId = account.id;
    this.accountName = account.name;
    this.blobEndpoint = account.primaryEndpoints.blob;
    this.tableEndpoint = account.primaryEndpoints.table;
    this.containerIds = Object.fromEntries(
      args.containers.flatMap((key, index) => {
        const container = containers[index];
        return container === undefined ? [] : [[key, container.id] as const];
      }),
    );
    this.contents = [...containers, ...tables];
    this.registerOutputs({ accountId: this.accountId });
  }

  #createAccount(): StorageAccount {
    const { isPrivate, isProtected, isZoneRedundant, nameOf, resourceGroupName, tags } = this.#args;
    return new StorageAccount(
      `${this.#name}-account`,
      {
        resourceGroupName,
        accountName: nameOf("storageAccount"),
        kind: "StorageV2",
        sku: { name: isZoneRedundant === true ? "Standard_ZRS" : "Standard_LRS" },
        allowSharedKeyAccess: false,
        defaultToOAuthAuthentication: true,
        allowBlobPublicAccess: false,
        allowCrossTenantReplication: false,
        isLocalUserEnabled: false,
        // Nobody can sign one with the account's key; this also tells of user delegation ones over a day.
        sasPolicy: { expirationAction: "Log", sasExpirationPeriod: "1.00:00:00" },
        enableHttpsTrafficOnly: true,
        minimumTlsVersion: "TLS1_2",
        // Not "Disabled": Event Grid writes dead letters as a trusted service, past the closed firewall.
        publicNetworkAccess: "Enabled",
        networkRuleSet: { defaultAction: isPrivate ? "Deny" : "Allow", bypass: "AzureServices" },
        tags,
      },
      { parent: this, protect: isProtected },
    );
  }

  #guard(account: StorageAccount): void {
    const { isDefended, isProtected } = this.#args;
    if (isProtected) lockAgainstDeletion(this.#name, account.id, this);
    if (isDefended !== true) return;
    new DefenderForStorage(
      `${this.#name}-defender`,
      {
        resourceId: account.id,
        settingName: "current",
        properties: {
          isEnabled: true,
          overrideSubscriptionLevelSettings: true,
          malwareScanning: { onUpload: { isEnabled: false } },
          sensitiveDataDiscovery: { isEnabled: false },
        },
      },
      { parent: this },
    );
  }

  #sendDiagnostics(account: StorageAccount): void {
    const { workspaceId } = this.#args;
    // Reads and writes of the ledger are most of what happens here; only deletes need a trail.
    for (const service of ["blob", "table"]) {
      sendDiagnostics(
        `${this.#name}-${service}`,
        {
          resourceUri: pulumi.interpolate`${account.id}/${service}Services/default`,
          workspaceId,
          logs: ["StorageDelete"],
        },
        this,
      );
    }
  }
}
