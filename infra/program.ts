import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { toAppSettings } from "./app-settings.ts";
import { hasHttpsDoor, toOperatorRanges } from "./operator-ranges.ts";
import { Alerts } from "./components/alerts.ts";
import { Availability } from "./components/availability.ts";
import { Insight } from "./components/insight.ts";
import { Spending } from "./components/spending.ts";
import { Door } from "./components/door.ts";
import { FunctionApp } from "./components/function-app.ts";
import { readStackConfig } from "./config.ts";
import { createFoundation, type Foundation } from "./foundation.ts";
import { grantEventGrid, grantFunctionApp } from "./grants.ts";
import { prepareOwnerNotices } from "./owner-notices.ts";
import type { StackConfig } from "./stack-config.ts";
import { BUSINESS_EVENTS, STACK_VAULT, containers, readFlows, targetsOf } from "./topology.ts";
import { WORKFLOW_AUDIENCE, createWorkflows, type Workflows } from "./workflows.ts";

/** The folder of `flows/`, `logicapps/` and `dist/`; Pulumi's own working directory is `infra/`. */
const projectRoot = resolve(import.meta.dirname, "..");

/** Registers the whole stack and answers its outputs. May run several times in a process. */
export function createStack(): Promise<Record<string, unknown>> {
  const targets = targetsOf(readFlows(join(projectRoot, "flows")));
  const config = readStackConfig({
    values: pulumi.runtime.allConfig(),
    knownTargets: targets,
    stack: pulumi.getStack(),
    isSecret: isConfigSecret,
    findPackage: (path) => {
      const absolute = resolve(projectRoot, path);
      return existsSync(absolute) ? absolute : undefined;
    },
  });
  const foundation = createFoundation(config, targets);
  const workflows = createWorkflows(foundation, join(projectRoot, "logicapps"));
  const functionApp = createFunctionApp(foundation, workflows);
  foundation.network?.addEndpoint("site", functionApp.appId);
  const doors = openDoors(foundation, functionApp);
  const insight = watch(foundation, { workflows, functionApp, doors });
  return Promise.resolve({
    doors: Object.fromEntries(doors.map(([name, door]) => [name, door.forms])),
    addresses: toAddresses(foundation, functionApp, insight),
    operator: toOperator(foundation, functionApp),
  });
}

/** Known to the SDK and left out of its declarations. */
function isConfigSecret(name: string): boolean {
  const { isConfigSecret: ask } = pulumi.runtime as {
    readonly isConfigSecret?: (name: string) => boolean;
  };
  return ask?.(name) ?? true;
}

function createFunctionApp(foundation: Foundation, workflows: Workflows): FunctionApp {
  const { config, identities, messaging, monitoring, network, placement, storage } = foundation;
  const identity = identities.of("functions");
  const roles = grantFunctionApp(identity, { messaging, storage, monitoring }, identities);
  const owners = prepareOwnerNotices(foundation, workflows);
  return new FunctionApp("functions", {
    ...placement,
    identity,
    settings: toAppSettings({
      config,
      identity,
      serviceBusNamespace: messaging.fullyQualifiedNamespace,
      storage,
      telemetryConnectionString: monitoring.connectionString,
      workflows: workflows.endpoints,
      workflowAudience: WORKFLOW_AUDIENCE,
      tenantId: foundation.tenantId,
      senderDomain: workflows.senderDomain,
      ownerSettings: owners.settings,
    }),
    settingsDependOn: owners.needs,
    nodeVersion: config.nodeVersion,
    maximumInstanceCount: config.maximumInstanceCount,
    instanceMemoryMB: config.instanceMemoryMB,
    alwaysReady: config.alwaysReady,
    deploymentContainerUrl: pulumi.interpolate`${storage.blobEndpoint}${containers.deployments}`,
    package: {
      path: config.functionsPackage,
      sha256: createHash("sha256").update(readFileSync(config.functionsPackage)).digest("hex"),
      projectRoot,
    },
    isDoor: hasHttpsDoor(config),
    deployFrom: config.deployFrom,
    isZoneRedundant: config.zoneRedundantApp,
    operatorAddresses: config.operator?.allowedAddresses ?? [],
    ...(network === undefined ? {} : { subnetId: network.functionsSubnetId }),
    codeDependsOn: [
      ...roles,
      ...messaging.rules,
      ...storage.contents,
      ...foundation.privateWays,
      ...workflows.roles,
      ...owners.needs,
    ],
  });
}

