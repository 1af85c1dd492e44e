import { toText } from "./content.ts";
import type { EvaluationContext } from "./context.ts";
import { WorkflowExpressionError } from "./expression-error.ts";
import { findFunction } from "./functions/function-table.ts";
import { type Expression, type Template, parseTemplate } from "./parse-expression.ts";
import {
  type WdlObject,
  type WdlValue,
  buildObject,
  findKey,
  isArray,
  isInteger,
  isObject,
  typeName,
} from "./values.ts";

type Evaluate = (context: EvaluationContext) => WdlValue;

/** Evaluates every string of a value as a template; object keys are templates too. Exact number kinds are kept. */
export function evaluateTemplate(template: WdlValue, context: EvaluationContext): WdlValue {
  const evaluate = compileTemplate(template);
  return evaluate === undefined ? template : evaluate(context);
}

/** Templates stand in definitions, which do not change: each is made into functions once. */
const compiled = new WeakMap<object, { readonly evaluate: Evaluate | undefined }>();

/** Undefined for a template that is its own value. */
function compileTemplate(template: WdlValue): Evaluate | undefined {
  if (typeof template === "string") return compileText(template);
  if (!isArray(template) && !isObject(template)) return undefined;
  const known = compiled.get(template);
  if (known !== undefined) return known.evaluate;
  const evaluate = isArray(template) ? compileArray(template) : compileObject(template);
  compiled.set(template, { evaluate });
  return evaluate;
}

function compileArray(template: readonly WdlValue[]): Evaluate | undefined {
  const items = template.map(compileTemplate);
  if (items.every((item) => item === undefined)) return undefined;
  return (context) =>
    template.map((item, index) => {
      const evaluate = items[index];
      return evaluate === undefined ? item : evaluate(context);
    });
}

function compileObject(template: WdlObject): Evaluate | undefined {
  const members = Object.entries(template).map(([key, value]) => ({
    key,
    value,
    evaluateKey: key.includes("@") ? compileText(key) : undefined,
    evaluate: compileTemplate(value),
  }));
  const isFixed = members.every(
    ({ evaluateKey, evaluate }) => evaluateKey === undefined && evaluate === undefined,
  );
  if (isFixed) return undefined;
  return (context) =>
    buildObject(
      members.map(({ key, value, evaluateKey, evaluate }) => [
        evaluateKey === undefined ? key : toText(evaluateKey(context)),
        evaluate === undefined ? value : evaluate(context),
      ]),
    );
}

const compiledTexts = new WeakMap<Template, Evaluate>();

function compileText(text: string): Evaluate | undefined {
  if (!text.includes("@")) return undefined;
  const template = parseTemplate(text);
  const known = compiledTexts.get(template);
  if (known !== undefined) return known;
  const evaluate = compileParsed(template);
  compiledTexts.set(template, evaluate);
  return evaluate;
}

function compileParsed(template: Template): Evaluate {
  switch (template.kind) {
    case "text":
      return () => template.text;
    case "expression":
      return compileExpression(template.expression);
    case "interpolation": {
      const parts = template.parts.map((part) =>
        typeof part === "string" ? part : compileExpression(part),
      );
      return (context) =>
        parts.map((part) => (typeof part === "string" ? part : toText(part(context)))).join("");
    }
  }
}

function compileExpression(expression: Expression): Evaluate {
  switch (expression.kind) {
    case "literal":
      return () => expression.value;
    case "call":
      return compileCall(expression);
    case "member": {
      const target = compileExpression(expression.target);
      const key = compileExpression(expression.key);
      return (context) => selectMember(target(context), key(context), expression.optional);
    }
  }
}

/** What is wrong with a call is said when its turn comes, after what stands before it. */
function compileCall(expression: Extract<Expression, { kind: "call" }>): Evaluate {
  const found = findFunction(expression.name);
  if (found === undefined) {
    return fail(
      "UNKNOWN_FUNCTION",
      `The template function '${expression.name}' is not defined or not valid.`,
    );
  }
  const { name, entry } = found;
  const problem = arityProblem(name, entry.min, entry.max, expression.args.length);
  if (problem !== undefined) return fail("ARGUMENT", problem);
  const args = expression.args.map(compileExpression);
  if ("lazy" in entry) return (context) => entry.call(args.map((arg) => () => arg(context)));
  return (context) =>
    entry.call(
      args.map((arg) => arg(context)),
      context,
    );
}

function fail(code: "UNKNOWN_FUNCTION" | "ARGUMENT", message: string): Evaluate {
  return () => {
    throw new WorkflowExpressionError(code, message);
  };
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
