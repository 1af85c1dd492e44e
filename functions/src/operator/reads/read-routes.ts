import type { LoadedFlow, LoadedTarget } from "../../flows/load-flows.ts";
import type { SchemaSet } from "../../flows/schema-set.ts";
import type { Sender } from "../../platform/messages.ts";
import type { AuditLog } from "../../recovery/audit-log.ts";
import { maskPersons } from "../mask-persons.ts";
import { OperatorError } from "../operator-error.ts";
import { mayActAs } from "../operator-role.ts";
import type { Caller } from "../operator-role.ts";
import type { OperatorCall, OperatorRoute } from "../operator-route.ts";
import { allowOnly, readInstant, readLimit, readText } from "../read-query.ts";
import { findJourneys } from "./find-journeys.ts";
import type { JourneySearch } from "./find-journeys.ts";
import { listJourneys } from "./list-journeys.ts";
import { pauseTarget, resumeTarget } from "./pause-target.ts";
import type { WakeTarget } from "./pause-target.ts";
import type { ReadDependencies } from "./read-dependencies.ts";
import { readFlows } from "./read-flows.ts";
import { readJourney } from "./read-journey.ts";
import type { Mask } from "./read-journey.ts";
import { readOverview } from "./read-overview.ts";
import { readActivity } from "./read-recent.ts";
import { readTargets } from "./read-targets.ts";
import { sampleEvents, sampleInvoices } from "./sample-documents.ts";
import { sendSample } from "./send-sample.ts";
import type { SampleRequest } from "./send-sample.ts";
import { tryMapping } from "./try-mapping.ts";

export interface ReadRoutesOptions extends ReadDependencies {
  readonly sender: Sender;
  /** Of intake and every deployed target. */
  readonly wakeTargets: ReadonlyMap<string, WakeTarget>;
  readonly schemas: SchemaSet;
  readonly audit: AuditLog;
}

const hourMs = 3_600_000;
const maxKey = 200;
const nothingChanged = "Correct it; nothing was changed.";
const reason = { type: "string", minLength: 1, maxLength: 1_000 } as const;

export function createReadRoutes(on: ReadRoutesOptions): readonly OperatorRoute[] {
  return [
    {
      method: "GET",
      path: "overview",
      role: "Reader",
      handle: ({ query }) => {
        allowOnly(query, []);
        return readOverview(on);
      },
    },
    { method: "GET", path: "journeys", role: "Reader", handle: (call) => search(on, call) },
    { method: "GET", path: "journeys/{eventId}", role: "Reader", handle: (call) => show(on, call) },
    {
      method: "GET",
      path: "activity",
      role: "Reader",
      handle: ({ query }) => {
        allowOnly(query, ["since", "limit"]);
        const since = readInstant(query, "since") ?? on.clock.now() - hourMs / 12;
        return readActivity(on, { since, limit: readLimit(query) });
      },
    },
    {
      method: "GET",
      path: "targets",
      role: "Reader",
      handle: async () => ({ targets: await readTargets(on) }),
    },
    {
      method: "POST",
      path: "targets/{target}/pause",
      role: "Operator",
      body: toSchema({ reason }, ["reason"]),
      handle: (call) => pause(on, call),
    },
    {
      method: "POST",
      path: "targets/{target}/resume",
      role: "Operator",
      body: toSchema({ reason }, ["reason"]),
      handle: (call) => resume(on, call),
    },
    {
      method: "GET",
      path: "flows",
      role: "Reader",
      handle: () => Promise.resolve(readFlows(on)),
    },
    {
      method: "POST",
      path: "flows/{flow}/try",
      role: "Reader",
      body: toSchema(
        {
          target: { type: "string", minLength: 1, maxLength: 64 },
          sample: { type: "string", maxLength: 64 },
          document: { type: "object" },
        },
        ["target"],
      ),
      handle: (call) => tryOut(on, call),
    },
    {
      method: "POST",
      path: "samples",
      role: "Operator",
      body: toSchema(
        {
          event: { type: ["string", "object"] },
          legalEntity: { type: "string", minLength: 1, maxLength: 8 },
          number: { type: "string", minLength: 1, maxLength: 40 },
        },
        ["event"],
      ),
      created: true,
      handle: (call) => send(on, call),
    },
  ];
}

function toSchema(
  properties: Readonly<Record<string, unknown>>,
  required: readonly string[],
): Readonly<Record<string, unknown>> {
  return { type: "object", additionalProperties: false, required, properties };
}

async function search(on: ReadRoutesOptions, { query }: OperatorCall): Promise<unknown> {
  allowOnly(query, [
    ...["key", "customer", "eventId", "legalEntity", "since", "until"],
    ...["limit", "continuation"],
  ]);
  const [key, customer, eventId] = ["key", "customer", "eventId"].map((name) =>
    readKey(query, name),
  );
  const named = [key, customer, eventId].filter((text) => text !== undefined);
  if (named.length > 1) throw invalid("Name one of key, customer and eventId, not several.");
  const legalEntity = readKey(query, "legalEntity");
  const since = readInstant(query, "since");
  const continuation = readText(query, "continuation");
  const common = {
    limit: readLimit(query),
    ...(legalEntity === undefined ? {} : { legalEntity }),
    ...(continuation === undefined ? {} : { continuation }),
  };
  const [text] = named;
  if (text !== undefined) {
    const by: JourneySearch["by"] =
      key !== undefined ? "number" : customer !== undefined ? "customer" : "eventId";
    return findJourneys(on, { by, text, ...common, ...(since === undefined ? {} : { since }) });
  }
  if (since === undefined) throw invalid("Name what to look for: key, customer, eventId or since.");
  const until = readInstant(query, "until") ?? since + hourMs;
  return listJourneys(on, { since, until, ...common });
}

