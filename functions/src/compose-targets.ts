import type { CanonicalEvent } from "../../schemas/types/canonical-event.ts";
import type { FlowBudget } from "../../schemas/types/flow.ts";
import type { Budget } from "./delivery/budgets.ts";
import type { TargetLaneOptions } from "./delivery/create-lane.ts";
import { createDataverseClient } from "./dynamics/dataverse-client.ts";
import type { LoadedFlow, LoadedTarget } from "./flows/load-flows.ts";
import { isRecipientAllowed } from "./flows/mail-safety.ts";
import { isSkip, resolveTarget } from "./flows/resolve-target.ts";
import type { ResolvedTarget, SkipRule } from "./flows/resolve-target.ts";
import type { Clock } from "./platform/clock.ts";
import type { AppConfig } from "./platform/config.ts";
import type { Http } from "./platform/http.ts";
import type { Telemetry } from "./platform/telemetry.ts";
import type { GetToken } from "./platform/token.ts";
import { createDataverseTarget } from "./targets/dataverse/create-dataverse-target.ts";
import { createOwnerAddress } from "./targets/dataverse/owner-address.ts";
import type { AskBehind } from "./targets/probe.ts";
import type { Target } from "./targets/target.ts";
import { createAskCrm, createAskMail } from "./targets/workflow/ask-behind.ts";
import type { TargetReaders } from "./recovery/verify/compare-slice.ts";
import { createCrmTarget } from "./targets/workflow/crm-target.ts";
import { readCrmKeys, toCrmPlace } from "./targets/workflow/read-crm-keys.ts";
import type { CrmPlace } from "./targets/workflow/read-crm-keys.ts";
import { createEmailTarget } from "./targets/workflow/email-target.ts";
import { traceCall } from "./targets/workflow/traced-call.ts";
import { createWorkflowCall } from "./targets/workflow/workflow-call.ts";
import type { WorkflowCall } from "./targets/workflow/workflow-call.ts";

