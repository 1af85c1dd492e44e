import * as pulumi from "@pulumi/pulumi";
import { Command } from "@pulumi/command/local/index.js";
import {
  AppServicePlan,
  WebApp,
  WebAppFtpAllowed,
  WebAppScmAllowed,
  listWebAppFunctionKeysOutput,
  listWebAppHostKeysOutput,
} from "@pulumi/azure-native/web/index.js";
import { toPublishUrl } from "../scripts/one-deploy.ts";
import { HTTPS_DOOR_FUNCTION } from "../topology.ts";
import { sendDiagnostics } from "./diagnostics.ts";
import type { Identity } from "./identities.ts";
import type { Placement } from "./placement.ts";

export interface FunctionAppArgs extends Placement {
  readonly identity: Identity;
  readonly settings: Readonly<Record<string, pulumi.Input<string>>>;
  readonly nodeVersion: string;
  readonly maximumInstanceCount: number;
  readonly instanceMemoryMB: number;
  /** Instances that are always there for the HTTPS door and for intake. Default 0: scale to zero. */
  readonly alwaysReady: number;
  /** Address of the container that Azure keeps the package in. */
  readonly deploymentContainerUrl: pulumi.Input<string>;
  readonly package: {
    readonly path: string;
    readonly sha256: string;
    readonly projectRoot: string;
  };
  /** True when a door lets F&O post here; otherwise nobody may call the app from the internet. */
  readonly isDoor: boolean;
  /** For a closed app: who reaches it from the internet all the same, IPv4 addresses and ranges. */
  readonly operatorAddresses: readonly string[];
  /** From where code comes over the internet: IPv4 addresses, ranges and service tags. Default: everywhere. */
  readonly deployFrom: readonly string[] | undefined;
  /** Instances in several zones at any time. Default false. */
  readonly isZoneRedundant: boolean;
  readonly subnetId?: pulumi.Input<string>;
  /** What Azure needs to read the secrets that settings refer to: it looks once when they are set. */
  readonly settingsDependOn: readonly pulumi.Resource[];
  /** Roles, rules, tables: what the code needs from its first second on. */
  readonly codeDependsOn: readonly pulumi.Resource[];
}

/** The function app on Flex Consumption, with its code. */
export class FunctionApp extends pulumi.ComponentResource {
  readonly appId: pulumi.Output<string>;
  readonly hostName: pulumi.Output<string>;
  /**
   * Two keys of the HTTPS door, known once the code is there: the function's own, and the host's for functions of
   * this level, of which the door is the only one. Azure makes both; either is renewed without the other.
   */
  readonly doorKeys: Readonly<Record<"primary" | "secondary", pulumi.Output<string>>>;

  readonly #name: string;
  readonly #args: FunctionAppArgs;

  constructor(name: string, args: FunctionAppArgs, opts?: pulumi.ComponentResourceOptions) {
    super("causeway:functions:FunctionApp", name, {}, opts);
    this.#name = name;
    this.#args = args;
    const app = this.#createApp();
    const guards = this.#switchPasswordsOff(app);
    const code = this.#deployCode(app, guards);
    this.appId = app.id;
    this.hostName = app.defaultHostName;
    this.doorKeys = this.#readDoorKeys(app, code);
    this.registerOutputs({ hostName: this.hostName });
  }

  #readDoorKeys(app: WebApp, code: Command): FunctionApp["doorKeys"] {
    const of = { resourceGroupName: this.#args.resourceGroupName, name: app.name };
    const afterwards = { parent: this, dependsOn: [code] };
    const own = listWebAppFunctionKeysOutput(
      { ...of, functionName: HTTPS_DOOR_FUNCTION },
      afterwards,
    );
    const host = listWebAppHostKeysOutput(of, afterwards);
    return {
      primary: pulumi.secret(own.apply(({ properties }) => properties["default"] ?? "")),
      secondary: pulumi.secret(host.apply(({ functionKeys }) => functionKeys?.["default"] ?? "")),
    };
  }

