import { toText } from "../content.ts";
import { type FunctionTable, unlimited } from "../context.ts";
import { argumentError } from "../expression-error.ts";
import {
  type WdlValue,
  buildObject,
  compareNumbers,
  compareText,
  deepEquals,
  findKey,
  getMember,
  isArray,
  isNumber,
  isObject,
  typeName,
} from "../values.ts";
import { writeJson } from "../json-text.ts";
import {
  argument,
  arrayArgument,
  arrayOrString,
  integerArgument,
  objectArgument,
  optionalString,
  stringArgument,
} from "./arguments.ts";
import { limitText } from "./string-functions.ts";

/** https://learn.microsoft.com/azure/logic-apps/expression-functions-reference#collection-functions */
export const collectionFunctions: FunctionTable = {
  chunk: { min: 2, max: 2, call: (args) => chunk(args) },
  contains: { min: 2, max: 2, call: (args) => contains(argument(args, 0), argument(args, 1)) },
  createArray: { min: 1, max: unlimited, call: (args) => args },
  empty: { min: 1, max: 1, call: (args) => isEmpty(argument(args, 0)) },
  first: {
    min: 1,
    max: 1,
    call: (args) => arrayOrString("first", args, 0)[0] ?? emptyOf(argument(args, 0)),
  },
  intersection: { min: 1, max: unlimited, call: (args) => combine("intersection", args) },
  join: {
    min: 2,
    max: 2,
    call: (args) =>
      limitText(
        "join",
        arrayArgument("join", args, 0)
          .map(toText)
          .join(stringArgument("join", args, 1)),
      ),
  },
  last: {
    min: 1,
    max: 1,
    call: (args) => arrayOrString("last", args, 0).at(-1) ?? emptyOf(argument(args, 0)),
  },
  length: { min: 1, max: 1, call: (args) => arrayOrString("length", args, 0).length },
  range: { min: 2, max: 2, call: (args) => range(args) },
  reverse: {
    min: 1,
    max: 1,
    call: (args) => {
      const value = arrayOrString("reverse", args, 0);
      return typeof value === "string"
        ? Array.from(value).reverse().join("")
        : [...value].reverse();
    },
  },
  skip: {
    min: 2,
    max: 2,
    call: (args) => arrayOrString("skip", args, 0).slice(count("skip", args)),
  },
  sort: { min: 1, max: 2, call: (args) => sort(args) },
  take: {
    min: 2,
    max: 2,
    call: (args) => arrayOrString("take", args, 0).slice(0, count("take", args)),
  },
  union: { min: 1, max: unlimited, call: (args) => combine("union", args) },
  addProperty: { min: 3, max: 3, call: (args) => addProperty(args) },
  removeProperty: {
    min: 2,
    max: 2,
    call: (args) => {
      const object = objectArgument("removeProperty", args, 0);
      const key = findKey(object, stringArgument("removeProperty", args, 1));
      return buildObject(Object.entries(object).filter(([name]) => name !== key));
    },
  },
  setProperty: {
    min: 3,
    max: 3,
    call: (args) => {
      const object = objectArgument("setProperty", args, 0);
      const name = stringArgument("setProperty", args, 1);
      const key = findKey(object, name);
      const others = Object.entries(object).filter(([member]) => member !== key);
      return buildObject([...others, [key ?? name, argument(args, 2)]]);
    },
  },
};

function emptyOf(value: WdlValue): WdlValue {
  return typeof value === "string" ? "" : null;
}

function count(name: string, args: readonly WdlValue[]): number {
  const value = integerArgument(name, args, 1);
  if (value < 0)
    throw argumentError(name, "expects its second parameter to be an integer of zero or more.");
  return value;
}

function chunk(args: readonly WdlValue[]): readonly WdlValue[] {
  const value = arrayOrString("chunk", args, 0);
  const size = integerArgument("chunk", args, 1);
  if (size < 1)
    throw argumentError("chunk", "expects its second parameter to be greater than zero.");
  return Array.from({ length: Math.ceil(value.length / size) }, (_, index) =>
    value.slice(index * size, (index + 1) * size),
  );
}

function contains(collection: WdlValue, wanted: WdlValue): boolean {
  if (collection === null) return false;
  if (typeof collection === "string") return collection.includes(toText(wanted));
  if (isArray(collection)) return collection.some((item) => deepEquals(item, wanted));
  if (isObject(collection)) {
    if (typeof wanted !== "string") {
      throw argumentError("contains", "expects a property name to look for in an object.");
    }
    return Object.hasOwn(collection, wanted);
  }
  throw argumentError(
    "contains",
    `expects its first parameter to be a dictionary, an array or a string. The provided value is of type '${typeName(collection)}'.`,
  );
}

