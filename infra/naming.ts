import { createHash } from "node:crypto";

/** Limits of Azure's names: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules */
interface NameRule {
  readonly prefix: string;
  readonly maxLength: number;
  /** Storage accounts allow lower-case letters and digits only. */
  readonly separator: "-" | "";
  /** The name is part of a public host name, so it must be unique in the world. */
  readonly isGlobal: boolean;
  /** Leaves the project out where the limit would cut off what tells names apart. */
  readonly isShort?: boolean;
}

const rules = {
  resourceGroup: { prefix: "rg", maxLength: 90, separator: "-", isGlobal: false },
  serviceBusNamespace: { prefix: "sb", maxLength: 50, separator: "-", isGlobal: true },
  storageAccount: { prefix: "st", maxLength: 24, separator: "", isGlobal: true },
  vault: { prefix: "kv", maxLength: 24, separator: "-", isGlobal: true, isShort: true },
  eventGridTopic: { prefix: "evgt", maxLength: 50, separator: "-", isGlobal: true },
  eventSubscription: { prefix: "evgs", maxLength: 64, separator: "-", isGlobal: false },
  // The Functions host id is the first 32 characters; longer names that share them would share leases.
  functionApp: { prefix: "func", maxLength: 32, separator: "-", isGlobal: true },
  plan: { prefix: "asp", maxLength: 40, separator: "-", isGlobal: false },
  identity: { prefix: "id", maxLength: 128, separator: "-", isGlobal: false },
  workflow: { prefix: "logic", maxLength: 43, separator: "-", isGlobal: false },
  workspace: { prefix: "log", maxLength: 63, separator: "-", isGlobal: false },
  applicationInsights: { prefix: "appi", maxLength: 255, separator: "-", isGlobal: false },
  emailService: { prefix: "acse", maxLength: 63, separator: "-", isGlobal: true },
  communicationService: { prefix: "acs", maxLength: 63, separator: "-", isGlobal: true },
  network: { prefix: "vnet", maxLength: 64, separator: "-", isGlobal: false },
  networkSecurityGroup: { prefix: "nsg", maxLength: 80, separator: "-", isGlobal: false },
  natGateway: { prefix: "ng", maxLength: 80, separator: "-", isGlobal: false },
  publicIpAddress: { prefix: "pip", maxLength: 80, separator: "-", isGlobal: false },
  actionGroup: { prefix: "ag", maxLength: 260, separator: "-", isGlobal: false },
  alert: { prefix: "alert", maxLength: 260, separator: "-", isGlobal: false },
  systemTopic: { prefix: "egst", maxLength: 50, separator: "-", isGlobal: false },
  workbook: { prefix: "wb", maxLength: 255, separator: "-", isGlobal: false },
  budget: { prefix: "budget", maxLength: 63, separator: "-", isGlobal: false },
  privateEndpoint: { prefix: "pep", maxLength: 64, separator: "-", isGlobal: false },
} as const satisfies Readonly<Record<string, NameRule>>;

export type ResourceKind = keyof typeof rules;

export interface NamingInput {
  readonly project: string;
  readonly stack: string;
  /** Makes global names unique; the same for every deployment of a stack. */
  readonly suffix: string;
}

/** Names a resource of a kind; `part` tells several of one kind apart. */
export type Namer = (kind: ResourceKind, part?: string) => string;

/**
 * One scheme for every name: `<prefix>-<project>-<stack>[-<part>][-<suffix>]`. A name over Azure's
 * limit loses the end of its middle, replaced by a hash of all of it, so that two long names that
 * differ anywhere stay different.
 */
export function createNamer(input: NamingInput): Namer {
  return (kind, part) => {
    const rule: NameRule = rules[kind];
    const words = rule.isShort === true ? [input.stack] : [input.project, input.stack];
    const middle = [...words, ...(part === undefined ? [] : [part])]
      .map((word) => toWord(word, rule.separator))
      .join(rule.separator);
    const tail = rule.isGlobal ? rule.separator + toWord(input.suffix, "") : "";
    const room = rule.maxLength - rule.prefix.length - rule.separator.length - tail.length;
    return rule.prefix + rule.separator + shorten(middle, room, rule.separator) + tail;
  };
}

/** Five characters that differ between organisations, stacks and regions but never between deployments. */
export function toNameSuffix(...parts: readonly string[]): string {
  return hash(parts.join("/"), 5);
}

/** Tags that every resource carries; the stack's own win over ours. */
export function toTags(
  input: Pick<NamingInput, "project" | "stack">,
  environmentKind: string,
  own: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return { application: input.project, stack: input.stack, environment: environmentKind, ...own };
}

function toWord(text: string, separator: "-" | ""): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, separator)
    .replace(/^-+|-+$/g, "");
}

function shorten(middle: string, room: number, separator: "-" | ""): string {
  if (middle.length <= room) return middle;
  const mark = separator + hash(middle, 4);
  return middle.slice(0, room - mark.length).replace(/-+$/, "") + mark;
}

function hash(text: string, length: number): string {
  // Base 36 keeps to the letters and digits that every rule allows.
  const digest = createHash("sha256").update(text).digest("hex");
  return BigInt(`0x${digest}`).toString(36).slice(0, length);
}
