import { beforeAll, describe, expect, it } from "@jest/globals";
import { toPolicyStack, type PolicyResource } from "../../infra/policy/policy-rule.ts";
import { policyRules } from "../../infra/policy/rules.ts";
import { captureStack } from "./capture-stack.ts";
import { everythingOn } from "./usual-stacks.ts";

async function capture(
  profile: string,
  overrides: Readonly<Record<string, unknown>>,
): Promise<readonly PolicyResource[]> {
  const { resources } = await captureStack(profile, overrides);
  return resources.map(({ inputs, name, type }) => ({ name, props: inputs, type }));
}

function findBreaches(resources: readonly PolicyResource[]): readonly string[] {
  const stack = toPolicyStack(resources);
  return policyRules.flatMap(({ check, name }) => check(stack).map((one) => `${name}: ${one}`));
}

describe("the rules", () => {
  it("are the 43 that a reviewer expects, each with its reason and a link", () => {
    expect(policyRules.map(({ number }) => number)).toEqual(
      Array.from({ length: 43 }, (_, index) => index + 1),
    );
    expect(new Set(policyRules.map(({ name }) => name)).size).toBe(43);
    expect(
      policyRules.filter(({ link, reason }) => reason === "" || !link.startsWith("https://")),
    ).toEqual([]);
  });

  it.each([
    ["dev", "as shipped", {}],
    ["dev", "with every target on", everythingOn],
    ["prod", "as shipped", {}],
    ["prod", "with every target on", everythingOn],
  ])("are kept by profile %s %s", async (profile, _state, overrides) => {
    expect(findBreaches(await capture(profile, overrides))).toEqual([]);
  });
});

type Change = (resources: readonly PolicyResource[]) => readonly PolicyResource[];

/** Sets one member of the first resource of a type; undefined removes it. */
function set(type: string, path: string, value: unknown): Change {
  return (resources) => {
    const at = resources.findIndex((resource) => resource.type === `azure-native:${type}`);
    return resources.map((resource, index) =>
      index === at ? { ...resource, props: put(resource.props, path.split("."), value) } : resource,
    );
  };
}

function put<T extends object>(
  target: T,
  [key = "", ...rest]: readonly string[],
  value: unknown,
): T {
  const members = target as Readonly<Record<string, unknown>>;
  const next = rest.length === 0 ? value : put(members[key] ?? {}, rest, value);
  if (Array.isArray(target)) {
    return target.map((one: unknown, index) =>
      String(index) === key ? next : one,
    ) as unknown as T;
  }
  return { ...target, [key]: next };
}

function without(...types: readonly string[]): Change {
  return (resources) =>
    resources.filter(({ type }) => !types.includes(type.replace("azure-native:", "")));
}

function rename(type: string, name: string, and: Change): Change {
  return (resources) =>
    and(
      resources.map((resource) =>
        resource.type === `azure-native:${type}` ? { ...resource, name } : resource,
      ),
    );
}

function all(...changes: readonly Change[]): Change {
  return (resources) => changes.reduce((changed, change) => change(changed), resources);
}

