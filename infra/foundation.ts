import * as pulumi from "@pulumi/pulumi";
import { getClientConfigOutput } from "@pulumi/azure-native/authorization/index.js";
import { ResourceGroup } from "@pulumi/azure-native/resources/index.js";
import { Identities } from "./components/identities.ts";
import { Messaging } from "./components/messaging.ts";
import { Monitoring } from "./components/monitoring.ts";
import { Network } from "./components/network.ts";
import type { Placement } from "./components/placement.ts";
import { Storage } from "./components/storage.ts";
import { SecretVault } from "./components/vault.ts";
import { createNamer, toNameSuffix, toTags } from "./naming.ts";
import { isDeployed, type StackConfig } from "./stack-config.ts";
import { STACK_VAULT, containers, createTopology, tables, workflowsByTarget } from "./topology.ts";

/** What everything else stands on. */
export interface Foundation {
  readonly config: StackConfig;
  /** Targets of which anything runs in this stack. */
  readonly targets: readonly string[];
  readonly placement: Placement;
  readonly tenantId: pulumi.Output<string>;
  readonly subscriptionId: pulumi.Output<string>;
  readonly resourceGroupId: pulumi.Output<string>;
  readonly monitoring: Monitoring;
  readonly messaging: Messaging;
  readonly storage: Storage;
  readonly identities: Identities;
  /** Holds what the app's workflows sign in with; never what F&O reads. */
  readonly appVault: SecretVault;
  readonly network: Network | undefined;
  /** Private ways to Service Bus and storage; empty in a public stack. */
  readonly privateWays: readonly pulumi.Resource[];
}

export function createFoundation(config: StackConfig, allTargets: readonly string[]): Foundation {
  const targets = allTargets.filter((target) => isDeployed(config.targets[target]));
  const { monitoring, placement, resourceGroupId } = createPlacement(config);
  const messaging = new Messaging("messaging", {
    ...placement,
    // Also for targets that are off: their function listens in any case, and to a queue that stays empty.
    topology: createTopology(allTargets),
    tier: config.serviceBusTier,
    allowsKeys: config.doors.some((door) => door.endpoints.includes("serviceBus")),
  });
  const storage = new Storage("storage", {
    ...placement,
    tables,
    containers: Object.values(containers),
    isZoneRedundant: config.environmentKind === "production",
    isDefended: config.defender,
  });
  const identities = new Identities("identities", {
    ...placement,
    holders: ["functions", "event-grid", ...targets.filter((name) => name in workflowsByTarget)],
  });
  const network = placement.isPrivate
    ? new Network("network", { ...placement, range: config.networkRange })
    : undefined;
  const { subscriptionId, tenantId } = getClientConfigOutput();
  // There whether or not a target needs it: a vault that was deleted keeps its name for 90 days.
  const appVault = new SecretVault("app-secrets", {
    ...placement,
    vaultName: placement.nameOf("vault", STACK_VAULT),
    tenantId,
    readerAddresses: config.logicAppOutboundAddresses,
    isPublic: false,
  });
  return {
    config,
    targets,
    placement,
    tenantId,
    subscriptionId,
    resourceGroupId,
    appVault,
    monitoring,
    messaging,
    storage,
    identities,
    network,
    privateWays:
      network === undefined
        ? []
        : [
            network.addEndpoint("serviceBus", messaging.namespaceId),
            network.addEndpoint("blob", storage.accountId),
            network.addEndpoint("table", storage.accountId),
          ],
  };
}

function createPlacement(config: StackConfig): {
  readonly monitoring: Monitoring;
  readonly placement: Placement;
  readonly resourceGroupId: pulumi.Output<string>;
} {
  const project = pulumi.getProject();
  const stack = pulumi.getStack();
  const suffix = config.nameSuffix ?? toNameSuffix(pulumi.getOrganization(), project, stack);
  const nameOf = createNamer({ project, stack, suffix });
  const tags = toTags({ project, stack }, config.environmentKind, config.tags);
  const group = new ResourceGroup("resource-group", {
    resourceGroupName: nameOf("resourceGroup"),
    tags,
  });
  const place = { resourceGroupName: group.name, nameOf, tags };
  const monitoring = new Monitoring("monitoring", {
    ...place,
    retentionInDays: config.logRetentionDays,
  });
  const placement: Placement = {
    ...place,
    workspaceId: monitoring.workspaceId,
    isProtected: config.environmentKind === "production",
    isPrivate: config.network === "private",
  };
  return { monitoring, placement, resourceGroupId: group.id };
}
