// A description ends the sentence "<key> must be …" when the value is wrong.
const host = {
  type: "string",
  pattern: "^[a-z0-9.-]+(:[0-9]+)?$",
  description: "a host name in lower case, without https://",
} as const;
const url = {
  type: "string",
  pattern: "^https?://[^/]+",
  description: "an address that starts with https://",
} as const;
const guid = {
  type: "string",
  pattern: "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
  description: "a GUID",
} as const;
const date = { type: "string", format: "date", description: "a date such as 2026-12-31" } as const;
const ipv4Range = {
  type: "string",
  pattern: "^[0-9]{1,3}(\\.[0-9]{1,3}){3}(/[0-9]{1,2})?$",
  description: "an IPv4 address or range",
} as const;
/** https://learn.microsoft.com/azure/virtual-network/service-tags-overview */
const rangeOrTag = {
  type: "string",
  pattern: "^([0-9]{1,3}(\\.[0-9]{1,3}){3}(/[0-9]{1,2})?|[A-Z][A-Za-z0-9]+(\\.[a-z0-9]+)?)$",
  description: "an IPv4 address or range, or a service tag such as AzureCloud.westeurope",
} as const;
const privateRange = {
  type: "string",
  pattern: "^(10\\.[0-9]{1,3}|172\\.(1[6-9]|2[0-9]|3[01])|192\\.168)\\.[0-9]{1,3}\\.0/24$",
  description: "a private range of this size, such as 10.40.0.0/24",
} as const;
const mode = { enum: ["off", "dryRun", "redirect", "live"] };

const door = {
  type: "object",
  additionalProperties: false,
  required: ["name", "financeHost"],
  properties: {
    // Names of topics, vaults and secrets are made from it.
    name: {
      type: "string",
      pattern: "^[a-z][a-z0-9]{1,11}$",
      description: "2 to 12 lower-case letters and digits, the first a letter",
    },
    financeHost: host,
    endpoints: {
      type: "array",
      minItems: 1,
      uniqueItems: true,
      items: { enum: ["eventGrid", "serviceBus", "https"] },
    },
    activeKey: { enum: ["primary", "secondary"] },
    keysRenewedOn: date,
    keyVaultReader: {
      type: "object",
      additionalProperties: false,
      required: ["clientId", "objectId"],
      properties: { clientId: guid, objectId: guid },
    },
  },
};

const legalEntity = {
  type: "object",
  additionalProperties: false,
  properties: {
    mode,
    sender: { type: "string", minLength: 1 },
    ownership: { enum: ["all", "notDualWritten"] },
    ownerTeam: { type: "string", minLength: 1 },
  },
};

const target = {
  type: "object",
  additionalProperties: false,
  properties: {
    mode,
    goLive: { type: "string", format: "date-time" },
    redirectTo: { type: "string", format: "email" },
    allowedRecipientDomains: { type: "array", items: { type: "string", minLength: 1 } },
    legalEntities: { type: "object", additionalProperties: legalEntity },
  },
};

const mail = {
  type: "object",
  additionalProperties: false,
  required: ["domain"],
  properties: {
    domain: { enum: ["managed", "custom"] },
    domainName: host,
    isVerified: { type: "boolean" },
    senders: {
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["username"],
        properties: {
          username: {
            type: "string",
            pattern: "^[A-Za-z0-9._-]{1,64}$",
            description: "the part of an address before the @",
          },
          displayName: { type: "string", minLength: 1 },
        },
      },
    },
    dataLocation: { type: "string", minLength: 1 },
    apiVersion: {
      type: "string",
      pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}",
      description: "a date such as 2025-09-01",
    },
    senderRoleId: guid,
  },
};

const crm = {
  type: "object",
  additionalProperties: false,
  required: ["baseUrl", "tokenUrl", "clientId"],
  properties: {
    baseUrl: url,
    tokenUrl: url,
    clientId: { type: "string", minLength: 1 },
    apiVersion: {
      type: "string",
      pattern: "^v[0-9]+\\.[0-9]$",
      description: "a Salesforce version such as v60.0",
    },
    secretExpiresOn: date,
  },
};

