import { argumentError } from "../expression-error.ts";
import {
  type WdlNumber,
  type WdlObject,
  type WdlValue,
  isArray,
  isInteger,
  isNumber,
  isObject,
  typeName,
} from "../values.ts";
import { readContent, toText } from "../content.ts";

/** The argument at an index, or null; arity was checked before the function ran. */
export function argument(args: readonly WdlValue[], index: number): WdlValue {
  return args[index] ?? null;
}

const ordinals = ["first", "second", "third", "fourth", "fifth"];

function wrongType(name: string, index: number, wanted: string, value: WdlValue): Error {
  const which = ordinals[index] ?? `${index + 1}th`;
  return argumentError(
    name,
    `expects its ${which} parameter to be ${wanted}. The provided value is of type '${typeName(value)}'.`,
  );
}

/** A string, or content that can be read as one. */
export function stringArgument(name: string, args: readonly WdlValue[], index: number): string {
  const value = argument(args, index);
  if (typeof value === "string") return value;
  if (readContent(value) !== undefined) return toText(value);
  throw wrongType(name, index, "a string", value);
}

export function optionalString(
  name: string,
  args: readonly WdlValue[],
  index: number,
): string | undefined {
  const value = argument(args, index);
  return value === null ? undefined : stringArgument(name, args, index);
}

export function integerArgument(name: string, args: readonly WdlValue[], index: number): number {
  const value = argument(args, index);
  if (!isInteger(value)) throw wrongType(name, index, "an integer", value);
  return Number(value);
}

export function numberArgument(name: string, args: readonly WdlValue[], index: number): WdlNumber {
  const value = argument(args, index);
  if (!isNumber(value)) throw wrongType(name, index, "an integer or a decimal number", value);
  return value;
}

export function booleanArgument(name: string, value: WdlValue, index: number): boolean {
  if (typeof value !== "boolean") throw wrongType(name, index, "a boolean", value);
  return value;
}

export function objectArgument(name: string, args: readonly WdlValue[], index: number): WdlObject {
  const value = argument(args, index);
  if (!isObject(value)) throw wrongType(name, index, "an object", value);
  return value;
}

export function arrayArgument(
  name: string,
  args: readonly WdlValue[],
  index: number,
): readonly WdlValue[] {
  const value = argument(args, index);
  if (!isArray(value)) throw wrongType(name, index, "an array", value);
  return value;
}

export function arrayOrString(
  name: string,
  args: readonly WdlValue[],
  index: number,
): readonly WdlValue[] | string {
  const value = argument(args, index);
  if (isArray(value)) return value;
  if (typeof value !== "string") throw wrongType(name, index, "an array or a string", value);
  return value;
}
