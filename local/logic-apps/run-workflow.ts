import { randomBytes, randomUUID } from "node:crypto";
import { type LocalClock, systemClock } from "../clock.ts";
import { runActions } from "./action-graph.ts";
import type { WorkflowDefinition } from "./definition.ts";
import { Frame } from "./frame.ts";
import { omit } from "./omit.ts";
import { toRunHistory } from "./run-history.ts";
import { createContext } from "./run-context.ts";
import { toParameters } from "./run-parameters.ts";
import type { ActionStatus, RunRecord, WorkflowResponse } from "./run-record.ts";
import type { Connector, WorkflowHttp } from "./run-ports.ts";
import { RunState, type StopReason } from "./run-state.ts";
import { toText } from "./wdl/content.ts";
import { evaluateTemplate } from "./wdl/evaluate-expression.ts";
import { WorkflowExpressionError } from "./wdl/expression-error.ts";
import { type WdlObject, type WdlValue, toPlain } from "./wdl/values.ts";

export interface WorkflowRunOptions {
  /** What started the run: its outputs, or just the parts of them. */
  readonly trigger?: {
    readonly name?: string;
    readonly outputs?: Readonly<Record<string, unknown>>;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
    readonly queries?: Readonly<Record<string, string>>;
  };
  /** Plain values, or ARM's `{value}` around each. */
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly http?: WorkflowHttp;
  readonly connectors?: Readonly<Record<string, Connector>>;
  readonly getToken?: (identityResourceId: string | undefined, audience: string) => Promise<string>;
  readonly clock?: LocalClock;
  readonly workflow?: { readonly id: string; readonly name: string; readonly location?: string };
  readonly runName?: string;
  readonly callbackUrl?: string;
  /** Called when the run answers, which can be long before it ends. */
  readonly onResponse?: (response: WorkflowResponse) => void;
  /** Default 90 days, the limit of the Consumption plan. */
  readonly maxDurationMs?: number;
}

const runDurationMs = 90 * 86_400_000;

/**
 * Runs a definition to its end and gives its history. Rejects only for what Azure would refuse before a run:
 * a required parameter without a value, or actions that wait for each other.
 */
export async function runWorkflow(
  definition: WorkflowDefinition,
  options: WorkflowRunOptions = {},
): Promise<RunRecord> {
  const clock = options.clock ?? systemClock;
  const run = createRun(definition, options, clock);
  const startTime = run.nowText();
  const limit = clock.setTimer(
    () => run.stop({ status: "TimedOut", code: "WorkflowRunTimedOut" }),
    options.maxDurationMs ?? runDurationMs,
  );
  const frame = new Frame();
  let status: ActionStatus;
  try {
    status = await runActions(run, definition.actions ?? {}, frame);
  } finally {
    limit.cancel();
  }
  const ending = run.stopReason ?? toEnding(status);
  const outputs = ending.status === "Succeeded" ? evaluateOutputs(run, frame) : { values: {} };
  return toRunRecord(run, options, frame, {
    startTime,
    ending: outputs.failure ?? ending,
    outputs: outputs.values,
  });
}

function createRun(
  definition: WorkflowDefinition,
  options: WorkflowRunOptions,
  clock: LocalClock,
): RunState {
  refuseCycles(definition);
  const { http, connectors, getToken } = options;
  const trigger = toTrigger(definition, options, clock);
  const parameters = toParameters(definition, options.parameters ?? {});
  const headers = headersOf(trigger);
  const name = options.runName ?? createRunName(clock.now());
  const id = options.workflow?.id ?? "/workflows/local";
  return new RunState({
    definition,
    ports: {
      clock,
      ...(http === undefined ? {} : { http }),
      ...(connectors === undefined ? {} : { connectors }),
      ...(getToken === undefined ? {} : { getToken }),
    },
    parameters,
    trigger,
    workflow: {
      id,
      name: options.workflow?.name ?? "local",
      type: "Microsoft.Logic/workflows",
      location: options.workflow?.location ?? "local",
      tags: {},
      run: { id: `${id}/runs/${name}`, name, type: "Microsoft.Logic/workflows/runs" },
    },
    clientTrackingId:
      correlationOf(definition, parameters, trigger) ??
      headers.get("x-ms-client-tracking-id") ??
      name,
    traceId:
      /^[\da-f]{2}-([\da-f]{32})-/.exec(headers.get("traceparent") ?? "")?.[1] ??
      randomBytes(16).toString("hex"),
    callbackUrl: options.callbackUrl,
    onResponse: options.onResponse,
  });
}

