import { describe, expect, it } from "@jest/globals";
import { isSecret } from "@pulumi/pulumi";
import { Ajv } from "ajv";
import { stackConfigSchema } from "../../../infra/config-schema.ts";
import { readStackConfig } from "../../../infra/config.ts";
import type { StackConfig } from "../../../infra/stack-config.ts";

const host = "contoso.operations.dynamics.com";
const good = {
  environmentKind: "development",
  financeUrl: `https://${host}/`,
  dataverseUrl: "https://contoso.crm4.dynamics.com",
  doors: [{ name: "dev", financeHost: host }],
  targets: { email: { mode: "redirect", redirectTo: "me@contoso.example" } },
};

function read(
  settings: Readonly<Record<string, unknown>>,
  location = "westeurope",
  isSecret = true,
): StackConfig {
  const values = Object.entries(settings).map(([key, value]) => [
    `causeway:${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  return readStackConfig({
    values: { "azure-native:location": location, ...toRecord(values) },
    knownTargets: ["ce", "crm", "email"],
    stack: "test",
    isSecret: () => isSecret,
    findPackage: (path) => (path === "missing.zip" ? undefined : path),
  });
}

const nothing = {
  knownTargets: [],
  isSecret: () => true,
  findPackage: (path: string): string => path,
};

function toRecord(entries: readonly (readonly string[])[]): Record<string, string> {
  return Object.fromEntries(entries) as Record<string, string>;
}

function mistakesIn(
  settings: Readonly<Record<string, unknown>>,
  location?: string,
  isSecret?: boolean,
): readonly string[] {
  try {
    read(settings, location, isSecret);
    return [];
  } catch (error) {
    const { errors } = error as { errors: readonly { propertyPath: string; reason: string }[] };
    // What to do is held by a sentence of its own.
    return errors.map(
      ({ propertyPath, reason }) => `${propertyPath} ${reason.replace(/\.? Fix: .*$/, "")}`,
    );
  }
}

describe("the schema of settings", () => {
  it("is a valid schema", () => {
    const checker = new Ajv();

    expect([checker.validateSchema(stackConfigSchema), checker.errors]).toEqual([true, null]);
  });
});

describe("the stack's settings", () => {
  it("give every target its careful mode until somebody raises it", () => {
    const { targets } = read(good);

    expect(Object.entries(targets).map(([name, { mode }]) => [name, mode])).toEqual([
      ["ce", "dryRun"],
      ["crm", "off"],
      ["email", "redirect"],
    ]);
  });

  it("move from dev to prod by environmentKind alone", () => {
    expect(read(good)).toMatchObject({ serviceBusTier: "Standard", network: "public" });
    const people = { alerts: { emails: ["duty@contoso.example"] }, runbookUrl: "https://wiki" };

    expect(read({ ...good, ...people, environmentKind: "production" })).toMatchObject({
      serviceBusTier: "Premium",
      network: "private",
      alwaysReady: 1,
      doors: [{ endpoints: ["eventGrid", "https"] }],
    });
  });

  it("report all mistakes of shape at once, each by its key", () => {
    const mistakes = mistakesIn({
      ...good,
      financeUrl: "ftp:nowhere",
      environmentKind: "prod",
      maximumInstanceCount: 0,
      doors: [{ name: "Dev!", financeHost: host, endpoint: [] }],
      target: {},
    });

    expect(mistakes).toEqual([
      "causeway:target is not a setting; did you mean targets?",
      "causeway:environmentKind must be one of production, sandbox, development",
      "causeway:doors.0.endpoint is not a setting; did you mean endpoints?",
      "causeway:doors.0.name must be 2 to 12 lower-case letters and digits, the first a letter",
      "causeway:financeUrl must be an address that starts with https://",
      "causeway:maximumInstanceCount must be >= 1",
    ]);
  });

  it("report a region that nobody chose", () => {
    const values = { "causeway:environmentKind": "development" };

    expect(() => readStackConfig({ ...nothing, values, stack: "test" })).toThrow(
      "- azure-native:location is missing: the region to deploy to",
    );
  });

  it("report what does not go together", () => {
    const mistakes = mistakesIn({
      ...good,
      financeUrl: "http://contoso.example",
      network: "private",
      doors: [
        { name: "dev", financeHost: host, endpoints: ["serviceBus"] },
        { name: "dev", financeHost: host },
      ],
      targets: { crm: { mode: "live" }, mail: { mode: "off" }, email: { mode: "redirect" } },
      functionsPackage: "missing.zip",
    });

    expect(mistakes.map((mistake) => mistake.split(" ").slice(0, 4).join(" "))).toEqual([
      "causeway:financeUrl must be an",
      "causeway:doors.0.endpoints has serviceBus, but",
      "causeway:doors.1.name is used twice:",
      "causeway:targets.mail is in no",
      "causeway:targets.email.redirectTo is missing, but",
      "causeway:crm is missing, but",
      "causeway:crmClientSecret is missing, but",
      "causeway:logicAppOutboundAddresses is empty, so",
      "causeway:serviceBusTier must be Premium",
      "causeway:functionsPackage missing.zip does not",
    ]);
  });
});

describe("retention", () => {
  it("keeps bodies 30 and 180 days and the ledger 13 months until somebody says otherwise", () => {
    expect(read({ ...good, retention: { bodyDays: 10 } }).retention).toEqual({
      bodyDays: 10,
      failureBodyDays: 180,
      escalateDays: 30,
      ledgerMonths: 13,
    });
  });

  it("is refused where a body would outlive its row, or what waits for a person what is settled", () => {
    const retention = { bodyDays: 90, failureBodyDays: 90, escalateDays: 90, ledgerMonths: 3 };

    expect(mistakesIn({ ...good, retention })).toEqual([
      "causeway:retention.failureBodyDays is 90, but must be more than retention.bodyDays (90)",
      "causeway:retention.escalateDays is 90, but must be less than retention.failureBodyDays (90)",
      "causeway:retention.ledgerMonths is 3, but the ledger must be kept longer than its bodies (90 days)",
    ]);
  });
});

describe("the message about wrong settings", () => {
  it("says for every mistake what to do, and that nothing was deployed", () => {
    const values = {
      "azure-native:location": "westeuropa",
      "causeway:environmentKind": "production",
      "causeway:serviceBusTier": "Standard",
      "causeway:nodeVersion": "18",
    };
    const attempt = (): StackConfig =>
      readStackConfig({
        values,
        ...nothing,
        knownTargets: ["ce"],
        stack: "test",
        findPackage: () => undefined,
      });

    expect(attempt).toThrow(
      [
        "The stack's settings are wrong; nothing was deployed.",
        "- azure-native:location westeuropa is no region with Flex Consumption that we know; did you mean westeurope? Fix: choose another, or set causeway:checkRegion to false when Azure offers it there by now",
        "- causeway:doors is missing. Fix: write it into Pulumi.<stack>.yaml; docs/deploy.md has each setting",
        "- causeway:financeUrl is missing. Fix: write it into Pulumi.<stack>.yaml; docs/deploy.md has each setting",
        "- causeway:dataverseUrl is missing. Fix: write it into Pulumi.<stack>.yaml; docs/deploy.md has each setting",
        "- causeway:nodeVersion must be one of 22, 24. Fix: choose one of them",
        "- causeway:alerts.emails is empty, so no alert of this production stack would reach anybody. Fix: name a mailbox that is read on every day, such as a duty list",
        "- causeway:serviceBusTier must be Premium when network is private: Standard has no private endpoints. Fix: remove serviceBusTier, or set network to public",
        "- causeway:functionsPackage dist/functions.zip does not exist; run `npm run build` first. Fix: npm run build",
      ].join("\n"),
    );
  });

  it("names a key that is misspelt, whatever stands behind it, and guesses no region out of nothing", () => {
    expect(mistakesIn({ ...good, networks: "private" }, "atlantis")).toEqual([
      "azure-native:location atlantis is no region with Flex Consumption that we know",
      "causeway:networks is not a setting; did you mean network?",
    ]);
  });

  it("takes a region written as the portal does, and any region when told to", () => {
    expect(mistakesIn({ ...good, checkRegion: false }, "atlantis")).toEqual([]);
    expect(mistakesIn(good, "West Europe")).toEqual([]);
  });

  it("refuses what lies in zones in a region that has none, and a small stack there not", () => {
    const people = { alerts: { emails: ["duty@contoso.example"] }, runbookUrl: "https://wiki" };
    const production = { ...good, ...people, environmentKind: "production" };

    expect(mistakesIn(production, "West US")).toEqual([
      "azure-native:location West US has no availability zones, which are needed for " +
        "environmentKind: production, serviceBusTier: Premium, network: private",
    ]);
    expect(mistakesIn({ ...production, checkRegion: false }, "westus")).toEqual([]);
    expect(mistakesIn(good, "westus")).toEqual([]);
  });

  it("refuses a secret that is kept in clear, and does not repeat it", () => {
    const secrets = {
      crmClientSecret: "hunter2",
      ownerWebhooks: { finance: "https://hooks.example/1" },
    };

    expect(mistakesIn({ ...good, ...secrets }, undefined, false)).toEqual([
      "causeway:crmClientSecret lies in clear in Pulumi.<stack>.yaml",
      "causeway:ownerWebhooks lies in clear in Pulumi.<stack>.yaml",
    ]);
    expect(mistakesIn({ ...good, ...secrets })).toEqual([]);
  });

  it("refuses a door whose vault would have the name of the stack's own", () => {
    expect(mistakesIn({ ...good, doors: [{ name: "app", financeHost: host }] })).toEqual([
      "causeway:doors.0.name is app, which the stack's own vault is called",
    ]);
  });

  it("takes private ranges and service tags, and no others", () => {
    const good24 = ["10.40.0.0/24", "172.20.1.0/24", "192.168.7.0/24"];

    expect(good24.flatMap((networkRange) => mistakesIn({ ...good, networkRange }))).toEqual([]);
    expect(mistakesIn({ ...good, networkRange: "10.0.0.0/16", deployFrom: ["home"] })).toEqual([
      "causeway:networkRange must be a private range of this size, such as 10.40.0.0/24",
      "causeway:deployFrom.0 must be an IPv4 address or range, or a service tag such as AzureCloud.westeurope",
    ]);
  });

  it("keeps a plan over zones for stacks whose storage lies in zones", () => {
    expect(mistakesIn({ ...good, zoneRedundantApp: true })).toEqual([
      "causeway:zoneRedundantApp is true, but the storage of a development stack lies in one place",
    ]);
  });

  it("names instances that CE cannot bear, and more ready ones than there may be", () => {
    expect(mistakesIn({ ...good, maximumInstanceCount: 60, alwaysReady: 61 })).toEqual([
      "causeway:maximumInstanceCount is 60, but more than 40 instances overrun Dataverse's limit of requests at a time",
      "causeway:alwaysReady is 61, more than maximumInstanceCount (60)",
    ]);
  });

  it("refuses a stack whose name leaves nothing for names in Azure", () => {
    const values = { "azure-native:location": "westeurope" };
    const attempt = (): StackConfig => readStackConfig({ ...nothing, values, stack: "__" });

    expect(attempt).toThrow('- stack "__" has no letter or digit that a name in Azure may have');
  });
});

describe("who is told and who operates", () => {
  const closed = { ...good, doors: [{ name: "dev", financeHost: host, endpoints: ["eventGrid"] }] };
  const operator = (allowedAddresses?: readonly string[]) => ({
    operator: { audiences: ["api://causeway"], ...(allowedAddresses && { allowedAddresses }) },
  });

  it("are owners with a webhook that is a secret, or with mail", async () => {
    const { ownerEmails, ownerWebhooks } = read({
      ...good,
      ownerWebhooks: { finance: "https://hooks.example/1" },
      ownerEmails: { masterData: ["data@contoso.example"] },
    });
    expect(ownerEmails).toEqual({ masterData: ["data@contoso.example"] });
    expect(ownerWebhooks !== undefined && (await isSecret(ownerWebhooks))).toBe(true);
    expect(read(good).ownerWebhooks).toBeUndefined();
  });

  it("are refused by key when an owner or an address is none, and no webhook is shown", () => {
    expect(
      mistakesIn({
        ...good,
        ownerWebhooks: { boss: "https://hooks.example/secret", finance: "http://secret.example/x" },
        ownerEmails: { masterdata: [], finance: ["nobody"] },
      }),
    ).toEqual([
      "causeway:ownerWebhooks.boss is not a setting; did you mean finance?",
      "causeway:ownerWebhooks.finance must be an address that starts with https://",
      "causeway:ownerEmails.masterdata is not a setting; did you mean masterData?",
      "causeway:ownerEmails.finance.0 must be an e-mail address",
    ]);
  });

  it("get no mail from a stack without a mail service", () => {
    const ownerEmails = { finance: ["ap@contoso.example"] };
    expect(mistakesIn({ ...good, ownerEmails, targets: { email: { mode: "off" } } })).toEqual([
      "causeway:ownerEmails names people, but this stack has no mail service: targets.email is off",
    ]);
  });

  it("have to be let in by address where no door takes https, or be kept out on purpose", () => {
    const reason = ({ 0: text = "" }: readonly string[]): string => text.slice(0, 70);
    expect(reason(mistakesIn({ ...closed, ...operator() }))).toBe(
      "causeway:operator.allowedAddresses is missing: no door takes https, so",
    );
    expect(mistakesIn({ ...closed, ...operator([]) })).toEqual([]);
    expect(mistakesIn({ ...closed, ...operator(["203.0.113.0/24", "198.51.100.7"]) })).toEqual([]);
    expect(mistakesIn(closed)).toEqual([]);
  });

  it("reach a private stack from its own network without being named", () => {
    const inside = { network: "private", serviceBusTier: "Premium" };
    expect(mistakesIn({ ...closed, ...inside, ...operator() })).toEqual([]);
  });

  it("may be named beside an https door, but not by a range that is the world", () => {
    expect(mistakesIn({ ...good, ...operator(["203.0.113.0/24"]) })).toEqual([]);
    expect(mistakesIn({ ...closed, ...operator(["0.0.0.0/0"]) })).toEqual([
      "causeway:operator.allowedAddresses has 0.0.0.0/0, which is nearly everybody",
    ]);
    expect(mistakesIn({ ...closed, ...operator(["::1"]) })).toEqual([
      "causeway:operator.allowedAddresses.0 must be an IPv4 address or range",
    ]);
  });
});

describe("live mail", () => {
  const live = {
    ...good,
    alerts: { emails: ["duty@contoso.example"] },
    runbookUrl: "https://wiki.contoso.example/runbook",
    environmentKind: "production",
    productionHosts: [host],
    targets: { email: { mode: "live", allowedRecipientDomains: ["contoso.example"] } },
  };

  it("is deployed to production with its F&O host and its recipients named", () => {
    expect(mistakesIn(live)).toEqual([]);
  });

  it.each(["sandbox", "development"])("is refused in a %s", (environmentKind) => {
    expect(mistakesIn({ ...live, environmentKind })).toEqual([
      `causeway:targets.email.mode is live, but environmentKind is ${environmentKind}`,
    ]);
  });

  it("is refused for an F&O that is not listed as production", () => {
    const copy = "contoso-copy.sandbox.operations.dynamics.com";

    expect(mistakesIn({ ...live, financeUrl: `https://${copy}` })).toEqual([
      `causeway:productionHosts lacks ${copy}, but targets.email.mode is live`,
    ]);
    expect(mistakesIn({ ...live, doors: [{ name: "copy", financeHost: copy }] })).toEqual([
      `causeway:productionHosts lacks ${copy}, but targets.email.mode is live`,
    ]);
  });

  it("is refused without recipient domains, also for one company only", () => {
    const email = {
      mode: "redirect",
      redirectTo: "me@contoso.example",
      legalEntities: { usmf: { mode: "live" } },
    };

    expect(mistakesIn({ ...live, targets: { email } })).toEqual([
      "causeway:targets.email.allowedRecipientDomains is empty, but " +
        'targets.email.legalEntities.usmf.mode is live; name the domains, or "*" for all',
    ]);
  });
});
