import * as pulumi from "@pulumi/pulumi";
import { Secret, Vault } from "@pulumi/azure-native/keyvault/index.js";
import { sendDiagnostics } from "./diagnostics.ts";
import type { Placement } from "./placement.ts";
import { lockAgainstDeletion } from "./protection.ts";

export interface SecretVaultArgs extends Placement {
  readonly vaultName: string;
  readonly tenantId: pulumi.Input<string>;
  /** True only for a door's vault: F&O reads it from the internet. */
  readonly isPublic: boolean;
  /** In a private stack: who may come in past the firewall. */
  readonly readerAddresses?: readonly string[];
}

/** A Key Vault that people and code reach by roles only. */
export class SecretVault extends pulumi.ComponentResource {
  readonly vaultId: pulumi.Output<string>;
  /** With a slash at the end, as F&O's form and secret addresses want it. */
  readonly vaultUri: pulumi.Output<string>;

  readonly #name: string;
  readonly #args: SecretVaultArgs;
  readonly #vault: Vault;

  constructor(name: string, args: SecretVaultArgs, opts?: pulumi.ComponentResourceOptions) {
    super("causeway:vault:SecretVault", name, {}, opts);
    this.#name = name;
    this.#args = args;
    this.#vault = new Vault(
      `${name}-vault`,
      {
        resourceGroupName: args.resourceGroupName,
        vaultName: args.vaultName,
        properties: {
          tenantId: args.tenantId,
          sku: { family: "A", name: "standard" },
          enableRbacAuthorization: true,
          enableSoftDelete: true,
          softDeleteRetentionInDays: 90,
          enablePurgeProtection: true,
          publicNetworkAccess: "Enabled",
          networkAcls: {
            defaultAction: args.isPrivate && !args.isPublic ? "Deny" : "Allow",
            bypass: "AzureServices",
            ipRules: (args.readerAddresses ?? []).map((value) => ({ value })),
          },
        },
        tags: args.tags,
      },
      { parent: this, protect: args.isProtected },
    );
    sendDiagnostics(name, { resourceUri: this.#vault.id, workspaceId: args.workspaceId }, this);
    if (args.isProtected) lockAgainstDeletion(name, this.#vault.id, this);
    this.vaultId = this.#vault.id;
    this.vaultUri = this.#vault.properties.vaultUri.apply(
      // A preview knows the properties that we gave and none that Azure adds to them.
      (uri: string | undefined) => (uri === undefined ? "" : `${uri.replace(/\/+$/, "")}/`),
    );
    this.registerOutputs({ vaultUri: this.vaultUri });
  }

  /** Puts a secret in, through ARM: whoever deploys needs no right to read secrets. */
  addSecret(
    secretName: string,
    value: pulumi.Input<string>,
    about: { readonly contentType: string; readonly expiresOn?: string | undefined },
  ): Secret {
    const { contentType, expiresOn } = about;
    return new Secret(
      `${this.#name}-${secretName}`,
      {
        resourceGroupName: this.#args.resourceGroupName,
        vaultName: this.#vault.name,
        secretName,
        properties: {
          value: pulumi.secret(value),
          contentType,
          ...(expiresOn === undefined
            ? {}
            : { attributes: { enabled: true, expires: Date.parse(expiresOn) / 1000 } }),
        },
        tags: this.#args.tags,
      },
      { parent: this },
    );
  }
}
