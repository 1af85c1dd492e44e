import {
  type ActionCall,
  ActionFailure,
  type ActionHandler,
  type ActionResult,
  evaluateIn,
} from "../action-call.ts";
import { hasOption } from "../definition.ts";
import { Frame } from "../frame.ts";
import { type ActionStatus, worstStatus } from "../run-record.ts";
import { parseDurationMs } from "../wdl/date-time.ts";
import { type WdlValue, isArray, isInteger, typeName } from "../wdl/values.ts";
import { evaluateConditionWith } from "./condition.ts";
import { branchResult } from "./control-actions.ts";

/** https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-configuration */
const maxForeachItems = 100_000;
const defaultRepetitions = 20;
const defaultUntilCount = 60;
const defaultUntilTimeout = "PT1H";

export const runForeach: ActionHandler = async (call) => {
  const items = evaluateIn(call, call.action.foreach);
  if (!isArray(items)) {
    throw new ActionFailure(
      "ExpressionEvaluationFailed",
      `The execution of template action '${call.name}' failed: the result of the evaluation of 'foreach' expression '${String(call.action.foreach)}' is of type '${typeName(items)}'. The result must be a valid array.`,
    );
  }
  if (items.length > maxForeachItems) {
    throw new ActionFailure(
      "ForeachLimitExceeded",
      `The loop '${call.name}' has ${items.length} items; the limit is ${maxForeachItems}.`,
    );
  }
  const frames: Frame[] = [];
  call.frame.iterations.set(call.name, frames);
  const statuses: ActionStatus[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length && call.run.stopReason === undefined) {
      const index = next;
      next += 1;
      const frame = new Frame(call.frame, { name: call.name, index, item: items[index] ?? null });
      frames[index] = frame;
      statuses[index] = await call.runBranch(call.action.actions ?? {}, frame);
    }
  };
  const workers = Math.min(repetitionsOf(call), items.length);
  await Promise.all(Array.from({ length: workers }, work));
  const worst = worstStatus(statuses);
  return {
    ...branchResult(worst === "Skipped" ? "Succeeded" : worst),
    iterationCount: items.length,
  };
};

/** A loop inside of a loop runs one item at a time, whatever it says. */
function repetitionsOf(call: ActionCall): number {
  for (let frame: Frame | undefined = call.frame; frame !== undefined; frame = frame.parent) {
    if (frame.loop !== undefined && isForeach(call, frame.loop.name)) return 1;
  }
  if (hasOption(call.action, "Sequential")) return 1;
  return call.action.runtimeConfiguration?.concurrency?.repetitions ?? defaultRepetitions;
}

function isForeach(call: ActionCall, name: string): boolean {
  return call.run.definitionOf(name)?.type.toLowerCase() === "foreach";
}

/**
 * Runs its actions, then looks at its condition. Its limits are looked at between iterations only, reaching one
 * is no failure unless the action asks for it, and only the last iteration's failures count.
 */
export const runUntil: ActionHandler = async (call) => {
  const { count, timeoutMs } = limitsOf(call);
  const startedAt = call.run.clock.now();
  const frames: Frame[] = [];
  call.frame.iterations.set(call.name, frames);
  for (let index = 0; ; index += 1) {
    const frame = new Frame(call.frame, { name: call.name, index });
    frames.push(frame);
    const status = await call.runBranch(call.action.actions ?? {}, frame);
    call.frame.carry(frame);
    const inside: ActionCall = { ...call, frame };
    const isDone = evaluateConditionWith(
      (template) => evaluateIn(inside, template),
      call.action.expression,
    );
    const isOver = index + 1 >= count || call.run.clock.now() - startedAt >= timeoutMs;
    if (isDone || isOver || call.run.stopReason !== undefined) {
      return { ...untilResult(call, status, isDone), iterationCount: index + 1 };
    }
  }
};

function untilResult(call: ActionCall, status: ActionStatus, isDone: boolean): ActionResult {
  if (isDone || !hasOption(call.action, "FailWhenLimitsReached")) return branchResult(status);
  return {
    status: "Failed",
    code: "LoopLimitsReached",
    error: {
      code: "LoopLimitsReached",
      message: `The loop '${call.name}' reached its limits before its condition held.`,
    },
  };
}

function limitsOf(call: ActionCall): { readonly count: number; readonly timeoutMs: number } {
  const count: WdlValue = evaluateIn(call, call.action.limit?.count ?? defaultUntilCount);
  const timeout = evaluateIn(call, call.action.limit?.timeout ?? defaultUntilTimeout);
  const timeoutMs = typeof timeout === "string" ? parseDurationMs(timeout) : undefined;
  if (!isInteger(count) || Number(count) < 1 || Number(count) > 5000 || timeoutMs === undefined) {
    throw new ActionFailure(
      "InvalidTemplate",
      `The limits of the loop '${call.name}' must be a count of 1 to 5000 and an ISO 8601 duration.`,
    );
  }
  return { count: Number(count), timeoutMs };
}
