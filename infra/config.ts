import * as pulumi from "@pulumi/pulumi";
import { Ajv, type ErrorObject } from "ajv";
import addFormats from "ajv-formats";
import { closest } from "fastest-levenshtein";
import { findRuleMistakes } from "./config-rules.ts";
import type { Mistake } from "./mistake.ts";
import { LOCATION, findPlaceMistakes, findZoneMistakes } from "./place-rules.ts";
import { stackConfigSchema } from "./config-schema.ts";
import type {
  DoorConfig,
  Mode,
  RawStackConfig,
  StackConfig,
  TargetConfig,
} from "./stack-config.ts";

export interface ConfigInput {
  /** Every setting of the stack, `<namespace>:<key>` → text (objects as JSON), as Pulumi keeps them. */
  readonly values: Readonly<Record<string, string>>;
  /** Targets that the flows name. */
  readonly knownTargets: readonly string[];
  /** The stack's name, which is part of every resource's. */
  readonly stack: string;
  /** Whether a setting, by its whole name, is kept encrypted. */
  readonly isSecret: (name: string) => boolean;
  /** The absolute path of a package that exists, or undefined. */
  readonly findPackage: (path: string) => string | undefined;
}

const NAMESPACE = "causeway:";
const LOGIN = "https://login.microsoftonline.com";
/** Keys whose text is not JSON: everything else is a number, list or object. */
const TEXT_KEYS: ReadonlySet<string> = new Set([
  "environmentKind",
  "financeUrl",
  "dataverseUrl",
  "crmClientSecret",
  "serviceBusTier",
  "network",
  "networkRange",
  "nodeVersion",
  "functionsPackage",
  "nameSuffix",
  "runbookUrl",
]);

// A test checks the schema itself, which took as long as all else here.
const ajv = new Ajv({
  allErrors: true,
  strict: true,
  verbose: true,
  meta: false,
  validateSchema: false,
});
addFormats.default(ajv);
const validate = ajv.compile<RawStackConfig>(stackConfigSchema);

/** The checked settings. Throws one InputPropertiesError that lists every mistake by its key. */
export function readStackConfig(input: ConfigInput): StackConfig {
  const mistakes: Mistake[] = [];
  const raw = parseSettings(input.values, mistakes);
  mistakes.push(...findPlaceMistakes(input));
  const wrongShape = validate(raw) ? [] : (validate.errors ?? []).map(toMistake);
  mistakes.push(...wrongShape);
  const wrongKeys = new Set(wrongShape.map(({ key }) => key.split(".")[0] ?? key));
  const right = withoutKeys(raw, wrongKeys);
  // What hangs together is said as well, as far as it does not hang on what is wrong.
  const config = withDefaults(right, input);
  const fromRules = findRuleMistakes(config, right, input.knownTargets);
  mistakes.push(...fromRules.filter(({ key }) => !wrongKeys.has(key.split(".")[0] ?? key)));
  mistakes.push(...findZoneMistakes(config, input.values), ...findClearSecrets(raw, input));
  const path = input.findPackage(config.functionsPackage);
  if (path === undefined) {
    mistakes.push({
      key: "functionsPackage",
      reason: `${config.functionsPackage} does not exist; run \`npm run build\` first`,
      fix: "npm run build",
    });
  }
  if (mistakes.length > 0) throw toError(mistakes);
  return {
    ...config,
    functionsPackage: path ?? config.functionsPackage,
  };
}

/** What must not lie in a file that everybody reads who reads the repository. */
const SECRETS = ["crmClientSecret", "ownerWebhooks"] as const;

function findClearSecrets(
  raw: Readonly<Record<string, unknown>>,
  { isSecret }: ConfigInput,
): readonly Mistake[] {
  return SECRETS.filter((key) => key in raw && !isSecret(NAMESPACE + key)).map((key) => ({
    key,
    reason: "lies in clear in Pulumi.<stack>.yaml",
    fix: `take it out of the file and of its history, renew it, and \`pulumi config set --secret ${key === "ownerWebhooks" ? "--path causeway:ownerWebhooks.<owner>" : `causeway:${key}`}\``,
  }));
}

