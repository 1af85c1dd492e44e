import { CausewayError } from "./causeway-error.ts";

export type EnvironmentKind = "production" | "sandbox" | "development";

/** Per target: what the stack says on top of the flow (`schemas/types/flow.ts`). */
export interface TargetSettings {
  readonly mode?: "off" | "dryRun" | "redirect" | "live";
  /** ISO 8601 instant; documents posted earlier are skipped TOO_OLD. */
  readonly goLive?: string;
  /** Mail only: where redirected mail goes. */
  readonly redirectTo?: string;
  /** Mail only: domains that live mail may reach, or "*". */
  readonly allowedRecipientDomains?: readonly string[];
  /** Mail only: sender for companies that name none; deployments put the mail service's own here. */
  readonly sender?: string;
  readonly legalEntities?: {
    readonly [legalEntity: string]: {
      readonly mode?: "off" | "dryRun" | "redirect" | "live";
      readonly sender?: string;
      readonly ownership?: "all" | "notDualWritten";
      readonly ownerTeam?: string;
    };
  };
}

/** Who may operate the stack: an app registration in Entra with the roles Reader, Operator, Approver. */
export interface OperatorSettings {
  /** `https://login.microsoftonline.com`, locally the address of the identity service. */
  readonly authority: string;
  readonly tenantId: string;
  /** Application ID URI and client id: v1.0 tokens carry the one, v2.0 tokens the other. */
  readonly audiences: readonly string[];
  /** Whether a failure's event may be edited before it is sent again (with a second person's approval). */
  readonly allowEdits: boolean;
  /** Failures replayed per second when nobody says otherwise. */
  readonly replayPerSecond: number;
  /** Only from these IPv4 addresses and ranges; undefined: the network decides. */
  readonly addresses?: readonly string[];
}

/** The console: a page that signs people in for the operator API. */
export interface ConsoleSettings {
  /** Of the app registration with the page's address as its single-page redirect. */
  readonly clientId: string;
  /** Addresses of the simulated systems: on a developer's machine only. */
  readonly simulation?: Readonly<Record<"finance" | "dataverse" | "crm" | "mail", string>>;
}

/** How long what is kept lives (docs/decisions/0060). */
export interface RetentionSettings {
  /** Bodies of events whose deliveries are all settled: days after settling. */
  readonly bodyDays: number;
  /** Bodies of what nobody has decided. */
  readonly failureBodyDays: number;
  /** Undecided failures of this age are told to their owner and to integration. */
  readonly escalateDays: number;
  /** Full months of the ledger, beside the one that is running. */
  readonly ledgerMonths: number;
}

export const defaultRetention: RetentionSettings = {
  bodyDays: 30,
  failureBodyDays: 180,
  escalateDays: 30,
  ledgerMonths: 13,
};

/** The function app's settings, read and checked once; nothing else reads the environment. */
export interface AppConfig {
  readonly environmentKind: EnvironmentKind;
  /** F&O host names that live mail may come from. */
  readonly productionHosts: readonly string[];
  /** Name of the door for events that carry none (F&O sending to the queue itself). */
  readonly defaultDoor: string;
  /** Client id of the function app's user-assigned identity. */
  readonly clientId: string | undefined;
  /** `<namespace>.servicebus.windows.net`, locally `localhost:<port>`. */
  readonly serviceBusNamespace: string;
  readonly tableEndpoint: string;
  readonly blobEndpoint: string;
  readonly financeUrl: string;
  readonly dataverseUrl: string;
  /** Logic Apps' access endpoints, by target. */
  readonly workflows: Readonly<Record<string, string>>;
  /** Audience of the token for our workflows. */
  readonly workflowAudience: string;
  readonly targets: Readonly<Record<string, TargetSettings>>;
  /** Instances the plan may scale to: per-instance budgets are a share of the target's. */
  readonly maximumInstanceCount: number;
  readonly maxMessageBytes: number;
  readonly retention: RetentionSettings;
  readonly telemetryConnectionString: string | undefined;
  /** Where owners of failures are told (masterData, finance, integration): webhook addresses. */
  readonly ownerWebhooks: Readonly<Record<string, string>>;
  readonly ownerMail: OwnerMailSettings | undefined;
  /** Settings whose secret Azure has not put in (yet): what they are for is off. */
  readonly unresolvedSettings: readonly string[];
  /** Undefined: nobody may use the operator API. */
  readonly operator: OperatorSettings | undefined;
  /** Undefined: the page says how it is set up. */
  readonly console: ConsoleSettings | undefined;
}