function isEmpty(value: WdlValue): boolean {
  if (value === null) return true;
  if (typeof value === "string" || isArray(value)) return value.length === 0;
  if (isObject(value)) return Object.keys(value).length === 0;
  throw argumentError(
    "empty",
    `expects its parameter to be an object, an array or a string. The provided value is of type '${typeName(value)}'.`,
  );
}

/** https://learn.microsoft.com/azure/logic-apps/expression-functions-reference#range: at most 100,000 numbers. */
const maxRange = 100_000;

function range(args: readonly WdlValue[]): readonly number[] {
  const start = integerArgument("range", args, 0);
  const length = integerArgument("range", args, 1);
  if (length < 0 || length > maxRange || start + length > 2 ** 31 - 1) {
    throw argumentError("range", `expects its second parameter to be between 0 and ${maxRange}.`);
  }
  return Array.from({ length }, (_, index) => start + index);
}

/** Of arrays by equality in first-seen order; of objects by name, where the last object's value wins. */
function combine(name: "union" | "intersection", args: readonly WdlValue[]): WdlValue {
  if (args.every(isObject)) return name === "union" ? mergeObjects(args) : commonMembers(args);
  const arrays = args.map((_, index) => arrayArgument(name, args, index));
  const candidates = name === "union" ? arrays.flat(1) : (arrays[0] ?? []);
  const tests = arrays.map(createMembership);
  const seen = createSeen();
  return candidates.filter(
    (item) => (name === "union" || tests.every((isIn) => isIn(item))) && seen(item),
  );
}

function mergeObjects(objects: readonly WdlValue[]): WdlValue {
  const merged = new Map<string, WdlValue>();
  for (const object of objects.filter(isObject)) {
    for (const [key, value] of Object.entries(object)) {
      merged.set(key, value);
    }
  }
  return buildObject(merged);
}

function commonMembers(objects: readonly WdlValue[]): WdlValue {
  const [first, ...others] = objects.filter(isObject);
  return buildObject(
    Object.entries(first ?? {}).filter(([key, value]) =>
      others.every(
        (other) =>
          deepEquals(getMember(other, key) ?? null, value) && findKey(other, key) !== undefined,
      ),
    ),
  );
}

/** Scalars are compared through a set, so that 100,000 items do not take 10^10 comparisons. */
function createMembership(items: readonly WdlValue[]): (item: WdlValue) => boolean {
  const scalars = new Set(items.filter(isScalar).map(scalarKey));
  const others = items.filter((item) => !isScalar(item));
  return (item) =>
    isScalar(item) ? scalars.has(scalarKey(item)) : others.some((other) => deepEquals(other, item));
}

/** A test that is true the first time it sees a value. */
function createSeen(): (item: WdlValue) => boolean {
  const scalars = new Set<string>();
  const others: WdlValue[] = [];
  return (item) => {
    if (isScalar(item)) {
      const key = scalarKey(item);
      return !scalars.has(key) && scalars.add(key).has(key);
    }
    return !others.some((other) => deepEquals(other, item)) && others.push(item) > 0;
  };
}

function isScalar(item: WdlValue): boolean {
  return !isArray(item) && !isObject(item);
}

function scalarKey(item: WdlValue): string {
  return isNumber(item) ? toText(item) : writeJson(item);
}

function sort(args: readonly WdlValue[]): readonly WdlValue[] {
  const items = arrayArgument("sort", args, 0);
  const by = optionalString("sort", args, 1);
  const keyOf = (item: WdlValue): WdlValue => {
    if (by === undefined) return item;
    if (!isObject(item))
      throw argumentError("sort", `can sort by '${by}' only where each item is an object.`);
    return getMember(item, by) ?? null;
  };
  return items
    .map((item) => ({ item, key: keyOf(item) }))
    .sort((left, right) => compareKeys(left.key, right.key))
    .map(({ item }) => item);
}

function compareKeys(left: WdlValue, right: WdlValue): number {
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right);
  if (typeof left === "string" && typeof right === "string") {
    // .NET sorts strings by the culture, not by code point: `a` comes before `B`.
    return left.localeCompare(right, "en-US") || compareText(left, right);
  }
  if (typeof left === "boolean" && typeof right === "boolean") return Number(left) - Number(right);
  if (left === null || right === null) return Number(left !== null) - Number(right !== null);
  throw argumentError("sort", `cannot compare '${typeName(left)}' with '${typeName(right)}'.`);
}

function addProperty(args: readonly WdlValue[]): WdlValue {
  const object = objectArgument("addProperty", args, 0);
  const name = stringArgument("addProperty", args, 1);
  if (findKey(object, name) !== undefined) {
    throw argumentError("addProperty", `cannot add the property '${name}': it already exists.`);
  }
  return buildObject([...Object.entries(object), [name, argument(args, 2)]]);
}
