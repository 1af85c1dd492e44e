import type * as pulumi from "@pulumi/pulumi";

export type EnvironmentKind = "production" | "sandbox" | "development";
export type Mode = "off" | "dryRun" | "redirect" | "live";
export type Endpoint = "eventGrid" | "serviceBus" | "https";

/** One F&O environment that sends to this stack, with its own keys and source name. */
export interface DoorConfig {
  readonly name: string;
  readonly financeHost: string;
  /** Kinds of F&O endpoint that the door offers. */
  readonly endpoints: readonly Endpoint[];
  /** Which of each pair of keys F&O uses; switch, deploy, wait 5 minutes, then renew the other. */
  readonly activeKey: "primary" | "secondary";
  /** `YYYY-MM-DD` of the last renewal: the secrets then carry a date half a year on, and an alert. */
  readonly keysRenewedOn?: string;
  /** F&O's app registration that reads the door's vault; without it nobody is granted access. */
  readonly keyVaultReader?: { readonly clientId: string; readonly objectId: string };
}

export interface TargetConfig {
  readonly mode: Mode;
  readonly goLive?: string;
  readonly redirectTo?: string;
  readonly allowedRecipientDomains?: readonly string[];
  readonly legalEntities?: Readonly<
    Record<
      string,
      {
        readonly mode?: Mode;
        /** Mail: a whole address, or the part before the @ of the stack's own domain. */
        readonly sender?: string;
        readonly ownership?: "all" | "notDualWritten";
        readonly ownerTeam?: string;
      }
    >
  >;
}

export interface CrmConfig {
  readonly baseUrl: string;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly apiVersion: string;
  /** `YYYY-MM-DD` on which the client secret ends; an alert comes 30 days before. */
  readonly secretExpiresOn?: string;
}

export interface MailConfig {
  readonly domain: "managed" | "custom";
  readonly domainName?: string;
  /** A custom domain can be linked only once its DNS records are verified. */
  readonly isVerified: boolean;
  readonly senders: readonly { readonly username: string; readonly displayName?: string }[];
  readonly dataLocation: string;
  readonly apiVersion: string;
  readonly senderRoleId?: string;
}

/** The console's app registration (docs/console.md). */
export interface ConsoleConfig {
  readonly clientId: string;
  /** Addresses of simulated systems; on a developer's machine only. */
  readonly simulation?: Readonly<Record<"finance" | "dataverse" | "crm" | "mail", string>>;
}

/** Who may operate the stack: an app registration in Entra with the app roles of the operator API. */
export interface OperatorConfig {
  /** Application ID URI, and the client id where tokens are v2.0. */
  readonly audiences: readonly string[];
  /** Where tokens come from: `https://login.microsoftonline.com` outside national clouds. */
  readonly authority: string;
  /** Whether a failure's event may be edited before it is sent again. */
  readonly allowEdits: boolean;
  readonly replayPerSecond: number;
  /**
   * Where operators sit: IPv4 addresses and ranges of the internet that reach the API and the console.
   * An empty list says on purpose: nobody from there. A private stack's own network always does.
   */
  readonly allowedAddresses?: readonly string[];
}

/** Owners of failures: who puts them right. */
export type FailureOwner = "masterData" | "finance" | "integration";

export interface AlertsConfig {
  /** Who gets the mail. */
  readonly emails: readonly string[];
  readonly oldestUndeliveredMinutes: number;
}

/** How long what is kept lives; personal data stands in bodies. */
export interface RetentionConfig {
  /** Bodies of events whose deliveries are all settled. */
  readonly bodyDays: number;
  /** Bodies of what nobody has decided. */
  readonly failureBodyDays: number;
  /** An undecided failure of this age is told to its owner and to integration. */
  readonly escalateDays: number;
  /** Full months of the ledger. */
  readonly ledgerMonths: number;
}

export interface BudgetConfig {
  /** Per month, in the currency of the subscription's bill. */
  readonly amount: number;
  /** First day of a month, `YYYY-MM-01`; Azure takes no budget without a beginning. */
  readonly from: string;
}

