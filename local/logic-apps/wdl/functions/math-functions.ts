import { type FunctionTable, unlimited } from "../context.ts";
import { WorkflowExpressionError, argumentError } from "../expression-error.ts";
import {
  NetDecimal,
  type WdlNumber,
  type WdlValue,
  compareNumbers,
  isArray,
  isDecimal,
  isInteger,
  numberText,
  scaleOf,
  toDouble,
  toFloat,
  toInteger,
  withScale,
} from "../values.ts";
import { argument, integerArgument, numberArgument } from "./arguments.ts";

type Operation = "add" | "sub" | "mul" | "div" | "mod";

/** https://learn.microsoft.com/azure/logic-apps/expression-functions-reference#math-functions */
export const mathFunctions: FunctionTable = {
  add: { min: 2, max: 2, call: (args) => calculate("add", args) },
  sub: { min: 2, max: 2, call: (args) => calculate("sub", args) },
  mul: { min: 2, max: 2, call: (args) => calculate("mul", args) },
  div: { min: 2, max: 2, call: (args) => calculate("div", args) },
  mod: { min: 2, max: 2, call: (args) => calculate("mod", args) },
  max: { min: 1, max: unlimited, call: (args) => extreme("max", args) },
  min: { min: 1, max: unlimited, call: (args) => extreme("min", args) },
  rand: {
    min: 2,
    max: 2,
    call: (args) => {
      const low = integerArgument("rand", args, 0);
      const high = integerArgument("rand", args, 1);
      if (high < low)
        throw argumentError("rand", "expects its first parameter to be the smaller one.");
      return low + Math.floor(Math.random() * (high - low));
    },
  },
};

/** Integers stay integers (64 bits, division cuts), a decimal makes the result a decimal, else it is a float. */
function calculate(name: Operation, args: readonly WdlValue[]): WdlValue {
  const left = numberArgument(name, args, 0);
  const right = numberArgument(name, args, 1);
  if ((name === "div" || name === "mod") && toDouble(right) === 0) {
    throw new WorkflowExpressionError(
      "ARITHMETIC",
      `Attempt to divide by zero in the function '${name}'.`,
    );
  }
  if (isInteger(left) && isInteger(right))
    return calculateIntegers(name, BigInt(left), BigInt(right));
  if (isDecimal(left) || isDecimal(right)) return calculateDecimals(name, left, right);
  return toFloat(calculateFloats(name, toDouble(left), toDouble(right)));
}

function calculateIntegers(name: Operation, left: bigint, right: bigint): WdlValue {
  const results = {
    add: () => left + right,
    sub: () => left - right,
    mul: () => left * right,
    div: () => left / right,
    mod: () => left % right,
  };
  const value = results[name]();
  if (value !== BigInt.asIntN(64, value)) {
    throw new WorkflowExpressionError(
      "ARITHMETIC",
      `The result of '${name}' does not fit into 64 bits.`,
    );
  }
  return toInteger(value);
}

function calculateFloats(name: Operation, left: number, right: number): number {
  const results = {
    add: () => left + right,
    sub: () => left - right,
    mul: () => left * right,
    div: () => left / right,
    mod: () => left % right,
  };
  return results[name]();
}

function calculateDecimals(name: Operation, left: WdlNumber, right: WdlNumber): WdlValue {
  const a = new NetDecimal(numberText(left));
  const b = new NetDecimal(numberText(right));
  const leftScale = isDecimal(left) ? scaleOf(left) : a.decimalPlaces();
  const rightScale = isDecimal(right) ? scaleOf(right) : b.decimalPlaces();
  const wider = Math.max(leftScale, rightScale);
  switch (name) {
    case "add":
      return withScale(a.plus(b), wider);
    case "sub":
      return withScale(a.minus(b), wider);
    case "mul":
      return withScale(a.times(b), leftScale + rightScale);
    case "div":
      return a.dividedBy(b);
    case "mod":
      return withScale(a.modulo(b), wider);
  }
}

function extreme(name: "max" | "min", args: readonly WdlValue[]): WdlValue {
  const only = argument(args, 0);
  const values = args.length === 1 && isArray(only) ? only : args;
  const numbers = values.map((_, index) => numberArgument(name, values, index));
  if (numbers.length === 0) throw argumentError(name, "expects at least one number.");
  return numbers.reduce((best, next) => {
    const order = compareNumbers(next, best);
    return (name === "max" ? order > 0 : order < 0) ? next : best;
  });
}
