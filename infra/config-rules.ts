import { closest } from "fastest-levenshtein";
import { findMailMistakes, findMailOnlyMistakes } from "./mail-rules.ts";
import type { Mistake } from "./mistake.ts";
import { hasHttpsDoor } from "./operator-ranges.ts";
import { STACK_VAULT } from "./topology.ts";
import { isDeployed, type RawStackConfig, type StackConfig } from "./stack-config.ts";

/** What the settings say together that cannot be deployed, all of it at once. */
export function findRuleMistakes(
  config: StackConfig,
  raw: RawStackConfig,
  knownTargets: readonly string[],
): readonly Mistake[] {
  return [
    ...findUrlMistakes(config),
    ...findDoorMistakes(config),
    ...findTargetMistakes(config, knownTargets),
    ...findMailMistakes(config),
    ...findCrmMistakes(config, raw),
    ...findPeopleMistakes(config, raw),
    ...findOwnerMistakes(config),
    ...findOperatorMistakes(config),
    ...findCapacityMistakes(config),
    ...findRetentionMistakes(config),
    ...findNetworkMistakes(config),
  ];
}

function findUrlMistakes(config: StackConfig): readonly Mistake[] {
  const urls: Readonly<Record<string, string | undefined>> = {
    financeUrl: config.financeUrl,
    dataverseUrl: config.dataverseUrl,
    "crm.baseUrl": config.crm?.baseUrl,
    "crm.tokenUrl": config.crm?.tokenUrl,
    "operator.authority": config.operator?.authority,
  };
  return Object.entries(urls).flatMap(([key, text]) =>
    text === undefined || isSafeUrl(text)
      ? []
      : [
          {
            key,
            reason: `must be an https address (http only on loopback), got ${text}`,
            fix: "copy it out of the browser, up to the first slash",
          },
        ],
  );
}

function findDoorMistakes(config: StackConfig): readonly Mistake[] {
  const names = config.doors.map((door) => door.name);
  return config.doors.flatMap((door, index) => [
    ...(door.name === STACK_VAULT
      ? [
          {
            key: `doors.${index}.name`,
            reason: `is ${STACK_VAULT}, which the stack's own vault is called`,
            fix: "call it as the F&O environment is called, such as prod",
          },
        ]
      : []),
    ...(names.indexOf(door.name) === index
      ? []
      : [
          {
            key: `doors.${index}.name`,
            reason: `is used twice: ${door.name}`,
            fix: "give each F&O environment a name of its own",
          },
        ]),
    ...(config.network === "private" && door.endpoints.includes("serviceBus")
      ? [
          {
            key: `doors.${index}.endpoints`,
            reason: "has serviceBus, but F&O cannot reach a private namespace; use eventGrid",
            fix: "write endpoints: [eventGrid, https], or set network to public",
          },
        ]
      : []),
  ]);
}

function findTargetMistakes(
  config: StackConfig,
  knownTargets: readonly string[],
): readonly Mistake[] {
  return Object.entries(config.targets).flatMap(([name, target]) => [
    ...(knownTargets.includes(name)
      ? []
      : [
          {
            key: `targets.${name}`,
            reason: `is in no flow; did you mean ${closest(name, [...knownTargets])}?`,
            fix: `targets are ${knownTargets.join(", ")}; a new one begins as a folder in flows/`,
          },
        ]),
    ...(name === "email" ? [] : findMailOnlyMistakes(name, target)),
  ]);
}

function findCrmMistakes(config: StackConfig, raw: RawStackConfig): readonly Mistake[] {
  if (!isDeployed(config.targets["crm"])) return [];
  const missing = (key: string): Mistake => ({
    key,
    reason: "is missing, but targets.crm is on",
    fix:
      key === "crm"
        ? "write baseUrl, tokenUrl and clientId, or set targets.crm.mode to off"
        : "pulumi config set --secret causeway:crmClientSecret",
  });
  return [
    ...(config.crm === undefined ? [missing("crm")] : []),
    ...(raw.crmClientSecret === undefined ? [missing("crmClientSecret")] : []),
    ...(config.network === "private" && config.logicAppOutboundAddresses.length === 0
      ? [
          {
            key: "logicAppOutboundAddresses",
            reason:
              "is empty, so the CRM workflow could not read its secret; the addresses of a region " +
              "are on https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-config",
            fix: "copy your region's outbound addresses there into the list",
          },
        ]
      : []),
  ];
}

function findNetworkMistakes(config: StackConfig): readonly Mistake[] {
  if (config.network !== "private" || config.serviceBusTier === "Premium") return [];
  return [
    {
      key: "serviceBusTier",
      reason: "must be Premium when network is private: Standard has no private endpoints",
      fix: "remove serviceBusTier, or set network to public",
    },
  ];
}

