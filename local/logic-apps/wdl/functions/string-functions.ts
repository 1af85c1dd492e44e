import { randomUUID } from "node:crypto";
import { toText } from "../content.ts";
import { type FunctionTable, unlimited } from "../context.ts";
import { argumentError } from "../expression-error.ts";
import { formatNumber } from "../format-number.ts";
import type { WdlValue } from "../values.ts";
import {
  argument,
  integerArgument,
  numberArgument,
  optionalString,
  stringArgument,
} from "./arguments.ts";

/** https://learn.microsoft.com/azure/logic-apps/expression-functions-reference#string-functions */
export const stringFunctions: FunctionTable = {
  concat: { min: 1, max: unlimited, call: (args) => concat(args) },
  endsWith: {
    min: 2,
    max: 2,
    call: (args) => lower("endsWith", args, 0).endsWith(lower("endsWith", args, 1)),
  },
  startsWith: {
    min: 2,
    max: 2,
    call: (args) => lower("startsWith", args, 0).startsWith(lower("startsWith", args, 1)),
  },
  formatNumber: {
    min: 2,
    max: 3,
    call: (args) =>
      formatNumber(
        numberArgument("formatNumber", args, 0),
        stringArgument("formatNumber", args, 1),
        optionalString("formatNumber", args, 2),
      ),
  },
  guid: { min: 0, max: 1, call: (args) => guid(optionalString("guid", args, 0) ?? "D") },
  indexOf: {
    min: 2,
    max: 2,
    call: (args) => lower("indexOf", args, 0).indexOf(lower("indexOf", args, 1)),
  },
  lastIndexOf: { min: 2, max: 2, call: (args) => lastIndexOf(args) },
  nthIndexOf: { min: 3, max: 3, call: (args) => nthIndexOf(args) },
  replace: {
    min: 3,
    max: 3,
    call: (args) => {
      const old = stringArgument("replace", args, 1);
      if (old === "") throw argumentError("replace", "cannot replace an empty string.");
      return stringArgument("replace", args, 0).replaceAll(old, () =>
        stringArgument("replace", args, 2),
      );
    },
  },
  slice: { min: 2, max: 3, call: (args) => slice(args) },
  split: {
    min: 2,
    max: 2,
    call: (args) => {
      const text = stringArgument("split", args, 0);
      const delimiter = stringArgument("split", args, 1);
      return delimiter === "" ? [text] : text.split(delimiter);
    },
  },
  substring: { min: 2, max: 3, call: (args) => substring(args) },
  toLower: { min: 1, max: 1, call: (args) => stringArgument("toLower", args, 0).toLowerCase() },
  toUpper: { min: 1, max: 1, call: (args) => stringArgument("toUpper", args, 0).toUpperCase() },
  trim: { min: 1, max: 1, call: (args) => stringArgument("trim", args, 0).trim() },
};

/** https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-configuration */
const maxTextLength = 104_857_600;

export function limitText(name: string, text: string): string {
  if (text.length > maxTextLength) {
    throw argumentError(
      name,
      `made a text of ${text.length} characters; the limit is ${maxTextLength}.`,
    );
  }
  return text;
}

function concat(args: readonly WdlValue[]): string {
  return limitText("concat", args.map(toText).join(""));
}

/** These searches ignore case; lower case keeps the length of all but a few letters (İ), as close as .NET's. */
function lower(name: string, args: readonly WdlValue[], index: number): string {
  const text = stringArgument(name, args, index);
  const lowered = text.toLowerCase();
  return lowered.length === text.length ? lowered : text;
}

function lastIndexOf(args: readonly WdlValue[]): number {
  const text = lower("lastIndexOf", args, 0);
  const search = lower("lastIndexOf", args, 1);
  // Documented: an empty search is found at the last character.
  return search === "" ? Math.max(text.length - 1, 0) : text.lastIndexOf(search);
}

function nthIndexOf(args: readonly WdlValue[]): number {
  const text = lower("nthIndexOf", args, 0);
  const search = lower("nthIndexOf", args, 1);
  const occurrence = integerArgument("nthIndexOf", args, 2);
  if (search === "" || occurrence === 0) return occurrence === 0 ? -1 : 0;
  const isBackward = occurrence < 0;
  let at = isBackward ? text.lastIndexOf(search) : text.indexOf(search);
  for (let found = 1; found < Math.abs(occurrence) && at >= 0; found += 1) {
    if (isBackward) at = at === 0 ? -1 : text.lastIndexOf(search, at - 1);
    else at = text.indexOf(search, at + 1);
  }
  return at;
}

/** The end lies before the index given; indexes below zero count from the end. */
function slice(args: readonly WdlValue[]): string {
  const text = stringArgument("slice", args, 0);
  const start = integerArgument("slice", args, 1);
  const end = argument(args, 2) === null ? undefined : integerArgument("slice", args, 2);
  return text.slice(start, end);
}

function substring(args: readonly WdlValue[]): string {
  const text = stringArgument("substring", args, 0);
  const start = integerArgument("substring", args, 1);
  const length =
    argument(args, 2) === null ? text.length - start : integerArgument("substring", args, 2);
  if (start < 0 || length < 0 || start + length > text.length) {
    throw argumentError(
      "substring",
      `parameters are out of range: 'start index' and 'length' must be non-negative integers and their sum must be no larger than the length of the string (start index ${start}, length ${length}, string length ${text.length}).`,
    );
  }
  return text.slice(start, start + length);
}

function guid(format: string): string {
  const dashed = randomUUID();
  const digits = dashed.replaceAll("-", "");
  switch (format.toUpperCase()) {
    case "D":
      return dashed;
    case "N":
      return digits;
    case "B":
      return `{${dashed}}`;
    case "P":
      return `(${dashed})`;
    case "X":
      return guidHex(digits);
    default:
      throw argumentError(
        "guid",
        `does not know the format '${format}'; it can be 'N', 'D', 'B', 'P' or 'X'.`,
      );
  }
}

function guidHex(digits: string): string {
  const tail = (digits.slice(16).match(/../g) ?? []).map((byte) => `0x${byte}`).join(",");
  return `{0x${digits.slice(0, 8)},0x${digits.slice(8, 12)},0x${digits.slice(12, 16)},{${tail}}}`;
}
