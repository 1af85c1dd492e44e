import type { ActionDefinition, Actions } from "./definition.ts";
import type { Frame } from "./frame.ts";
import { createContext } from "./run-context.ts";
import type { ActionStatus, RetryRecord, WorkflowError } from "./run-record.ts";
import type { RunState, StopReason } from "./run-state.ts";
import { evaluateTemplate } from "./wdl/evaluate-expression.ts";
import type { WdlValue } from "./wdl/values.ts";

/** What a handler is given: one action at one place of a run. */
export interface ActionCall {
  readonly name: string;
  readonly action: ActionDefinition;
  readonly run: RunState;
  readonly frame: Frame;
  readonly trackingId: string;
  /** The history's inputs, set as soon as they are known so that a failure shows them too. */
  inputs: WdlValue | undefined;
  readonly retries: RetryRecord[];
  /** Runs a branch of this action in a frame, and answers how its leaves ended. */
  readonly runBranch: (actions: Actions, frame: Frame) => Promise<ActionStatus>;
  readonly skipBranch: (actions: Actions, frame: Frame, error: WorkflowError) => void;
}

export interface ActionResult {
  readonly status: ActionStatus;
  readonly code?: string;
  readonly outputs?: WdlValue;
  readonly error?: WorkflowError;
  readonly iterationCount?: number;
  /** Ends the run once this action is in the history. */
  readonly stop?: StopReason;
}

export type ActionHandler = (call: ActionCall) => Promise<ActionResult> | ActionResult;

/** Thrown by a handler whose action fails for a reason of its own. */
export class ActionFailure extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ActionFailure";
    this.code = code;
  }
}

/** Evaluates a part of an action where it stands. */
export function evaluateIn(call: ActionCall, template: unknown, item?: WdlValue): WdlValue {
  return evaluateTemplate(
    (template ?? null) as WdlValue,
    createContext(call.run, call.frame, item === undefined ? {} : { item }),
  );
}