/** In production an alert that reaches nobody is a failure that nobody sees. */
function findPeopleMistakes(config: StackConfig, raw: RawStackConfig): readonly Mistake[] {
  const mistakes: Mistake[] = [];
  const { emails } = config.alerts;
  if (config.environmentKind === "production" && emails.length === 0) {
    mistakes.push({
      key: "alerts.emails",
      reason: "is empty, so no alert of this production stack would reach anybody",
      fix: "name a mailbox that is read on every day, such as a duty list",
    });
  }
  if (emails.length > 0 && raw.runbookUrl === undefined) {
    mistakes.push({
      key: "runbookUrl",
      reason: "is missing, but alerts are sent to people who need it",
      fix: "the address at which they read docs/runbook.md, for example in your repository",
    });
  }
  return mistakes;
}

/** Mail to owners goes out through the mail service, which is there for the target e-mail alone. */
function findOwnerMistakes({ ownerEmails, targets }: StackConfig): readonly Mistake[] {
  const isTold = Object.values(ownerEmails).some((addresses) => addresses.length > 0);
  if (!isTold || isDeployed(targets["email"])) return [];
  return [
    {
      key: "ownerEmails",
      reason: "names people, but this stack has no mail service: targets.email is off",
      fix: "set targets.email.mode to dryRun or redirect, or use ownerWebhooks",
    },
  ];
}

/** A public app without an HTTPS door is closed; whoever operates it must have said from where. */
function findOperatorMistakes({ doors, network, operator }: StackConfig): readonly Mistake[] {
  if (operator === undefined) return [];
  const { allowedAddresses } = operator;
  const key = "operator.allowedAddresses";
  if (network === "public" && !hasHttpsDoor({ doors }) && allowedAddresses === undefined) {
    return [
      {
        key,
        reason:
          "is missing: no door takes https, so the function app is closed, and nobody would reach " +
          "the operator API and the console",
        fix: "list your offices' public addresses such as 203.0.113.0/24, or write [] if nobody shall",
      },
    ];
  }
  const open = allowedAddresses?.find((range) => /^0\.0\.0\.0|\/[0-7]$/.test(range));
  return open === undefined
    ? []
    : [
        {
          key,
          reason: `has ${open}, which is nearly everybody`,
          fix: "name the addresses of your offices or VPN, at most a /8",
        },
      ];
}

/** Of Dataverse's 52 requests at a time, 40 are Causeway's, and every instance needs one of them. */
const MOST_INSTANCES_WITH_CE = 40;

function findCapacityMistakes(config: StackConfig): readonly Mistake[] {
  const { alwaysReady, maximumInstanceCount } = config;
  const mistakes: Mistake[] = [];
  if (isDeployed(config.targets["ce"]) && maximumInstanceCount > MOST_INSTANCES_WITH_CE) {
    mistakes.push({
      key: "maximumInstanceCount",
      reason: `is ${maximumInstanceCount}, but more than ${MOST_INSTANCES_WITH_CE} instances overrun Dataverse's limit of requests at a time`,
      fix: `choose ${MOST_INSTANCES_WITH_CE} or less; 10 carry far more than Dataverse takes`,
    });
  }
  if (config.zoneRedundantApp && config.environmentKind !== "production") {
    mistakes.push({
      key: "zoneRedundantApp",
      reason: `is true, but the storage of a ${config.environmentKind} stack lies in one place`,
      fix: "remove it, or set environmentKind to production",
    });
  }
  if (alwaysReady > maximumInstanceCount) {
    mistakes.push({
      key: "alwaysReady",
      reason: `is ${alwaysReady}, more than maximumInstanceCount (${maximumInstanceCount})`,
      fix: "choose 1, or raise maximumInstanceCount",
    });
  }
  return mistakes;
}

/** No month has fewer days. */
const FEWEST_DAYS = 28;

/** A body may not outlive the row that it belongs to, nor a settled event's one that waits for a person. */
function findRetentionMistakes({ retention }: StackConfig): readonly Mistake[] {
  const { bodyDays, escalateDays, failureBodyDays, ledgerMonths } = retention;
  const mistakes: Mistake[] = [];
  if (failureBodyDays <= bodyDays) {
    mistakes.push({
      key: "retention.failureBodyDays",
      reason: `is ${failureBodyDays}, but must be more than retention.bodyDays (${bodyDays})`,
      fix: "what waits for a person is needed longer than what is settled; 180 and 30 are the defaults",
    });
  }
  if (failureBodyDays <= escalateDays) {
    mistakes.push({
      key: "retention.escalateDays",
      reason: `is ${escalateDays}, but must be less than retention.failureBodyDays (${failureBodyDays})`,
      fix: "people have to hear of a failure while its body is still there",
    });
  }
  if (ledgerMonths * FEWEST_DAYS <= Math.max(failureBodyDays, bodyDays)) {
    mistakes.push({
      key: "retention.ledgerMonths",
      reason: `is ${ledgerMonths}, but the ledger must be kept longer than its bodies (${Math.max(failureBodyDays, bodyDays)} days)`,
      fix: "raise it, or lower retention.failureBodyDays",
    });
  }
  return mistakes;
}

function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  const isLoopback = hostname === "localhost" || hostname === "127.0.0.1";
  return protocol === "https:" || (protocol === "http:" && isLoopback);
}