/** The settings that are right; what is missing then stands for itself in the message already. */
function withoutKeys(
  raw: Readonly<Record<string, unknown>>,
  wrong: ReadonlySet<string>,
): RawStackConfig {
  const host = "unknown.operations.dynamics.com";
  const url = `https://${host}`;
  const right = Object.entries(raw).filter(([key]) => !wrong.has(key));
  return {
    environmentKind: "development",
    financeUrl: url,
    dataverseUrl: url,
    doors: [{ name: "unknown", financeHost: host }],
    ...Object.fromEntries(right),
  };
}

function parseSettings(
  values: Readonly<Record<string, string>>,
  mistakes: Mistake[],
): Record<string, unknown> {
  const raw: Record<string, unknown> = {};
  for (const [name, text] of Object.entries(values)) {
    if (!name.startsWith(NAMESPACE)) continue;
    const key = name.slice(NAMESPACE.length);
    try {
      raw[key] = TEXT_KEYS.has(key) ? text : JSON.parse(text);
    } catch {
      // A misspelt key is told as such.
      if (!(key in stackConfigSchema.properties)) raw[key] = text;
      else
        mistakes.push({
          key,
          reason: "is not a number, list or object",
          fix: "write it in YAML in Pulumi.<stack>.yaml, or as JSON",
        });
    }
  }
  return raw;
}

function toMistake(error: ErrorObject): Mistake {
  const path = error.instancePath.slice(1).replaceAll("/", ".");
  const params = error.params as Readonly<Record<string, unknown>>;
  const key = (name: unknown): string => (path === "" ? String(name) : `${path}.${String(name)}`);
  switch (error.keyword) {
    case "required":
      return {
        key: key(params["missingProperty"]),
        reason: "is missing",
        fix: "write it into Pulumi.<stack>.yaml; docs/deploy.md has each setting",
      };
    case "additionalProperties": {
      const name = String(params["additionalProperty"]);
      const known = Object.keys((error.parentSchema?.["properties"] ?? {}) as object);
      return {
        key: key(name),
        reason: `is not a setting; did you mean ${closest(name, known)}?`,
        fix: "rename or remove it",
      };
    }
    case "enum": {
      const allowed = (params["allowedValues"] as readonly unknown[]).map(String).join(", ");
      return { key: path, reason: `must be one of ${allowed}`, fix: "choose one of them" };
    }
    default: {
      const wanted = error.parentSchema?.["description"] as string | undefined;
      const reason = wanted === undefined ? error.message : `must be ${wanted}`;
      return {
        key: path,
        reason: reason ?? "is wrong",
        fix: "correct it in Pulumi.<stack>.yaml; docs/deploy.md has each setting",
      };
    }
  }
}