function readKey(query: URLSearchParams, name: string): string | undefined {
  const text = readText(query, name)?.trim();
  if (text === undefined || text === "") return undefined;
  if (text.length <= maxKey) return text;
  throw invalid(`What is looked for (${name}) is longer than ${maxKey} characters.`);
}

async function show(on: ReadRoutesOptions, call: OperatorCall): Promise<unknown> {
  const { caller, params, query } = call;
  allowOnly(query, ["time"]);
  const { eventId = "" } = params;
  if (eventId.length > maxKey) throw invalid("That is no event id.");
  const time = readText(query, "time");
  if (time !== undefined && Number.isNaN(Date.parse(time))) throw invalid("time is no instant.");
  const request = { eventId, ...(time === undefined ? {} : { time }) };
  const found = await readJourney(on, request, toMask(caller));
  if (found !== undefined) return found;
  throw new OperatorError(
    "JOURNEY_UNKNOWN",
    `The ledger knows no event ${eventId}.`,
    "It never arrived, failed before its company was read (look under Failures), or its retention of 13 months is over.",
  );
}

/** Names and addresses are for those who may act on them. */
function toMask(caller: Caller): Mask {
  if (mayActAs(caller, "Operator")) return (value) => value;
  return (value) => JSON.parse(maskPersons(JSON.stringify(value))) as unknown;
}

async function pause(on: ReadRoutesOptions, call: OperatorCall): Promise<unknown> {
  const { target } = targetIn(on, call);
  const { reason: why } = call.body as { readonly reason: string };
  await audit(on, call, "targets.pause", target, why);
  return { target: await pauseTarget(on, { target, by: call.caller.name, reason: why }) };
}

async function resume(on: ReadRoutesOptions, call: OperatorCall): Promise<unknown> {
  const { target, wake } = targetIn(on, call);
  const { reason: why } = call.body as { readonly reason: string };
  await audit(on, call, "targets.resume", target, why);
  return resumeTarget(on, target, wake);
}

function audit(
  on: ReadRoutesOptions,
  { caller }: OperatorCall,
  action: string,
  subject: string,
  why: string,
): Promise<void> {
  const by = { callerId: caller.id, caller: caller.name };
  return on.audit.write({ ...by, action, subject, reason: why, details: {} });
}

function targetIn(
  on: ReadRoutesOptions,
  { params }: OperatorCall,
): { readonly target: string; readonly wake: WakeTarget } {
  const { target = "" } = params;
  const wake = on.wakeTargets.get(target);
  if (wake !== undefined) return { target, wake };
  throw new OperatorError(
    "TARGET_UNKNOWN",
    `There is no target ${target} here.`,
    `Use one of ${[...on.wakeTargets.keys()].join(", ")}.`,
  );
}

async function tryOut(on: ReadRoutesOptions, call: OperatorCall): Promise<unknown> {
  const { target, sample, document } = call.body as {
    readonly target: string;
    readonly sample?: string;
    readonly document?: unknown;
  };
  const loaded = targetOf(on.flows, call.params["flow"] ?? "", target);
  const samples: Readonly<Record<string, unknown>> = sampleInvoices;
  const known = Object.keys(samples);
  const chosen = document ?? (known.includes(sample ?? "") ? samples[sample ?? ""] : undefined);
  if (chosen === undefined) {
    throw invalid(`Give a document, or a sample: one of ${known.join(", ")}.`);
  }
  const result = await tryMapping(loaded, chosen, on.schemas);
  if (result.kind === "tried") return result.answer;
  throw invalid(`The document is no invoice: ${result.problems.join("; ")}.`);
}

function targetOf(flows: readonly LoadedFlow[], flow: string, target: string): LoadedTarget {
  const loaded = flows.find(({ name }) => name === flow);
  const found =
    loaded !== undefined && Object.hasOwn(loaded.targets, target)
      ? loaded.targets[target]
      : undefined;
  if (found !== undefined) return found;
  throw new OperatorError(
    "FLOW_UNKNOWN",
    `There is no flow ${flow} with a target ${target}.`,
    `Flows: ${flows.map(({ name }) => name).join(", ")}.`,
  );
}

async function send(on: ReadRoutesOptions, call: OperatorCall): Promise<unknown> {
  const request = call.body as SampleRequest;
  const name = typeof request.event === "string" ? request.event : "own event";
  await audit(on, call, "samples.send", name, "");
  const answer = await sendSample(on, request);
  if (answer !== undefined) return answer;
  throw invalid(`There is no sample ${name}; there are ${Object.keys(sampleEvents).join(", ")}.`);
}

function invalid(message: string): OperatorError {
  return new OperatorError("REQUEST_INVALID", message, nothingChanged);
}