  #createApp(): WebApp {
    const { deployFrom, identity, isDoor, nameOf, operatorAddresses, settings } = this.#args;
    const { subnetId, tags } = this.#args;
    const app = new WebApp(
      `${this.#name}-app`,
      {
        resourceGroupName: this.#args.resourceGroupName,
        name: nameOf("functionApp"),
        kind: "functionapp,linux",
        serverFarmId: this.#createPlan().id,
        httpsOnly: true,
        identity: { type: "UserAssigned", userAssignedIdentities: [identity.id] },
        keyVaultReferenceIdentity: identity.id,
        // Said, because a private endpoint closes an app that does not say it, and its deployment site too.
        // https://learn.microsoft.com/azure/app-service/overview-access-restrictions#app-access
        publicNetworkAccess: "Enabled",
        ...(subnetId === undefined ? {} : { virtualNetworkSubnetId: subnetId }),
        siteConfig: {
          appSettings: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
          minTlsVersion: "1.2",
          scmMinTlsVersion: "1.2",
          ftpsState: "Disabled",
          http20Enabled: true,
          remoteDebuggingEnabled: false,
          ipSecurityRestrictionsDefaultAction: isDoor ? "Allow" : "Deny",
          // Where a door takes https, everybody passes here, and the app itself asks where operators sit.
          ipSecurityRestrictions: toAllowed("operators", isDoor ? [] : operatorAddresses),
          // The deployment site takes Entra tokens only, and of a private stack not from everywhere (0083).
          scmIpSecurityRestrictionsUseMain: false,
          scmIpSecurityRestrictionsDefaultAction: deployFrom === undefined ? "Allow" : "Deny",
          scmIpSecurityRestrictions: toAllowed("deployers", deployFrom ?? []),
        },
        functionAppConfig: this.#toAppConfig(),
        tags,
      },
      { parent: this, dependsOn: [...this.#args.settingsDependOn] },
    );
    sendDiagnostics(this.#name, { resourceUri: app.id, workspaceId: this.#args.workspaceId }, this);
    return app;
  }

  #createPlan(): AppServicePlan {
    return new AppServicePlan(
      `${this.#name}-plan`,
      {
        resourceGroupName: this.#args.resourceGroupName,
        name: this.#args.nameOf("plan"),
        kind: "functionapp",
        sku: { name: "FC1", tier: "FlexConsumption" },
        reserved: true,
        zoneRedundant: this.#args.isZoneRedundant,
        tags: this.#args.tags,
      },
      { parent: this },
    );
  }

  #toAppConfig() {
    const { alwaysReady, deploymentContainerUrl, identity, instanceMemoryMB } = this.#args;
    return {
      runtime: { name: "node", version: this.#args.nodeVersion },
      scaleAndConcurrency: {
        maximumInstanceCount: this.#args.maximumInstanceCount,
        instanceMemoryMB,
        alwaysReady: (alwaysReady === 0 ? [] : ["http", "function:intake"]).map((group) => ({
          name: group,
          instanceCount: alwaysReady,
        })),
      },
      deployment: {
        storage: {
          type: "blobContainer",
          value: deploymentContainerUrl,
          authentication: {
            type: "UserAssignedIdentity",
            userAssignedIdentityResourceId: identity.id,
          },
        },
      },
      siteUpdateStrategy: { type: "RollingUpdate" },
    };
  }

  #switchPasswordsOff(app: WebApp): readonly pulumi.Resource[] {
    const within = {
      resourceGroupName: this.#args.resourceGroupName,
      name: app.name,
      allow: false,
    };
    return [
      new WebAppFtpAllowed(`${this.#name}-ftp`, within, { parent: this }),
      new WebAppScmAllowed(`${this.#name}-scm`, within, { parent: this }),
    ];
  }

  /** The zip goes up with the deployer's own token; the hash alone decides whether it goes again. */
  #deployCode(app: WebApp, guards: readonly pulumi.Resource[]): Command {
    const { codeDependsOn, package: zip } = this.#args;
    return new Command(
      `${this.#name}-code`,
      {
        create: "node --import tsx infra/scripts/publish-package.ts",
        dir: zip.projectRoot,
        environment: {
          CAUSEWAY_FUNCTION_APP: app.name,
          CAUSEWAY_PUBLISH_URL: app.defaultHostName.apply(toPublishUrl),
          CAUSEWAY_PACKAGE: zip.path,
        },
        triggers: [zip.sha256],
      },
      { parent: this, dependsOn: [...codeDependsOn, ...guards] },
    );
  }
}

/** Rules that let in, by what they name: addresses, ranges, service tags. */
function toAllowed(who: string, from: readonly string[]) {
  return from.map((source, index) => ({
    name: `${who}-${index + 1}`,
    action: "Allow",
    priority: 100 + index,
    ...(/^[0-9]/.test(source)
      ? { ipAddress: source.includes("/") ? source : `${source}/32` }
      : { ipAddress: source, tag: "ServiceTag" }),
  }));
}
