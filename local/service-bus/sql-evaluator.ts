import { randomUUID } from "node:crypto";

import { toSystemProperty, type FilterView } from "./filter-view.ts";
import type { SqlBinaryOperator, SqlExpression, SqlProperty } from "./sql-parser.ts";

/** Undefined is SQL's "unknown": a missing property, and whatever is compared or computed with one. */
export type SqlValue = string | number | bigint | boolean | Date | undefined;

/** The service's name for a filter that fails on a message; it becomes the dead-letter reason. */
export class FilterException extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FilterException";
  }
}

/** Only TRUE lets a message through; unknown does not. */
export function matchesSql(expression: SqlExpression, view: FilterView): boolean {
  return toTruth(evaluateSql(expression, view)) === true;
}

export function evaluateSql(expression: SqlExpression, view: FilterView): SqlValue {
  switch (expression.kind) {
    case "literal":
      return expression.value;
    case "property":
      return readProperty(expression, view);
    case "newid":
      return randomUUID();
    case "not":
      return not(toTruth(evaluateSql(expression.operand, view)));
    case "negate":
      return calculate("-", 0, evaluateSql(expression.operand, view));
    case "binary":
      return evaluateBinary(expression.operator, expression.left, expression.right, view);
    case "isNull":
      return (evaluateSql(expression.operand, view) === undefined) !== expression.negated;
    case "exists":
      return readProperty(expression.property, view) !== undefined;
    case "in":
      return negatedIf(expression.negated, isIn(expression.operand, expression.items, view));
    case "like":
      return negatedIf(expression.negated, isLike(expression, view));
  }
}

function readProperty(property: SqlProperty, view: FilterView): SqlValue {
  if (property.scope === "sys") {
    const name = toSystemProperty(property.name);
    if (name === undefined) {
      throw new FilterException(`A message has no system property '${property.name}'.`);
    }
    return view.system(name);
  }
  const value = view.userIgnoringCase(property.name);
  return value === null || Buffer.isBuffer(value) ? undefined : value;
}

function evaluateBinary(
  operator: SqlBinaryOperator,
  left: SqlExpression,
  right: SqlExpression,
  view: FilterView,
): SqlValue {
  switch (operator) {
    case "and":
      return and(toTruth(evaluateSql(left, view)), () => toTruth(evaluateSql(right, view)));
    case "or":
      return not(
        and(not(toTruth(evaluateSql(left, view))), () => not(toTruth(evaluateSql(right, view)))),
      );
    case "=":
    case "<>":
    case ">":
    case ">=":
    case "<":
    case "<=":
      return compare(operator, evaluateSql(left, view), evaluateSql(right, view));
    default:
      return calculate(operator, evaluateSql(left, view), evaluateSql(right, view));
  }
}

type Truth = boolean | undefined;

function toTruth(value: SqlValue): Truth {
  if (value === undefined || typeof value === "boolean") return value;
  throw new FilterException(`${String(value)} is used as a condition but is not true or false.`);
}

function not(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth;
}

function negatedIf(negated: boolean, truth: Truth): Truth {
  return negated ? not(truth) : truth;
}

function and(left: Truth, right: () => Truth): Truth {
  if (left === false) return false;
  const other = right();
  if (other === false) return false;
  return left === undefined || other === undefined ? undefined : true;
}

function compare(
  operator: "=" | "<>" | ">" | ">=" | "<" | "<=",
  left: SqlValue,
  right: SqlValue,
): Truth {
  const order = toOrder(left, right);
  if (order === undefined) return undefined;
  switch (operator) {
    case "=":
      return order === 0;
    case "<>":
      return order !== 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
  }
}

/** Negative, zero or positive; undefined when one is unknown or they are of different types. */
function toOrder(left: SqlValue, right: SqlValue): number | undefined {
  if (left === undefined || right === undefined) return undefined;
  const [one, two] = [toComparable(left), toComparable(right)];
  const alike = typeof one === typeof two || (isNumber(one) && isNumber(two));
  if (!alike) return undefined;
  if (one < two) return -1;
  return one > two ? 1 : 0;
}

function toComparable(value: Exclude<SqlValue, undefined>): string | number | bigint | boolean {
  return value instanceof Date ? value.getTime() : value;
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function calculate(operator: SqlBinaryOperator, left: SqlValue, right: SqlValue): SqlValue {
  if (left === undefined || right === undefined) return undefined;
  if (operator === "+" && typeof left === "string" && typeof right === "string")
    return left + right;
  if (!isNumber(left) || !isNumber(right)) {
    throw new FilterException(`'${operator}' needs numbers.`);
  }
  const [one, two] = [Number(left), Number(right)];
  if ((operator === "/" || operator === "%") && two === 0) {
    throw new FilterException("Division by zero.");
  }
  switch (operator) {
    case "+":
      return one + two;
    case "-":
      return one - two;
    case "*":
      return one * two;
    case "/":
      // Two integers divide to an integer, as in SQL.
      return Number.isInteger(one) && Number.isInteger(two) ? Math.trunc(one / two) : one / two;
    case "%":
      return one % two;
    default:
      throw new FilterException(`'${operator}' is no calculation.`);
  }
}

function isIn(operand: SqlExpression, items: readonly SqlExpression[], view: FilterView): Truth {
  const value = evaluateSql(operand, view);
  let found: Truth = false;
  for (const item of items) {
    const same = compare("=", value, evaluateSql(item, view));
    if (same === true) return true;
    if (same === undefined) found = undefined;
  }
  return found;
}

function isLike(expression: Extract<SqlExpression, { kind: "like" }>, view: FilterView): Truth {
  const value = evaluateSql(expression.operand, view);
  const pattern = evaluateSql(expression.pattern, view);
  const escape = expression.escape === undefined ? undefined : evaluateSql(expression.escape, view);
  if (typeof value !== "string" || typeof pattern !== "string") return undefined;
  return toLikePattern(pattern, typeof escape === "string" ? escape : undefined).test(value);
}

function toLikePattern(pattern: string, escape: string | undefined): RegExp {
  let source = "";
  let isEscaped = false;
  for (const character of pattern) {
    if (!isEscaped && character === escape) {
      isEscaped = true;
      continue;
    }
    if (!isEscaped && character === "%") source += ".*";
    else if (!isEscaped && character === "_") source += ".";
    else source += character.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    isEscaped = false;
  }
  return new RegExp(`^${source}$`, "su");
}
