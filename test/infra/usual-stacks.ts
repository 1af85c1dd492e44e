import type { Overrides } from "./capture-stack.ts";

/** Every target on, as a team runs it after a while. */
export const everythingOn = {
  targets: {
    ce: { mode: "live" },
    crm: { mode: "live" },
    email: { mode: "redirect", redirectTo: "test@contoso.example" },
  },
  crm: {
    baseUrl: "https://contoso.my.salesforce.com",
    tokenUrl: "https://contoso.my.salesforce.com/services/oauth2/token",
    clientId: "causeway",
  },
  crmClientSecret: "very-secret-crm-value",
  ownerWebhooks: { finance: "https://hooks.example/very-secret-hook" },
  ownerEmails: { masterData: ["data@contoso.example"], finance: [] },
  logicAppOutboundAddresses: ["203.0.113.0/24"],
};

const devDoor = {
  name: "dev",
  financeHost: "contoso-dev.sandbox.operations.dynamics.com",
  keyVaultReader: {
    clientId: "22222222-2222-2222-2222-222222222222",
    objectId: "33333333-3333-3333-3333-333333333333",
  },
};

const named = { ...everythingOn, nameSuffix: "abcde" };

/** The development profile, otherwise than as shipped. */
export const dev = {
  named,
  namedWithVaultReader: { ...named, doors: [devDoor] },
  onSecondaryKey: {
    ...everythingOn,
    doors: [{ name: "dev", financeHost: "dev.contoso.example", activeKey: "secondary" }],
  },
};

const quietDoor = {
  name: "prod",
  financeHost: "contoso.operations.dynamics.com",
  endpoints: ["eventGrid"],
};
const loudDoor = { ...quietDoor, endpoints: ["eventGrid", "https"] };
const operator = { audiences: ["api://causeway"], allowedAddresses: ["203.0.113.0/24"] };

/** The production profile, otherwise than as shipped. */
export const prod = {
  quiet: { doors: [quietDoor] },
  operated: {
    doors: [quietDoor],
    operator: { ...operator, allowedAddresses: ["203.0.113.0/24", "198.51.100.7"] },
  },
  operatedWithHttpsDoor: { doors: [loudDoor], operator },
  onOwnNetworkRange: {
    doors: [quietDoor],
    deployFrom: ["203.0.113.9", "AzureCloud.westeurope"],
    networkRange: "10.77.3.0/24",
  },
  /** More instances, longer retention, another tag, the other key, one more door, a newer Node: one run for all. */
  harmless: {
    ...everythingOn,
    maximumInstanceCount: 20,
    alwaysReady: 3,
    instanceMemoryMB: 4096,
    logRetentionDays: 365,
    tags: { owner: "somebody-else" },
    doors: [
      { ...loudDoor, activeKey: "secondary" },
      { ...loudDoor, name: "second" },
    ],
    nodeVersion: "24",
  },
  withoutCrm: { ...everythingOn, targets: { ...everythingOn.targets, crm: { mode: "off" } } },
  onSmallTier: { ...everythingOn, network: "public", serviceBusTier: "Standard" },
};

/** What test files look at, by profile: one process runs all of a profile's, and loads Pulumi once for them. */
export const usualStacks: Readonly<Record<string, readonly Overrides[]>> = {
  dev: [{}, everythingOn, ...Object.values(dev)],
  prod: [{}, everythingOn, ...Object.values(prod)],
};