export interface TargetsInput {
  readonly flows: readonly LoadedFlow[];
  readonly config: AppConfig;
  readonly http: Http;
  /** For everything that asks Dataverse: it counts by user, and all of it is one. */
  readonly dataverseHttp: Http;
  readonly getToken: GetToken;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

type TargetParts = Omit<TargetLaneOptions, "ledger" | "maxMessageBytes">;

/** Every target that a flow names and that this stack has the address of. */
export function createTargets(input: TargetsInput): readonly TargetParts[] {
  return targetNames(input.flows).flatMap((name) => {
    const target = createTarget(name, input);
    if (target === undefined) return [];
    const definitions = input.flows.flatMap(({ targets }) => targets[name] ?? []);
    return [
      {
        target,
        budget: tightest(definitions.map(({ definition }) => definition.budget ?? {})),
        once: definitions.some(({ definition }) => definition.once === true) || isMail(definitions),
        isVersioned: (event: CanonicalEvent) => flowOf(input, event).flow.versioned === true,
        resolve: (event: CanonicalEvent, now: number) => resolve(input, name, event, now),
      },
    ];
  });
}

/** By target, for the CRMs that are deployed here: what they hold under effect keys. */
export function createCrmReaders(input: TargetsInput): TargetReaders {
  const readers = targetNames(input.flows).flatMap((name): [string, TargetReaders[string]][] => {
    const place = crmPlaceOf(name, input);
    const call = createCall(name, input);
    if (place === undefined || call === undefined) return [];
    const read: TargetReaders[string] = (documents, signal) => {
      const keys = documents.map(({ effectKey }) => effectKey);
      return readCrmKeys(call, place, keys, signal);
    };
    return [[name, read]];
  });
  return Object.fromEntries(readers);
}

/** By target, for the workflows that are deployed here. */
export function createAskBehind(input: TargetsInput): ReadonlyMap<string, AskBehind> {
  const asked = targetNames(input.flows).flatMap((name): [string, AskBehind][] => {
    const call = createCall(name, input);
    if (call === undefined) return [];
    const place = crmPlaceOf(name, input);
    if (place !== undefined) return [[name, createAskCrm(call, place)]];
    const definitions = input.flows.flatMap(({ targets }) => targets[name] ?? []);
    return isMail(definitions) ? [[name, createAskMail(call)]] : [];
  });
  return new Map(asked);
}

function crmPlaceOf(name: string, { flows }: TargetsInput): CrmPlace | undefined {
  return flows
    .flatMap(({ targets }) => targets[name] ?? [])
    .flatMap(({ source }) => toCrmPlace(source) ?? [])[0];
}

/** Undefined: no such workflow is deployed here. */
function createCall(name: string, input: TargetsInput): WorkflowCall | undefined {
  const { config, http, getToken } = input;
  const accessEndpoint = config.workflows[name];
  if (accessEndpoint === undefined) return undefined;
  return createWorkflowCall({ http, getToken, accessEndpoint, audience: config.workflowAudience });
}

function targetNames(flows: readonly LoadedFlow[]): readonly string[] {
  return [...new Set(flows.flatMap(({ targets }) => Object.keys(targets)))].sort();
}

/** Undefined: not deployed here (a workflow without an address). */
function createTarget(name: string, input: TargetsInput): Target<CanonicalEvent> | undefined {
  const { config, dataverseHttp, getToken, clock, telemetry } = input;
  const definitions = input.flows.flatMap(({ targets }) => targets[name] ?? []);
  const mappingOf = (event: CanonicalEvent): LoadedTarget["mapping"] =>
    loadedOf(input, name, event).mapping;
  if (definitions.some(({ definition }) => definition.kind === "dataverse")) {
    return createDataverseTarget({
      name,
      http: dataverseHttp,
      getToken,
      baseUrl: config.dataverseUrl,
      clock,
      mappingOf,
      policyOf: (event) => settingsOf(input, name, event),
    });
  }
  const plain = createCall(name, input);
  if (plain === undefined) return undefined;
  const call = traceCall(plain, name, telemetry);
  if (!isMail(definitions)) {
    return createCrmTarget({
      name,
      call,
      mappingOf,
      modeOf: (event) => (settingsOf(input, name, event).mode === "live" ? "live" : "dryRun"),
    });
  }
  return createEmailTarget({
    name,
    call,
    mappingOf,
    settingsOf: (event) => {
      const settings = settingsOf(input, name, event);
      return {
        mode: settings.mode,
        redirectTo: settings.redirectTo,
        sender: settings.sender,
        language: settings.language,
        recipient: settings.recipient ?? { policy: "customer" },
        texts: new Map(Object.entries(loadedOf(input, name, event).texts)),
        isAllowed: (address) => isRecipientAllowed(address, settings, config),
      };
    },
    ownerAddress: createOwnerAddress(
      createDataverseClient({
        http: dataverseHttp,
        getToken,
        baseUrl: config.dataverseUrl,
        clock,
      }),
      clock,
    ),
  });
}

function isMail(definitions: readonly LoadedTarget[]): boolean {
  return definitions.some(
    ({ definition }) => definition.recipient !== undefined || definition.templates !== undefined,
  );
}

function resolve(
  input: TargetsInput,
  name: string,
  event: CanonicalEvent,
  now: number,
): ResolvedTarget | { readonly skip: SkipRule } {
  const { data } = event;
  if (data === undefined) throw new TypeError("the claim check has not been redeemed");
  return resolveTarget(flowOf(input, event).flow, name, data, input.config, now);
}

/** For an event that is being called: the rules were asked just before. */
function settingsOf(input: TargetsInput, name: string, event: CanonicalEvent): ResolvedTarget {
  const resolved = resolve(input, name, event, input.clock.now());
  // Between two lines of code an event may have become too old: one more is no harm, so it is thrown
  // to be tried again and skipped then.
  if (isSkip(resolved)) throw new Error(`no longer for ${name}: ${resolved.skip}`);
  return resolved;
}

function loadedOf(input: TargetsInput, name: string, event: CanonicalEvent): LoadedTarget {
  const loaded = flowOf(input, event).targets[name];
  if (loaded === undefined) throw new RangeError(`the flow ${event.flow} has no target ${name}`);
  return loaded;
}

function flowOf(input: TargetsInput, event: CanonicalEvent): LoadedFlow {
  const flow = input.flows.find(({ name }) => name === event.flow);
  if (flow === undefined) throw new RangeError(`there is no flow ${event.flow}`);
  return flow;
}

/** Flows share a target's capacity: the smallest budget that one of them names. */
function tightest(budgets: readonly FlowBudget[]): Budget {
  const least = (name: keyof FlowBudget): number | undefined => {
    const values = budgets.flatMap((budget) => budget[name] ?? []);
    return values.length === 0 ? undefined : Math.min(...values);
  };
  const concurrency = least("concurrency");
  const perMinute = least("perMinute");
  const perHour = least("perHour");
  return {
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(perMinute === undefined ? {} : { perMinute }),
    ...(perHour === undefined ? {} : { perHour }),
  };
}
