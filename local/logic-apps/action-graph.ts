import { actionTable } from "./actions/action-table.ts";
import { type ActionCall, ActionFailure, type ActionResult } from "./action-call.ts";
import { type ActionDefinition, type Actions, branchesOf } from "./definition.ts";
import type { Frame } from "./frame.ts";
import { hiddenParts } from "./secure-data.ts";
import { createContext, toActionObject } from "./run-context.ts";
import {
  type ActionStatus,
  type LiveRecord,
  type RetryRecord,
  type WorkflowError,
  worstStatus,
} from "./run-record.ts";
import type { RunState } from "./run-state.ts";
import { evaluateTemplate } from "./wdl/evaluate-expression.ts";
import { WorkflowExpressionError } from "./wdl/expression-error.ts";
import type { WdlValue } from "./wdl/values.ts";
import { randomUUID } from "node:crypto";

/**
 * How a set of actions runs: an action starts when all that it runs after have ended. If each ended with a status
 * that the action allows it runs (→ Succeeded, Failed, TimedOut, Cancelled), else it and everything inside it is
 * Skipped. The set's own status is the worst of its leaves; a leaf that was skipped stands for its predecessors.
 * So a failure that a later action handles does not fail the set.
 */
export async function runActions(
  run: RunState,
  actions: Actions,
  frame: Frame,
): Promise<ActionStatus> {
  const started = new Map<string, Promise<LiveRecord>>();
  const start = (name: string, action: ActionDefinition): Promise<LiveRecord> => {
    let running = started.get(name);
    if (running === undefined) {
      const before = Object.keys(action.runAfter ?? {}).flatMap((other) => {
        const predecessor = actions[other];
        return predecessor === undefined ? [] : [start(other, predecessor)];
      });
      running = runWhenReady(run, name, action, frame, before);
      started.set(name, running);
    }
    return running;
  };
  await Promise.all(Object.entries(actions).map(([name, action]) => start(name, action)));
  return leafStatus(actions, frame);
}

/** The worst status of the leaves, where a skipped leaf is replaced by its predecessors. */
function leafStatus(actions: Actions, frame: Frame): ActionStatus {
  const named = new Set(
    Object.values(actions).flatMap((action) => Object.keys(action.runAfter ?? {})),
  );
  const known = new Map<string, ActionStatus>();
  const statusOf = (name: string): ActionStatus => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const own = frame.records.get(name)?.status ?? "Skipped";
    const predecessors = Object.keys(actions[name]?.runAfter ?? {});
    const status = own === "Skipped" ? worstStatus(predecessors.map(statusOf)) : own;
    known.set(name, status);
    return status;
  };
  const leaves = Object.keys(actions).filter((name) => !named.has(name));
  const status = worstStatus(leaves.map(statusOf));
  return status === "Skipped" ? "Succeeded" : status;
}

async function runWhenReady(
  run: RunState,
  name: string,
  action: ActionDefinition,
  frame: Frame,
  before: readonly Promise<LiveRecord>[],
): Promise<LiveRecord> {
  const ended = await Promise.all(before);
  const unmet = ended.find((record) => !isAllowed(action, record));
  if (run.stopReason !== undefined) {
    return skipAction(run, name, action, frame, {
      code: "ActionSkipped",
      message: `The action '${name}' is skipped: the run has ended.`,
    });
  }
  if (unmet !== undefined)
    return skipAction(run, name, action, frame, unmetError(name, action, unmet));
  return runAction(run, name, action, frame);
}

function isAllowed(action: ActionDefinition, record: LiveRecord): boolean {
  const allowed = action.runAfter?.[record.name] ?? [];
  return allowed.some((status) => status.toLowerCase() === record.status.toLowerCase());
}

function unmetError(name: string, action: ActionDefinition, record: LiveRecord): WorkflowError {
  const wanted = (action.runAfter?.[record.name] ?? []).join(", ");
  return {
    code: "ActionDependencyFailed",
    message: `The execution of template action '${name}' is skipped: the 'runAfter' condition for action '${record.name}' is not satisfied. Expected status values '${wanted}' and actual value '${record.status}'.`,
  };
}

function skipAction(
  run: RunState,
  name: string,
  action: ActionDefinition,
  frame: Frame,
  error: WorkflowError,
): LiveRecord {
  const now = run.nowText();
  const record: LiveRecord = {
    name,
    type: action.type,
    status: "Skipped",
    code: "ActionSkipped",
    error,
    startTime: now,
    endTime: now,
    trackingId: randomUUID(),
    clientTrackingId: run.clientTrackingId,
  };
  frame.records.set(name, record);
  for (const branch of branchesOf(action)) skipActions(run, branch.actions, frame, error);
  return record;
}

function skipActions(run: RunState, actions: Actions, frame: Frame, error: WorkflowError): void {
  for (const [name, action] of Object.entries(actions)) skipAction(run, name, action, frame, error);
}

async function runAction(
  run: RunState,
  name: string,
  action: ActionDefinition,
  frame: Frame,
): Promise<LiveRecord> {
  const startTime = run.nowText();
  const retries: RetryRecord[] = [];
  const call: ActionCall = {
    name,
    action,
    run,
    frame,
    trackingId: randomUUID(),
    inputs: undefined,
    retries,
    runBranch: (actions, inner) => runActions(run, actions, inner),
    skipBranch: (actions, inner, error) => skipActions(run, actions, inner, error),
  };
  const work = execute(call);
  const result = work instanceof Promise ? await untilStopped(run, work) : work;
  const record = describe(call, result, startTime);
  frame.records.set(name, record);
  if (result.stop !== undefined) run.stop(result.stop);
  return record;
}