/** How each rule is broken in a good production stack. */
const breaks: Readonly<Record<string, Change>> = {
  "event-grid-keys-off": rename("eventgrid:Topic", "events", (resources) => resources),
  "event-grid-identity": set("eventgrid:Topic", "identity", undefined),
  "event-grid-public-access": rename("eventgrid:Topic", "events", (resources) => resources),
  "event-grid-tls": set("eventgrid:Topic", "minimumTlsVersionAllowed", "1.0"),
  "event-grid-dead-letter": set(
    "eventgrid:EventSubscription",
    "deadLetterWithResourceIdentity",
    undefined,
  ),
  "event-grid-delivery-by-identity": set(
    "eventgrid:EventSubscription",
    "deliveryWithResourceIdentity",
    undefined,
  ),
  "service-bus-keys-off": set("servicebus:Namespace", "disableLocalAuth", false),
  "service-bus-tls": set("servicebus:Namespace", "minimumTlsVersion", "1.1"),
  "service-bus-audit-logs": without("monitor:DiagnosticSetting"),
  "service-bus-in-use": without("servicebus:Queue", "servicebus:Topic"),
  "service-bus-premium": set("servicebus:Namespace", "sku.name", "Standard"),
  "service-bus-dead-lettering": set("servicebus:Queue", "deadLetteringOnMessageExpiration", false),
  "storage-no-anonymous": set("storage:BlobContainer", "publicAccess", "Blob"),
  "storage-https-only": set("storage:StorageAccount", "enableHttpsTrafficOnly", false),
  "storage-tls": set("storage:StorageAccount", "minimumTlsVersion", "TLS1_0"),
  "storage-shared-key-off": set("storage:StorageAccount", "allowSharedKeyAccess", true),
  "storage-firewall": set("storage:StorageAccount", "networkRuleSet.defaultAction", "Allow"),
  "storage-soft-delete": set(
    "storage:BlobServiceProperties",
    "deleteRetentionPolicy.enabled",
    false,
  ),
  "storage-redundancy": set("storage:StorageAccount", "sku.name", "Standard_LRS"),
  "storage-no-side-doors": set("storage:StorageAccount", "sasPolicy", undefined),
  "storage-defender": without("security:DefenderForStorage"),
  "vault-roles": set("keyvault:Vault", "properties.enableRbacAuthorization", false),
  "vault-keeps-deleted": set("keyvault:Vault", "properties.enablePurgeProtection", undefined),
  "vault-firewall": rename(
    "keyvault:Vault",
    "secrets",
    set("keyvault:Vault", "properties.networkAcls.defaultAction", "Allow"),
  ),
  "vault-logs-and-renewal": without("eventgrid:SystemTopic"),
  "app-https-only": set("web:WebApp", "httpsOnly", false),
  "app-tls": set("web:WebApp", "siteConfig.scmMinTlsVersion", "1.0"),
  "app-identity": set("web:WebApp", "identity", undefined),
  "app-no-ftp": set("web:WebApp", "siteConfig.ftpsState", "AllAllowed"),
  "app-no-debugging": set("web:WebApp", "siteConfig.remoteDebuggingEnabled", true),
  "app-no-publishing-passwords": set("web:WebAppScmAllowed", "allow", true),
  "app-health": without("applicationinsights:WebTest"),
  "app-storage-by-identity": set(
    "web:WebApp",
    "siteConfig.appSettings.0.name",
    "AzureWebJobsStorage",
  ),
  "app-network": set("web:WebApp", "virtualNetworkSubnetId", undefined),
  "workflow-callers": set("logic:Workflow", "accessControl", undefined),
  "workflow-secure-data": set("logic:Workflow", "identity", undefined),
  "insights-workspace": set("applicationinsights:Component", "workspaceResourceId", undefined),
  "insights-by-identity": set("applicationinsights:Component", "disableLocalAuth", false),
  "diagnostics-everywhere": without("monitor:DiagnosticSetting"),
  "tags-and-names": set("web:WebApp", "tags", {}),
  "no-secrets-in-clear": set("web:WebApp", "siteConfig.appSettings.0", {
    name: "CRM_CLIENT_SECRET",
    value: "hunter2",
  }),
  "roles-small": set(
    "authorization:RoleAssignment",
    "scope",
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-causeway-prod",
  ),
  "kept-and-watched": all(without("authorization:ManagementLockByScope")),
};

describe("each rule", () => {
  let good: readonly PolicyResource[];

  beforeAll(async () => {
    good = await capture("prod", everythingOn);
  });

  it("has a way to be broken", () => {
    expect(Object.keys(breaks)).toEqual(policyRules.map(({ name }) => name));
  });

  it.each(policyRules.map(({ name }) => [name] as const))("finds %s broken", (name) => {
    const changed = breaks[name]?.(good) ?? good;
    const rule = policyRules.find((one) => one.name === name);

    expect(rule?.check(toPolicyStack(changed)).length).toBeGreaterThan(0);
  });

  it.each<[string, Change, string]>([
    [
      "has no private endpoint",
      without("network:PrivateEndpoint"),
      "app-network: the app cannot be reached from inside the network",
    ],
    [
      "does not say whether it is public, which its private endpoint decides then",
      set("web:WebApp", "publicNetworkAccess", undefined),
      "app-network: functions-app is in no network, or has no access rule",
    ],
    [
      "takes code from everywhere",
      set("web:WebApp", "siteConfig.scmIpSecurityRestrictionsDefaultAction", "Allow"),
      "app-network: functions-app takes code from everywhere",
    ],
    [
      "takes code from what is everywhere",
      set("web:WebApp", "siteConfig.scmIpSecurityRestrictions", [{ ipAddress: "0.0.0.0/0" }]),
      "app-network: functions-app takes code from everywhere",
    ],
    [
      "is open for F&O's sake, and to operators from everywhere",
      all(
        set("web:WebApp", "siteConfig.ipSecurityRestrictionsDefaultAction", "Allow"),
        set("web:WebApp", "siteConfig.appSettings.0", { name: "CAUSEWAY_OPERATOR", value: "{}" }),
      ),
      "app-network: functions-app is operated from everywhere",
    ],
  ])("finds an app that %s", (_what, change, breach) => {
    expect(findBreaches(change(good))).toContain(breach);
  });
});
