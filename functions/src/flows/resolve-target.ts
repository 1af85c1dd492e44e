import type { Flow, FlowTarget, Mode } from "../../../schemas/types/flow.ts";
import type { AppConfig, TargetSettings } from "../platform/config.ts";
import { mayMailLeave, type MailSettings } from "./mail-safety.ts";
import { parseDuration } from "./parse-duration.ts";

export type SkipRule =
  "COMPANY_NOT_IN_SCOPE" | "TARGET_OFF" | "TOO_OLD" | "MAIL_NOT_ALLOWED" | "NOT_FOR_TARGET";

/** How one document is delivered to one target: flow, stack and company put together. */
export interface ResolvedTarget extends MailSettings {
  readonly kind: "dataverse" | "workflow";
  readonly mode: "dryRun" | "redirect" | "live";
  readonly retry: { readonly limitMs: number; readonly waitForMs: number };
  readonly budget: {
    readonly concurrency?: number;
    readonly perMinute?: number;
    readonly perHour?: number;
  };
  readonly maxAgeMs?: number;
  readonly once: boolean;
  readonly ownership: "all" | "notDualWritten";
  readonly ownerTeam?: string;
  readonly sender?: string;
  /** For customers whose own language has no texts. */
  readonly language?: string;
  readonly recipient?: FlowTarget["recipient"];
}

export interface TargetDocument {
  readonly legalEntity: string;
  readonly postedAt: string;
}

const dayMs = 86_400_000;
const defaultLimitMs = dayMs;
const defaultWaitForMs = 5 * dayMs;
/** A mail about an older invoice confuses more than it tells. */
const defaultMailMaxAgeMs = 3 * dayMs;

/**
 * What the stack's config says goes before what the flow says, and within each the company's word goes
 * before the target's. Returns the rule's name when the document is not for the target at all.
 */
export function resolveTarget(
  flow: Flow,
  name: string,
  document: TargetDocument,
  config: AppConfig,
  now: number,
): ResolvedTarget | { readonly skip: SkipRule } {
  const target = flow.targets[name];
  if (target === undefined) throw new RangeError(`The flow ${flow.name} has no target ${name}`);
  const company = document.legalEntity.toLowerCase();
  const settings = config.targets[name];
  const inFlow = ownMember(target.legalEntities, company);
  const inConfig = ownMember(settings?.legalEntities, company);
  if (target.legalEntities !== undefined && inFlow === undefined && inConfig === undefined) {
    return { skip: "COMPANY_NOT_IN_SCOPE" };
  }
  const isMail = isMailTarget(name, target);
  const mode =
    inConfig?.mode ?? settings?.mode ?? inFlow?.mode ?? target.mode ?? defaultMode(target, isMail);
  if (mode === "off") return { skip: "TARGET_OFF" };
  const maxAgeMs =
    target.maxAge === undefined
      ? isMail
        ? defaultMailMaxAgeMs
        : undefined
      : parseDuration(target.maxAge);
  if (isTooOld(document.postedAt, settings?.goLive, maxAgeMs, now)) return { skip: "TOO_OLD" };
  const safe = isMail ? toSafeMail(mode, settings, config) : toPlainMode(mode);
  if (safe === undefined) return { skip: "MAIL_NOT_ALLOWED" };
  const ownerTeam = inConfig?.ownerTeam ?? inFlow?.ownerTeam;
  const sender = inConfig?.sender ?? inFlow?.sender ?? settings?.sender;
  return {
    ...safe,
    kind: target.kind,
    retry: toRetry(target),
    budget: target.budget ?? {},
    once: target.once ?? isMail,
    ownership: inConfig?.ownership ?? inFlow?.ownership ?? target.ownership ?? "all",
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(ownerTeam === undefined ? {} : { ownerTeam }),
    ...(sender === undefined ? {} : { sender }),
    ...(inFlow?.language === undefined ? {} : { language: inFlow.language }),
    ...(target.recipient === undefined ? {} : { recipient: target.recipient }),
  };
}

export interface ServedDocument extends TargetDocument {
  /** The event that tells of it; left out: whichever. */
  readonly businessEventId?: string;
}

/** Whether the target, or any, would take a document that was posted then, however old it is by now. */
export function isServed(
  flows: readonly Flow[],
  { businessEventId, ...document }: ServedDocument,
  config: AppConfig,
  target?: string,
): boolean {
  const postedAt = Date.parse(document.postedAt);
  return flows.some(
    (flow) =>
      (businessEventId === undefined || flow.businessEvents.includes(businessEventId)) &&
      Object.keys(flow.targets).some(
        (name) =>
          (target === undefined || name === target) &&
          !isSkip(resolveTarget(flow, name, document, config, postedAt)),
      ),
  );
}

export function isSkip(
  resolved: ResolvedTarget | { readonly skip: SkipRule },
): resolved is { readonly skip: SkipRule } {
  return "skip" in resolved;
}

/** Any one sign of mail is enough: the safety rules must not hang on a forgotten member. */
export function isMailTarget(name: string, target: FlowTarget): boolean {
  return target.recipient !== undefined || target.templates !== undefined || name === "email";
}

/** What a target does that nobody said anything about: look at CE, leave the CRM alone, redirect mail. */
function defaultMode(target: FlowTarget, isMail: boolean): Mode {
  if (isMail) return "redirect";
  return target.kind === "dataverse" ? "dryRun" : "off";
}

function isTooOld(
  postedAt: string,
  goLive: string | undefined,
  maxAgeMs: number | undefined,
  now: number,
): boolean {
  const posted = Date.parse(postedAt);
  if (goLive !== undefined && !(posted >= Date.parse(goLive))) return true;
  return maxAgeMs !== undefined && now - posted > maxAgeMs;
}

function toRetry(target: FlowTarget): ResolvedTarget["retry"] {
  const { limit, waitFor } = target.retry ?? {};
  return {
    limitMs: limit === undefined ? defaultLimitMs : parseDuration(limit),
    waitForMs: waitFor === undefined ? defaultWaitForMs : parseDuration(waitFor),
  };
}

type SafeMode = Pick<ResolvedTarget, "mode" | "redirectTo" | "allowedRecipientDomains">;

/** Redirecting means nothing where there is no mailbox: nothing is written then. */
function toPlainMode(mode: Exclude<Mode, "off">): SafeMode {
  return { mode: mode === "live" ? "live" : "dryRun", allowedRecipientDomains: [] };
}

/** Live only where mail may leave; otherwise to the one mailbox; without that mailbox not at all. */
function toSafeMail(
  mode: Exclude<Mode, "off">,
  settings: TargetSettings | undefined,
  config: AppConfig,
): SafeMode | undefined {
  const redirectTo = settings?.redirectTo;
  const box = redirectTo === undefined ? {} : { redirectTo };
  if (mode === "dryRun") return { mode, allowedRecipientDomains: [], ...box };
  const domains = settings?.allowedRecipientDomains ?? [];
  if (mode === "live" && domains.length > 0 && mayMailLeave(config)) {
    return { mode: "live", allowedRecipientDomains: domains, ...box };
  }
  return redirectTo === undefined
    ? undefined
    : { mode: "redirect", redirectTo, allowedRecipientDomains: [] };
}

function ownMember<T>(
  record: Readonly<Record<string, T>> | undefined,
  name: string,
): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}