function openDoors(
  foundation: Foundation,
  functionApp: FunctionApp,
): readonly (readonly [string, Door])[] {
  const { config, identities, messaging, placement, storage, tenantId } = foundation;
  const queueId = messaging.queueIds[BUSINESS_EVENTS];
  if (queueId === undefined) throw new Error("There is no queue for business events.");
  const identity = identities.of("event-grid");
  const roles = grantEventGrid(identity, { messaging, storage }, identities);
  return config.doors.map((door) => [
    door.name,
    new Door(`door-${door.name}`, {
      ...placement,
      config: door,
      identity,
      roles,
      queueId,
      deadLetters: { accountId: storage.accountId, container: containers.eventGridDeadLetters },
      tenantId,
      namespaceName: messaging.namespaceName,
      queueName: messaging.businessEventsName,
      serviceBusTier: config.serviceBusTier,
      functionApp: { hostName: functionApp.hostName, keys: functionApp.doorKeys },
    }),
  ]);
}

/** What the command line needs to find and to enter the operator API. */
function toOperator(
  { config, tenantId }: Foundation,
  functionApp: FunctionApp,
): Readonly<Record<string, pulumi.Output<string>>> {
  const [audience] = config.operator?.audiences ?? [];
  if (audience === undefined) return {};
  return {
    url: pulumi.interpolate`https://${functionApp.hostName}/api/ops/v1`,
    audience: pulumi.output(audience),
    tenantId,
    reachableFrom: pulumi.output(toReach(config)),
  };
}

/** In a sentence, since it is the first thing to look at when the console does not open. */
function toReach(config: StackConfig): string {
  const addresses = [
    ...(config.network === "private" ? ["the stack's network"] : []),
    ...(config.operator?.allowedAddresses ?? []),
  ];
  if (hasHttpsDoor(config) && toOperatorRanges(config) === undefined) {
    return "everywhere, with a token: the app is F&O's HTTPS door too";
  }
  return addresses.length === 0
    ? "nowhere: no door takes https and operator.allowedAddresses is empty"
    : addresses.join(", ");
}

interface Built {
  readonly workflows: Workflows;
  readonly functionApp: FunctionApp;
  readonly doors: readonly (readonly [string, Door])[];
}

/** Alerts on everything that was made, and what people look at. */
function watch(foundation: Foundation, built: Built): Insight {
  const { config, messaging, monitoring, placement } = foundation;
  const { doors, functionApp, workflows } = built;
  const { runbookUrl } = config;
  const { applicationInsightsId } = monitoring;
  const alerts = new Alerts("alerts", {
    ...placement,
    config: config.alerts,
    runbookUrl,
    applicationInsightsId,
    subscriptionId: foundation.subscriptionId,
    watched: {
      serviceBus: [{ name: "bus", id: messaging.namespaceId }],
      topics: doors.flatMap(([name, { topicId }]) =>
        topicId === undefined ? [] : [{ name, id: topicId }],
      ),
      workflows: workflows.resources,
    },
    vaults: [
      { name: STACK_VAULT, id: foundation.appVault.vaultId },
      ...doors.map(([name, { vaultId }]) => ({ name, id: vaultId })),
    ],
  });
  const { actionGroupId } = alerts;
  if (config.budget !== undefined) {
    new Spending("spending", {
      ...placement,
      config: config.budget,
      resourceGroupId: foundation.resourceGroupId,
      actionGroupId,
      emails: config.alerts.emails,
      runbookUrl,
    });
  }
  if (config.availabilityTest) {
    new Availability("availability", {
      ...placement,
      hostName: functionApp.hostName,
      applicationInsightsId,
      actionGroupId,
      runbookUrl,
    });
  }
  return new Insight("insight", {
    ...placement,
    applicationInsightsId,
    workspaceName: monitoring.workspaceName,
    runbookUrl,
    consoleUrl: toConsoleUrl(functionApp),
  });
}

function toConsoleUrl(functionApp: FunctionApp): pulumi.Output<string> {
  return pulumi.interpolate`https://${functionApp.hostName}/api/console`;
}

function toAddresses(
  { config, monitoring, placement }: Foundation,
  functionApp: FunctionApp,
  insight: Insight,
): Readonly<Record<string, pulumi.Output<string>>> {
  const portal = "https://portal.azure.com/#resource";
  return {
    console: toConsoleUrl(functionApp),
    workbook: pulumi.interpolate`${portal}${insight.workbookId}/workbook`,
    runbook: pulumi.output(config.runbookUrl),
    functionApp: pulumi.interpolate`https://${functionApp.hostName}`,
    functionAppInPortal: pulumi.interpolate`${portal}${functionApp.appId}`,
    applicationInsights: pulumi.interpolate`${portal}${monitoring.applicationInsightsId}/searchV1`,
    resourceGroup: pulumi.output(placement.resourceGroupName),
  };
}
