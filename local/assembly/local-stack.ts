import { toDirectoryId } from "../identity/directory.ts";

/** Addresses that the local stack's settings name. */
export interface LocalStackInput {
  readonly financeUrl: string;
  readonly dataverseUrl: string;
  readonly crmUrl: string;
  readonly mailUrl: string;
  readonly crmClientId: string;
  readonly crmClientSecret: string;
  readonly functionsPackage: string;
  /** The local identity service's address. */
  readonly authority: string;
  readonly financeReader: { readonly clientId: string; readonly objectId: string };
  /** Live ones when left out. */
  readonly targets?: Readonly<Record<string, unknown>> | undefined;
}

export interface LocalStack {
  readonly config: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
}

/** The console's app registration in the local tenant. */
export const consoleClientId = toDirectoryId("client", "console");

/** What tokens for the local operator API are for. */
export const operatorAudience = "api://causeway-local";

/** The mail domain of the local world; nothing outside this machine is asked about it. */
export const mailDomain = "mail.causeway.example";

const liveTargets: Readonly<Record<string, unknown>> = {
  ce: { mode: "live" },
  crm: { mode: "live" },
  email: { mode: "live", allowedRecipientDomains: ["*"] },
};

/**
 * Settings of the stack `local`, as `Pulumi.local.yaml` would hold them. It is a production stack of the
 * simulated world: the rule that guards live mail (design 8) is met by naming that world's own host, and
 * not by an exception in the product.
 */
export function toLocalStack(input: LocalStackInput): LocalStack {
  const financeHost = new URL(input.financeUrl).host;
  const settings: Readonly<Record<string, unknown>> = {
    environmentKind: "production",
    productionHosts: [financeHost],
    alerts: { emails: ["duty@causeway.example"] },
    runbookUrl: "https://causeway.example/docs/runbook.md",
    network: "public",
    serviceBusTier: "Standard",
    financeUrl: input.financeUrl,
    dataverseUrl: input.dataverseUrl,
    functionsPackage: input.functionsPackage,
    maximumInstanceCount: 1,
    alwaysReady: 0,
    doors: [{ name: "local", financeHost, keyVaultReader: input.financeReader }],
    crm: {
      baseUrl: input.crmUrl,
      tokenUrl: `${input.crmUrl}/services/oauth2/token`,
      clientId: input.crmClientId,
    },
    crmClientSecret: input.crmClientSecret,
    mail: {
      domain: "custom",
      domainName: mailDomain,
      isVerified: true,
      senders: [{ username: "invoices", displayName: "Accounts receivable" }],
    },
    operator: {
      audiences: [operatorAudience],
      authority: input.authority,
      allowEdits: true,
      replayPerSecond: 300,
    },
    console: {
      clientId: consoleClientId,
      simulation: {
        finance: input.financeUrl,
        dataverse: input.dataverseUrl,
        crm: input.crmUrl,
        mail: input.mailUrl,
      },
    },
    targets: input.targets ?? liveTargets,
  };
  return {
    config: {
      "azure-native:location": "westeurope",
      ...Object.fromEntries(
        Object.entries(settings).map(([key, value]) => [
          `causeway:${key}`,
          typeof value === "string" ? value : JSON.stringify(value),
        ]),
      ),
    },
    secretKeys: ["causeway:crmClientSecret"],
  };
}
