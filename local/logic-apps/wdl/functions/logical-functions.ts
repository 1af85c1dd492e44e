import { type FunctionTable, type LazyFunctionTable, unlimited } from "../context.ts";
import { argumentError } from "../expression-error.ts";
import {
  type WdlValue,
  compareNumbers,
  compareText,
  deepEquals,
  isNumber,
  typeName,
} from "../values.ts";
import { argument, booleanArgument } from "./arguments.ts";

/** https://learn.microsoft.com/azure/logic-apps/expression-functions-reference#logical-comparison-functions */
export const logicalFunctions: FunctionTable = {
  not: { min: 1, max: 1, call: (args) => !booleanArgument("not", argument(args, 0), 0) },
  equals: { min: 2, max: 2, call: (args) => deepEquals(argument(args, 0), argument(args, 1)) },
  greater: { min: 2, max: 2, call: (args) => compare("greater", args) > 0 },
  greaterOrEquals: { min: 2, max: 2, call: (args) => compare("greaterOrEquals", args) >= 0 },
  less: { min: 2, max: 2, call: (args) => compare("less", args) < 0 },
  lessOrEquals: { min: 2, max: 2, call: (args) => compare("lessOrEquals", args) <= 0 },
};

/** Only the arguments that decide are evaluated. */
export const lazyFunctions: LazyFunctionTable = {
  and: {
    min: 1,
    max: unlimited,
    lazy: true,
    call: (args) => args.every((read, index) => booleanArgument("and", read(), index)),
  },
  or: {
    min: 1,
    max: unlimited,
    lazy: true,
    call: (args) => args.some((read, index) => booleanArgument("or", read(), index)),
  },
  if: {
    min: 3,
    max: 3,
    lazy: true,
    call: ([condition, whenTrue, whenFalse]) =>
      booleanArgument("if", condition?.() ?? null, 0)
        ? (whenTrue?.() ?? null)
        : (whenFalse?.() ?? null),
  },
  coalesce: {
    min: 1,
    max: unlimited,
    lazy: true,
    call: (args) => {
      for (const read of args) {
        const value = read();
        if (value !== null) return value;
      }
      return null;
    },
  },
};

function compare(name: string, args: readonly WdlValue[]): number {
  const left = argument(args, 0);
  const right = argument(args, 1);
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right);
  if (typeof left === "string" && typeof right === "string") return compareText(left, right);
  if (typeof left === "boolean" && typeof right === "boolean") return Number(left) - Number(right);
  throw argumentError(
    name,
    `expects two parameters of matching types. The function was invoked with values of type '${typeName(left)}' and '${typeName(right)}' that do not match.`,
  );
}