function withDefaults(raw: RawStackConfig, input: ConfigInput): StackConfig {
  const isProduction = raw.environmentKind === "production";
  const serviceBusTier = raw.serviceBusTier ?? (isProduction ? "Premium" : "Standard");
  const network = raw.network ?? (isProduction ? "private" : "public");
  const doors = raw.doors.map((door): DoorConfig => ({
    activeKey: "primary",
    ...door,
    // A private namespace is out of F&O's reach, so such a door offers the other two.
    endpoints:
      door.endpoints ??
      (network === "private" ? ["eventGrid", "https"] : ["eventGrid", "serviceBus", "https"]),
  }));
  const [first, ...others] = doors;
  if (first === undefined) {
    throw toError([
      { key: "doors", reason: "must have one door or more", fix: "one for each F&O environment" },
    ]);
  }
  return {
    environmentKind: raw.environmentKind,
    productionHosts: raw.productionHosts ?? [],
    doors: [first, ...others],
    financeUrl: raw.financeUrl.replace(/\/+$/, ""),
    dataverseUrl: raw.dataverseUrl.replace(/\/+$/, ""),
    crm: raw.crm === undefined ? undefined : { apiVersion: "v60.0", ...raw.crm },
    crmClientSecret:
      raw.crmClientSecret === undefined ? undefined : pulumi.secret(raw.crmClientSecret),
    targets: withTargetDefaults(raw.targets ?? {}, input.knownTargets),
    mail: {
      domain: "managed",
      isVerified: false,
      senders: [],
      dataLocation: "Europe",
      apiVersion: "2025-09-01",
      ...raw.mail,
    },
    ownerWebhooks:
      Object.keys(raw.ownerWebhooks ?? {}).length === 0
        ? undefined
        : pulumi.secret(JSON.stringify(raw.ownerWebhooks)),
    ownerEmails: raw.ownerEmails ?? {},
    console: raw.console,
    operator:
      raw.operator === undefined
        ? undefined
        : { authority: LOGIN, allowEdits: false, replayPerSecond: 50, ...raw.operator },
    serviceBusTier,
    network,
    networkRange: raw.networkRange ?? "10.40.0.0/24",
    // Hosted agents of GitHub and Azure Pipelines run in Azure.
    deployFrom: raw.deployFrom ?? (network === "private" ? ["AzureCloud"] : undefined),
    zoneRedundantApp: raw.zoneRedundantApp ?? false,
    maximumInstanceCount: raw.maximumInstanceCount ?? 10,
    instanceMemoryMB: raw.instanceMemoryMB ?? 2048,
    alwaysReady: raw.alwaysReady ?? (isProduction ? 1 : 0),
    nodeVersion: raw.nodeVersion ?? "22",
    logRetentionDays: raw.logRetentionDays ?? (isProduction ? 90 : 30),
    retention: {
      ...{ bodyDays: 30, failureBodyDays: 180, escalateDays: 30, ledgerMonths: 13 },
      ...raw.retention,
    },
    alerts: { emails: [], oldestUndeliveredMinutes: 60, ...raw.alerts },
    budget: raw.budget,
    runbookUrl: raw.runbookUrl ?? "docs/runbook.md",
    defender: raw.defender ?? isProduction,
    availabilityTest:
      raw.availabilityTest ??
      (isProduction && doors.some((door) => door.endpoints.includes("https"))),
    functionsPackage: raw.functionsPackage ?? "dist/functions.zip",
    nameSuffix: raw.nameSuffix,
    logicAppOutboundAddresses: raw.logicAppOutboundAddresses ?? [],
    tags: raw.tags ?? {},
  };
}

/** A target that nobody configured never writes into a real system. */
const CAREFUL_MODES: Readonly<Record<string, Mode>> = { ce: "dryRun", email: "redirect" };

function withTargetDefaults(
  targets: NonNullable<RawStackConfig["targets"]>,
  knownTargets: readonly string[],
): Readonly<Record<string, TargetConfig>> {
  const names = new Set([...knownTargets, ...Object.keys(targets)]);
  return Object.fromEntries(
    [...names].map((name) => [name, { mode: CAREFUL_MODES[name] ?? "off", ...targets[name] }]),
  );
}

function toError(mistakes: readonly Mistake[]): pulumi.InputPropertiesError {
  const errors = mistakes.map(({ key, reason, fix }) => ({
    propertyPath: key === LOCATION || key === "stack" ? key : NAMESPACE + key,
    reason: `${reason}${reason.endsWith("?") ? "" : "."} Fix: ${fix}`,
  }));
  const lines = errors.map(({ propertyPath, reason }) => `- ${propertyPath} ${reason}`);
  return new pulumi.InputPropertiesError({
    message: `The stack's settings are wrong; nothing was deployed.\n${lines.join("\n")}`,
    errors,
  });
}