/** The whole stack configuration, checked; nothing downstream checks it again. */
export interface StackConfig {
  readonly environmentKind: EnvironmentKind;
  readonly productionHosts: readonly string[];
  readonly doors: readonly [DoorConfig, ...DoorConfig[]];
  readonly financeUrl: string;
  readonly dataverseUrl: string;
  readonly crm: CrmConfig | undefined;
  readonly crmClientSecret: pulumi.Output<string> | undefined;
  readonly targets: Readonly<Record<string, TargetConfig>>;
  readonly mail: MailConfig;
  /** JSON of webhook addresses by owner; undefined: nobody is told by webhook. */
  readonly ownerWebhooks: pulumi.Output<string> | undefined;
  /** Who is told of new failure groups by mail. */
  readonly ownerEmails: Readonly<Partial<Record<FailureOwner, readonly string[]>>>;
  /** Undefined: nobody may use the operator API. */
  readonly operator: OperatorConfig | undefined;
  /** Undefined: the console says how it is set up. */
  readonly console: ConsoleConfig | undefined;
  readonly serviceBusTier: "Standard" | "Premium";
  readonly network: "public" | "private";
  /** Of a private stack; another one for each stack whose network is joined to the same others. */
  readonly networkRange: string;
  /**
   * From where code may be sent to the deployment site over the internet: IPv4 addresses, ranges and service tags.
   * Undefined: from everywhere, with a token. A private stack's own network always may.
   */
  readonly deployFrom: readonly string[] | undefined;
  /** Instances in several zones at any time: Azure then keeps two of each function ready, and they cost. */
  readonly zoneRedundantApp: boolean;
  readonly maximumInstanceCount: number;
  readonly instanceMemoryMB: 512 | 2048 | 4096;
  readonly alwaysReady: number;
  readonly nodeVersion: string;
  readonly logRetentionDays: number;
  readonly retention: RetentionConfig;
  readonly alerts: AlertsConfig;
  /** Undefined: nobody is told what the month costs. */
  readonly budget: BudgetConfig | undefined;
  /** Where people read docs/runbook.md; alerts and the workbook link to it. */
  readonly runbookUrl: string;
  /** Microsoft Defender for the storage account. */
  readonly defender: boolean;
  /** The HTTPS door's host is asked from outside. */
  readonly availabilityTest: boolean;
  /** Absolute path of the function app's zip. */
  readonly functionsPackage: string;
  readonly nameSuffix: string | undefined;
  /** Addresses that Logic Apps of the region call from; a private stack lets only them read the app's vault. */
  readonly logicAppOutboundAddresses: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

/** What the settings say before defaults are filled in; shape checked, rules not yet. */
export interface RawStackConfig {
  readonly environmentKind: EnvironmentKind;
  readonly productionHosts?: readonly string[];
  readonly doors: readonly (Omit<DoorConfig, "endpoints" | "activeKey"> &
    Partial<Pick<DoorConfig, "endpoints" | "activeKey">>)[];
  readonly financeUrl: string;
  readonly dataverseUrl: string;
  readonly crm?: Omit<CrmConfig, "apiVersion"> & { readonly apiVersion?: string };
  readonly crmClientSecret?: string;
  readonly targets?: Readonly<
    Record<string, Omit<TargetConfig, "mode"> & { readonly mode?: Mode }>
  >;
  readonly mail?: Partial<MailConfig>;
  readonly ownerWebhooks?: Readonly<Partial<Record<FailureOwner, string>>>;
  readonly ownerEmails?: Readonly<Partial<Record<FailureOwner, readonly string[]>>>;
  readonly console?: ConsoleConfig;
  readonly operator?: Pick<OperatorConfig, "audiences"> & Partial<OperatorConfig>;
  readonly serviceBusTier?: "Standard" | "Premium";
  readonly network?: "public" | "private";
  readonly networkRange?: string;
  readonly deployFrom?: readonly string[];
  readonly zoneRedundantApp?: boolean;
  readonly maximumInstanceCount?: number;
  readonly instanceMemoryMB?: 512 | 2048 | 4096;
  readonly alwaysReady?: number;
  readonly nodeVersion?: string;
  readonly logRetentionDays?: number;
  readonly retention?: Partial<RetentionConfig>;
  readonly alerts?: Partial<AlertsConfig>;
  readonly budget?: BudgetConfig;
  readonly runbookUrl?: string;
  readonly defender?: boolean;
  readonly availabilityTest?: boolean;
  readonly checkRegion?: boolean;
  readonly functionsPackage?: string;
  readonly nameSuffix?: string;
  readonly logicAppOutboundAddresses?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
}

/** True when anything of the target runs in this stack: it, or one company, is not `off`. */
export function isDeployed(target: TargetConfig | undefined): boolean {
  if (target === undefined) return false;
  const modes = [target.mode, ...Object.values(target.legalEntities ?? {}).map((one) => one.mode)];
  return modes.some((mode) => mode !== undefined && mode !== "off");
}