/** Owners' mail: `recovery/notice-channels.ts`. */
export interface OwnerMailSettings {
  readonly endpoint: string;
  readonly apiVersion: string;
  readonly sender: string;
  readonly to: Readonly<Record<string, readonly string[]>>;
}

export type ConfigErrorCode = "CONFIG_INVALID";

/**
 * Reads the settings. Names: CAUSEWAY_ENVIRONMENT_KIND, CAUSEWAY_PRODUCTION_HOSTS (JSON array),
 * CAUSEWAY_DEFAULT_DOOR, AZURE_CLIENT_ID, ServiceBus__fullyQualifiedNamespace, CAUSEWAY_TABLE_ENDPOINT,
 * CAUSEWAY_BLOB_ENDPOINT, CAUSEWAY_FINANCE_URL, CAUSEWAY_DATAVERSE_URL, CAUSEWAY_WORKFLOWS (JSON:
 * target → access endpoint), CAUSEWAY_WORKFLOW_AUDIENCE, CAUSEWAY_TARGETS (JSON: target →
 * TargetSettings), CAUSEWAY_MAXIMUM_INSTANCE_COUNT, CAUSEWAY_MAX_MESSAGE_BYTES,
 * CAUSEWAY_RETENTION (JSON: RetentionSettings, each with its default),
 * CAUSEWAY_OPERATOR (JSON: OperatorSettings), CAUSEWAY_CONSOLE (JSON: ConsoleSettings),
 * CAUSEWAY_OWNER_WEBHOOKS (JSON: owner → address), CAUSEWAY_OWNER_MAIL (JSON: OwnerMailSettings), APPLICATIONINSIGHTS_CONNECTION_STRING. Throws one CONFIG_INVALID that lists every bad setting.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): AppConfig {
  const problems: string[] = [];
  const text = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === "") problems.push(`${name} is not set`);
    return value ?? "";
  };
  const url = (name: string): string => {
    const value = text(name);
    if (value !== "" && !isAllowedUrl(value)) {
      problems.push(`${name} must be an https address (http only on loopback), got ${value}`);
    }
    return value.replace(/\/+$/, "");
  };
  const unresolvedSettings: string[] = [];
  const json = <T>(name: string, fallback: T): T => {
    const value = env[name];
    if (value === undefined || value === "") return fallback;
    // Azure leaves a reference as it stands while it cannot read the secret. Events must go on meanwhile.
    if (value.startsWith("@Microsoft.KeyVault(")) {
      unresolvedSettings.push(name);
      return fallback;
    }
    try {
      return JSON.parse(value) as T;
    } catch {
      problems.push(`${name} is not JSON`);
      return fallback;
    }
  };
  const count = (name: string, fallback: number): number => {
    const value = Number(env[name] ?? fallback);
    if (!Number.isInteger(value) || value < 1) problems.push(`${name} must be a whole number ≥ 1`);
    return value;
  };
  const kind = text("CAUSEWAY_ENVIRONMENT_KIND");
  if (kind !== "" && !isEnvironmentKind(kind)) {
    problems.push(
      `CAUSEWAY_ENVIRONMENT_KIND must be production, sandbox or development, got ${kind}`,
    );
  }
  const config: AppConfig = {
    environmentKind: isEnvironmentKind(kind) ? kind : "development",
    productionHosts: json<readonly string[]>("CAUSEWAY_PRODUCTION_HOSTS", []),
    defaultDoor: text("CAUSEWAY_DEFAULT_DOOR"),
    clientId: env["AZURE_CLIENT_ID"],
    serviceBusNamespace: text("ServiceBus__fullyQualifiedNamespace"),
    tableEndpoint: url("CAUSEWAY_TABLE_ENDPOINT"),
    blobEndpoint: url("CAUSEWAY_BLOB_ENDPOINT"),
    financeUrl: url("CAUSEWAY_FINANCE_URL"),
    dataverseUrl: url("CAUSEWAY_DATAVERSE_URL"),
    workflows: json<Record<string, string>>("CAUSEWAY_WORKFLOWS", {}),
    workflowAudience: env["CAUSEWAY_WORKFLOW_AUDIENCE"] ?? "https://management.azure.com/",
    targets: json<Record<string, TargetSettings>>("CAUSEWAY_TARGETS", {}),
    maximumInstanceCount: count("CAUSEWAY_MAXIMUM_INSTANCE_COUNT", 10),
    maxMessageBytes: count("CAUSEWAY_MAX_MESSAGE_BYTES", 262_144),
    retention: {
      ...defaultRetention,
      ...json<Partial<RetentionSettings>>("CAUSEWAY_RETENTION", {}),
    },
    telemetryConnectionString: env["APPLICATIONINSIGHTS_CONNECTION_STRING"],
    ownerWebhooks: json<Record<string, string>>("CAUSEWAY_OWNER_WEBHOOKS", {}),
    ownerMail: json<OwnerMailSettings | undefined>("CAUSEWAY_OWNER_MAIL", undefined),
    unresolvedSettings,
    operator: json<OperatorSettings | undefined>("CAUSEWAY_OPERATOR", undefined),
    console: json<ConsoleSettings | undefined>("CAUSEWAY_CONSOLE", undefined),
  };
  problems.push(...findRetentionProblems(config.retention));
  for (const [owner, address] of Object.entries(config.ownerWebhooks)) {
    // The address itself is a secret and stays out of the text.
    if (!isOwner(owner)) problems.push(`CAUSEWAY_OWNER_WEBHOOKS: there is no owner ${owner}`);
    if (!isAllowedUrl(address)) {
      problems.push(`CAUSEWAY_OWNER_WEBHOOKS: ${owner} must be an https address`);
    }
  }
  for (const owner of Object.keys(config.ownerMail?.to ?? {})) {
    if (!isOwner(owner)) problems.push(`CAUSEWAY_OWNER_MAIL: there is no owner ${owner}`);
  }
  if (problems.length > 0) {
    throw new CausewayError<ConfigErrorCode>(
      "CONFIG_INVALID",
      `The function app's settings are wrong; nothing was started.\n- ${problems.join("\n- ")}`,
      { fate: "permanent" },
    );
  }
  return config;
}

/** What is deleted is gone: a wrong number must delete nothing. */
function findRetentionProblems(retention: RetentionSettings): readonly string[] {
  const { bodyDays, escalateDays, failureBodyDays, ledgerMonths } = retention;
  const wrong = Object.entries({ bodyDays, escalateDays, failureBodyDays, ledgerMonths }).flatMap(
    ([name, value]) =>
      Number.isInteger(value) && value >= 1
        ? []
        : [`CAUSEWAY_RETENTION: ${name} must be a whole number ≥ 1`],
  );
  if (wrong.length > 0) return wrong;
  const inOrder = bodyDays < failureBodyDays && failureBodyDays < ledgerMonths * 28;
  return [
    ...(inOrder ? [] : ["CAUSEWAY_RETENTION: bodyDays < failureBodyDays < ledgerMonths must hold"]),
    ...(escalateDays < failureBodyDays
      ? []
      : ["CAUSEWAY_RETENTION: escalateDays must be less than failureBodyDays"]),
  ];
}

function isOwner(value: string): boolean {
  return value === "masterData" || value === "finance" || value === "integration";
}

function isEnvironmentKind(value: string): value is EnvironmentKind {
  return value === "production" || value === "sandbox" || value === "development";
}

function isAllowedUrl(value: string): boolean {
  try {
    const { protocol, hostname } = new URL(value);
    const loopback = hostname === "localhost" || hostname === "127.0.0.1" || hostname === "[::1]";
    return protocol === "https:" || (protocol === "http:" && loopback);
  } catch {
    return false;
  }
}