/** A trigger may take the tracking id from what it was given, e.g. from the body. */
function correlationOf(
  definition: WorkflowDefinition,
  parameters: Readonly<Record<string, WdlValue>>,
  trigger: WdlObject,
): string | undefined {
  const [first] = Object.values(definition.triggers ?? {});
  const template = first?.correlation?.clientTrackingId;
  return template === undefined
    ? undefined
    : toText(evaluateTemplate(template, { parameters, trigger }));
}

/** Azure's run names fall with time, so that the newest sorts first. */
export function createRunName(nowMs: number): string {
  const random = BigInt(`0x${randomBytes(8).toString("hex")}`)
    .toString()
    .padStart(20, "0");
  return `0858${String(9_999_999_999_999 - nowMs).padStart(13, "0")}${random}CU00`;
}

function headersOf(trigger: WdlObject): ReadonlyMap<string, string> {
  const outputs = trigger["outputs"] as
    { readonly headers?: Readonly<Record<string, string>> } | undefined;
  return new Map(
    Object.entries(outputs?.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

function toTrigger(
  definition: WorkflowDefinition,
  options: WorkflowRunOptions,
  clock: LocalClock,
): WdlObject {
  const given = options.trigger ?? {};
  const time = new Date(clock.now()).toISOString();
  const known = given.outputs ?? { headers: {}, ...omit(given, "name", "outputs") };
  return {
    name: given.name ?? Object.keys(definition.triggers ?? {})[0] ?? "manual",
    inputs: null,
    outputs: known as WdlObject,
    startTime: time,
    endTime: time,
    trackingId: randomUUID(),
    status: "Succeeded",
    code: "OK",
  };
}

/** Definitions without cycles; they do not change. */
const checked = new WeakSet<WorkflowDefinition>();

/** Actions that wait for each other would never start. */
function refuseCycles(definition: WorkflowDefinition): void {
  if (checked.has(definition)) return;
  const actions = definition.actions ?? {};
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) {
      throw new Error(
        `The actions wait for each other: ${[...path.slice(path.indexOf(name)), name].join(" → ")}.`,
      );
    }
    if (done.has(name)) return;
    for (const before of Object.keys(actions[name]?.runAfter ?? {})) visit(before, [...path, name]);
    done.add(name);
  };
  for (const name of Object.keys(actions)) visit(name, []);
  checked.add(definition);
}

function toEnding(status: ActionStatus): StopReason {
  if (status === "Succeeded" || status === "Skipped") return { status: "Succeeded" };
  return {
    status,
    code: "ActionFailed",
    error: { code: "ActionFailed", message: "An action failed. No dependent actions succeeded." },
  };
}

function evaluateOutputs(
  run: RunState,
  frame: Frame,
): { readonly values: Readonly<Record<string, unknown>>; readonly failure?: StopReason } {
  try {
    const context = createContext(run, frame);
    const entries = Object.entries(run.definition.outputs ?? {}).map(([name, output]) => {
      const value = toPlain(evaluateTemplate(output.value as WdlValue, context));
      return [name, output.type === undefined ? { value } : { type: output.type, value }] as const;
    });
    return { values: Object.fromEntries(entries) };
  } catch (error) {
    if (!(error instanceof WorkflowExpressionError)) throw error;
    const failure = {
      code: "InvalidTemplate",
      message: `Unable to process the outputs: ${error.message}`,
    };
    return { values: {}, failure: { status: "Failed", code: failure.code, error: failure } };
  }
}

function toRunRecord(
  run: RunState,
  options: WorkflowRunOptions,
  frame: Frame,
  end: {
    readonly startTime: string;
    readonly ending: StopReason;
    readonly outputs: Readonly<Record<string, unknown>>;
  },
): RunRecord {
  const { status, code, error } = end.ending;
  const { id, name } = run.workflow["run"] as { readonly id: string; readonly name: string };
  return {
    id,
    name: options.runName ?? name,
    status,
    ...(code === undefined ? {} : { code }),
    ...(error === undefined ? {} : { error }),
    startTime: end.startTime,
    endTime: run.nowText(),
    correlation: { clientTrackingId: run.clientTrackingId },
    outputs: end.outputs,
    ...(run.response === undefined ? {} : { response: run.response }),
    ...toRunHistory(run, frame),
  };
}