const consolePage = {
  type: "object",
  additionalProperties: false,
  required: ["clientId"],
  properties: {
    clientId: guid,
    // Systems that are simulated on a developer's machine.
    simulation: {
      type: "object",
      additionalProperties: false,
      required: ["finance", "dataverse", "crm", "mail"],
      properties: { finance: url, dataverse: url, crm: url, mail: url },
    },
  },
};

const operator = {
  type: "object",
  additionalProperties: false,
  required: ["audiences"],
  properties: {
    audiences: { type: "array", minItems: 1, items: { type: "string", minLength: 1 } },
    authority: url,
    allowEdits: { type: "boolean" },
    replayPerSecond: { type: "integer", minimum: 1, maximum: 1000 },
    allowedAddresses: { type: "array", uniqueItems: true, maxItems: 100, items: ipv4Range },
  },
};

const secretUrl = {
  type: "string",
  pattern: "^(https://[^/]+|http://(localhost|127\\.0\\.0\\.1)[:/])",
  description: "an address that starts with https://",
} as const;
const emails = {
  type: "array",
  uniqueItems: true,
  items: { type: "string", format: "email", description: "an e-mail address" },
} as const;

/** By owner of failures. */
function byOwner(what: object): object {
  return {
    type: "object",
    additionalProperties: false,
    properties: { masterData: what, finance: what, integration: what },
  };
}

/** The shape of the stack settings in namespace `causeway`; what hangs together is in config-rules.ts. */
export const stackConfigSchema = {
  type: "object",
  additionalProperties: false,
  required: ["environmentKind", "doors", "financeUrl", "dataverseUrl"],
  properties: {
    environmentKind: { enum: ["production", "sandbox", "development"] },
    productionHosts: { type: "array", items: host },
    doors: { type: "array", minItems: 1, maxItems: 12, items: door },
    financeUrl: url,
    dataverseUrl: url,
    crm,
    crmClientSecret: { type: "string", minLength: 1 },
    targets: { type: "object", additionalProperties: target },
    mail,
    operator,
    console: consolePage,
    serviceBusTier: { enum: ["Standard", "Premium"] },
    network: { enum: ["public", "private"] },
    networkRange: privateRange,
    deployFrom: { type: "array", uniqueItems: true, maxItems: 100, items: rangeOrTag },
    // https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#scale
    maximumInstanceCount: { type: "integer", minimum: 1, maximum: 1000 },
    instanceMemoryMB: { enum: [512, 2048, 4096] },
    zoneRedundantApp: { type: "boolean" },
    alwaysReady: { type: "integer", minimum: 0, maximum: 1000 },
    nodeVersion: { enum: ["22", "24"] },
    logRetentionDays: { type: "integer", minimum: 30, maximum: 730 },
    retention: {
      type: "object",
      additionalProperties: false,
      properties: {
        bodyDays: { type: "integer", minimum: 1, maximum: 3650 },
        failureBodyDays: { type: "integer", minimum: 2, maximum: 3650 },
        escalateDays: { type: "integer", minimum: 1, maximum: 3650 },
        ledgerMonths: { type: "integer", minimum: 1, maximum: 120 },
      },
    },
    alerts: {
      type: "object",
      additionalProperties: false,
      properties: {
        emails,
        oldestUndeliveredMinutes: { type: "integer", minimum: 15, maximum: 10_080 },
      },
    },
    budget: {
      type: "object",
      additionalProperties: false,
      required: ["amount", "from"],
      properties: {
        amount: { type: "number", exclusiveMinimum: 0 },
        from: {
          type: "string",
          pattern: "^[0-9]{4}-[0-9]{2}-01$",
          description: "the first day of a month, such as 2026-12-01",
        },
      },
    },
    runbookUrl: url,
    defender: { type: "boolean" },
    availabilityTest: { type: "boolean" },
    checkRegion: { type: "boolean" },
    functionsPackage: { type: "string", minLength: 1 },
    nameSuffix: {
      type: "string",
      pattern: "^[a-z0-9]{1,8}$",
      description: "1 to 8 lower-case letters and digits",
    },
    logicAppOutboundAddresses: {
      type: "array",
      items: ipv4Range,
    },
    ownerWebhooks: byOwner(secretUrl),
    ownerEmails: byOwner(emails),
    tags: { type: "object", additionalProperties: { type: "string" } },
  },
} as const;
