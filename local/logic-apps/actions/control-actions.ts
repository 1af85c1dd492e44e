import {
  type ActionCall,
  ActionFailure,
  type ActionHandler,
  type ActionResult,
  evaluateIn,
} from "../action-call.ts";
import type { Actions } from "../definition.ts";
import type { ActionStatus, WorkflowError } from "../run-record.ts";
import { type WdlValue, deepEquals, typeName } from "../wdl/values.ts";
import { evaluateCondition } from "./condition.ts";

const notTaken: WorkflowError = {
  code: "ActionBranchingConditionNotSatisfied",
  message:
    "The execution of template action skipped: the branching condition for this action is not satisfied.",
};

/** What an action with branches comes to, given how its leaves ended. */
export function branchResult(status: ActionStatus): ActionResult {
  if (status === "Succeeded") return { status };
  return {
    status,
    code: status === "Failed" ? "ActionFailed" : status,
    error: { code: "ActionFailed", message: "An action failed. No dependent actions succeeded." },
  };
}

export const runScope: ActionHandler = async (call) =>
  branchResult(await call.runBranch(call.action.actions ?? {}, call.frame));

export const runIf: ActionHandler = async (call) => {
  const isTrue = evaluateCondition(call, call.action.expression);
  call.inputs = { expressionResult: isTrue };
  const taken = isTrue ? call.action.actions : call.action.else?.actions;
  const other = isTrue ? call.action.else?.actions : call.action.actions;
  call.skipBranch(other ?? {}, call.frame, notTaken);
  return branchResult(await call.runBranch(taken ?? {}, call.frame));
};

export const runSwitch: ActionHandler = async (call) => {
  const value = evaluateIn(call, call.action.expression);
  if (!isSwitchable(value)) {
    throw new ActionFailure(
      "InvalidTemplate",
      `The expression of the switch action '${call.name}' must give a string or an integer; it gave a value of type '${typeName(value)}'.`,
    );
  }
  call.inputs = { expressionResult: value };
  const cases = Object.values(call.action.cases ?? {});
  const chosen = cases.find((branch) => deepEquals(evaluateIn(call, branch.case), value));
  const taken = chosen ?? call.action.default;
  const others = [...cases, call.action.default].filter((branch) => branch !== taken);
  for (const branch of others) call.skipBranch(branch?.actions ?? {}, call.frame, notTaken);
  return runTaken(call, taken?.actions ?? {});
};

function isSwitchable(value: WdlValue): boolean {
  return typeof value === "string" || (typeof value === "number" && Number.isInteger(value));
}

async function runTaken(call: ActionCall, actions: Actions): Promise<ActionResult> {
  return branchResult(await call.runBranch(actions, call.frame));
}
