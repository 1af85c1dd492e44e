import { type ActionCall, ActionFailure, evaluateIn } from "../action-call.ts";
import type { EvaluationContext } from "../wdl/context.ts";
import { findFunction } from "../wdl/functions/function-table.ts";
import { type WdlValue, isArray, isObject, typeName } from "../wdl/values.ts";
import { argumentError } from "../wdl/expression-error.ts";

/**
 * A condition is either an expression string, or an object of one function over its operands:
 * `{"and": [{"equals": ["@a", 1]}, {"not": {"greater": [..]}}]}`. Operand strings are templates.
 */
export function evaluateCondition(call: ActionCall, expression: unknown): boolean {
  return evaluateConditionWith((template) => evaluateIn(call, template), expression);
}

export function evaluateConditionWith(
  evaluateOperand: (template: unknown) => WdlValue,
  expression: unknown,
): boolean {
  const value = readCondition(evaluateOperand, (expression ?? null) as WdlValue);
  if (typeof value === "boolean") return value;
  throw new ActionFailure(
    "InvalidTemplate",
    `The condition must give a boolean; it gave a value of type '${typeName(value)}'.`,
  );
}

function readCondition(
  evaluateOperand: (template: unknown) => WdlValue,
  condition: WdlValue,
): WdlValue {
  if (!isObject(condition)) return evaluateOperand(condition);
  const entries = Object.entries(condition);
  // An empty group is what the designer saves for a condition without rows; it holds.
  if (entries.length === 0) return true;
  const [name, operand] = entries[0] ?? ["", null];
  const found = entries.length === 1 ? findFunction(name) : undefined;
  if (found === undefined) {
    throw new ActionFailure(
      "InvalidTemplate",
      `The condition '${Object.keys(condition).join(", ")}' is not a known one.`,
    );
  }
  const operands = isArray(operand) ? operand : [operand ?? null];
  const readers = operands.map((item) => () => readCondition(evaluateOperand, item));
  const { entry } = found;
  if (operands.length < entry.min || operands.length > entry.max) {
    throw argumentError(found.name, `was given ${operands.length} operand(s) in a condition.`);
  }
  if ("lazy" in entry) return entry.call(readers);
  return entry.call(
    readers.map((read) => read()),
    noContext,
  );
}

/** Operands that need a context were evaluated before; the comparison itself needs none. */
const noContext: EvaluationContext = {};
