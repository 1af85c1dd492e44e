import { toText } from "./content.ts";
import type { EvaluationContext } from "./context.ts";
import { WorkflowExpressionError } from "./expression-error.ts";
import { findFunction } from "./functions/function-table.ts";
import { type Expression, parseTemplate } from "./parse-expression.ts";
import {
  type WdlValue,
  buildObject,
  findKey,
  isArray,
  isInteger,
  isObject,
  typeName,
} from "./values.ts";

/** Evaluates every string of a value as a template; object keys are templates too. Exact number kinds are kept. */
export function evaluateTemplate(template: WdlValue, context: EvaluationContext): WdlValue {
  if (typeof template === "string") return evaluateText(template, context);
  if (isArray(template)) return template.map((item) => evaluateTemplate(item, context));
  if (!isObject(template)) return template;
  return buildObject(
    Object.entries(template).map(([key, value]) => [
      key.includes("@") ? toText(evaluateText(key, context)) : key,
      evaluateTemplate(value, context),
    ]),
  );
}

function evaluateText(text: string, context: EvaluationContext): WdlValue {
  const template = parseTemplate(text);
  switch (template.kind) {
    case "text":
      return template.text;
    case "expression":
      return evaluateExpression(template.expression, context);
    case "interpolation":
      return template.parts
        .map((part) =>
          typeof part === "string" ? part : toText(evaluateExpression(part, context)),
        )
        .join("");
  }
}

function evaluateExpression(expression: Expression, context: EvaluationContext): WdlValue {
  switch (expression.kind) {
    case "literal":
      return expression.value;
    case "call":
      return callFunction(expression, context);
    case "member":
      return selectMember(
        evaluateExpression(expression.target, context),
        evaluateExpression(expression.key, context),
        expression.optional,
      );
  }
}

function callFunction(
  expression: Extract<Expression, { kind: "call" }>,
  context: EvaluationContext,
): WdlValue {
  const found = findFunction(expression.name);
  if (found === undefined) {
    throw new WorkflowExpressionError(
      "UNKNOWN_FUNCTION",
      `The template function '${expression.name}' is not defined or not valid.`,
    );
  }
  const { name, entry } = found;
  const problem = arityProblem(name, entry.min, entry.max, expression.args.length);
  if (problem !== undefined) throw new WorkflowExpressionError("ARGUMENT", problem);
  if ("lazy" in entry) {
    return entry.call(expression.args.map((arg) => () => evaluateExpression(arg, context)));
  }
  return entry.call(
    expression.args.map((arg) => evaluateExpression(arg, context)),
    context,
  );
}

/** What is wrong with this number of arguments, if anything. */
export function arityProblem(
  name: string,
  min: number,
  max: number,
  count: number,
): string | undefined {
  if (count >= min && count <= max) return undefined;
  const wanted = min === max ? `${min}` : max === Infinity ? `at least ${min}` : `${min} to ${max}`;
  return `The template function '${name}' expects ${wanted} parameter(s) but was given ${count}.`;
}

function selectMember(target: WdlValue, key: WdlValue, isOptional: boolean): WdlValue {
  if (target === null) {
    if (isOptional) return null;
    throw referenceError(
      `'${toText(key)}' cannot be selected from null; use the '?' operator where it may be missing`,
    );
  }
  if (isArray(target)) return selectItem(target, key, isOptional);
  if (!isObject(target)) {
    throw referenceError(
      `property selection is not supported on values of type '${typeName(target)}'`,
    );
  }
  if (typeof key !== "string") {
    throw referenceError(`an object's property is selected by a string, not by '${typeName(key)}'`);
  }
  const name = findKey(target, key);
  if (name !== undefined) return target[name] ?? null;
  if (isOptional) return null;
  throw referenceError(
    `property '${key}' doesn't exist, available properties are '${Object.keys(target).join(", ")}'`,
  );
}

function selectItem(target: readonly WdlValue[], key: WdlValue, isOptional: boolean): WdlValue {
  if (!isInteger(key)) {
    throw referenceError(
      `an array's item is selected by an integer index, not by '${typeName(key)}'`,
    );
  }
  const index = Number(key);
  const item = target[index];
  if (item !== undefined) return item;
  if (isOptional && index >= 0) return null;
  throw referenceError(`array index '${index}' is outside of the bounds (0, ${target.length - 1})`);
}

function referenceError(problem: string): WorkflowExpressionError {
  return new WorkflowExpressionError(
    "REFERENCE",
    `The template language expression cannot be evaluated because ${problem}.`,
  );
}