/** A running action is cancelled when its run ends early. */
function untilStopped(run: RunState, work: Promise<ActionResult>): Promise<ActionResult> {
  return new Promise((resolve, reject) => {
    const forget = run.onStop(() => resolve(cancelled));
    work.then(resolve, reject).finally(forget);
  });
}

const cancelled: ActionResult = {
  status: "Cancelled",
  code: "ActionCancelled",
  error: {
    code: "ActionCancelled",
    message: "The action was cancelled because the run has ended.",
  },
};

/** At once what needs no waiting, as most actions. */
function execute(call: ActionCall): ActionResult | Promise<ActionResult> {
  try {
    const fixed = staticResult(call);
    if (fixed !== undefined) return fixed;
    const handler = actionTable.get(call.action.type.toLowerCase());
    if (handler === undefined) {
      throw new ActionFailure(
        "ActionTypeNotSupported",
        `The action '${call.name}' has the type '${call.action.type}', which this local runner does not support.`,
      );
    }
    const work = handler(call);
    return work instanceof Promise ? work.catch((error: unknown) => toFailure(call, error)) : work;
  } catch (error) {
    return toFailure(call, error);
  }
}

function toFailure(call: ActionCall, error: unknown): ActionResult {
  if (error instanceof ActionFailure) {
    return {
      status: "Failed",
      code: error.code,
      error: { code: error.code, message: error.message },
    };
  }
  if (error instanceof WorkflowExpressionError) {
    const message = `Unable to process template language expressions in action '${call.name}' inputs at line '0' and column '0': '${error.message}'.`;
    return {
      status: "Failed",
      code: "InvalidTemplate",
      error: { code: "InvalidTemplate", message },
    };
  }
  throw error;
}

/** A definition can replace an action by a fixed result, which is the language's own way of mocking. */
function staticResult(call: ActionCall): ActionResult | undefined {
  const use = call.action.runtimeConfiguration?.staticResult;
  if (use?.staticResultOptions?.toLowerCase() !== "enabled") return undefined;
  const fixed = call.run.definition.staticResults?.[use.name ?? ""];
  if (fixed === undefined) {
    throw new ActionFailure(
      "StaticResultNotFound",
      `The static result '${use.name ?? ""}' is not defined.`,
    );
  }
  return {
    status: toStatus(fixed.status),
    ...(fixed.code === undefined ? {} : { code: fixed.code }),
    ...(fixed.error === undefined ? {} : { error: fixed.error }),
    ...(fixed.outputs === undefined ? {} : { outputs: fixed.outputs as WdlValue }),
  };
}

function toStatus(text: string): ActionStatus {
  const statuses: readonly ActionStatus[] = [
    "Succeeded",
    "Failed",
    "Skipped",
    "TimedOut",
    "Cancelled",
  ];
  const status = statuses.find((known) => known.toLowerCase() === text.toLowerCase());
  if (status === undefined)
    throw new ActionFailure("StaticResultInvalid", `'${text}' is not a status.`);
  return status;
}

const defaultCodes: Readonly<Record<ActionStatus, string>> = {
  Succeeded: "OK",
  Failed: "ActionFailed",
  Skipped: "ActionSkipped",
  TimedOut: "ActionTimedOut",
  Cancelled: "ActionCancelled",
};

function describe(call: ActionCall, result: ActionResult, startTime: string): LiveRecord {
  const { name, action, run } = call;
  const hidden = hiddenParts(run.definition, name);
  const record: { -readonly [Part in keyof LiveRecord]: LiveRecord[Part] } = {
    name,
    type: action.type,
    status: result.status,
    code: result.code ?? defaultCodes[result.status],
    startTime,
    endTime: run.nowText(),
    trackingId: call.trackingId,
    clientTrackingId: run.clientTrackingId,
  };
  if (call.inputs !== undefined) record.inputs = call.inputs;
  if (result.outputs !== undefined) record.outputs = result.outputs;
  if (result.error !== undefined) record.error = result.error;
  if (hidden.length > 0) record.secureData = hidden;
  if (call.retries.length > 0) record.retryHistory = call.retries;
  if (result.iterationCount !== undefined) record.iterationCount = result.iterationCount;
  const tracked = trackedProperties(call, record);
  return tracked === undefined ? record : { ...record, trackedProperties: tracked };
}

function trackedProperties(call: ActionCall, record: LiveRecord): WdlValue | undefined {
  const template = call.action.trackedProperties;
  if (template === undefined) return undefined;
  try {
    const seen = createContext(call.run, call.frame, { action: toActionObject(record) });
    const actions = { [call.name]: toActionObject(record) };
    // Spreading would read every getter of the context; only the actions have to change.
    const only = { actions: { value: actions }, actionOf: { value: undefined } };
    const context = Object.create(seen, only) as typeof seen;
    return evaluateTemplate(template as WdlValue, context);
  } catch (error) {
    // Tracking never fails an action; the history shows why there is nothing to see.
    return error instanceof WorkflowExpressionError ? { error: error.message } : null;
  }
}
