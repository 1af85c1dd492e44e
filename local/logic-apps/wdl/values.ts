import { Decimal } from "decimal.js";

/**
 * Values of the workflow language. They are JSON values, so that trigger bodies and outputs are used as
 * they are, with three additions that JSON in JavaScript cannot tell apart: a float whose value is whole
 * (`5.0`), an integer beyond 2^53, and a decimal. A whole JavaScript number is an integer, any other a float.
 */
export type WdlValue =
  | null
  | boolean
  | number
  | string
  | bigint
  | Decimal
  | WholeFloat
  | readonly WdlValue[]
  | WdlObject;

export interface WdlObject {
  readonly [key: string]: WdlValue;
}

export type WdlNumber = number | bigint | Decimal | WholeFloat;

export class WholeFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** .NET's decimal holds 28 to 29 digits. */
export const NetDecimal = Decimal.clone({ precision: 29, toExpNeg: -29, toExpPos: 29 });

export function isObject(value: WdlValue): value is WdlObject {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof WholeFloat) &&
    !isDecimal(value)
  );
}

export function isArray(value: WdlValue): value is readonly WdlValue[] {
  return Array.isArray(value);
}

export function isDecimal(value: WdlValue): value is Decimal {
  // Every clone of Decimal has its prototype; `Decimal.isDecimal` looks for foreign copies too.
  return value instanceof Decimal;
}

export function isInteger(value: WdlValue): value is number | bigint {
  return typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value));
}

export function isNumber(value: WdlValue): value is WdlNumber {
  return (
    typeof value === "number" ||
    typeof value === "bigint" ||
    value instanceof WholeFloat ||
    isDecimal(value)
  );
}

export function toFloat(value: number): number | WholeFloat {
  return Number.isInteger(value) ? new WholeFloat(value) : value;
}

/** The smallest representation of an int64; the caller has checked its range. */
export function toInteger(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value;
}

export function toDouble(value: WdlNumber): number {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  return value instanceof WholeFloat ? value.value : value.toNumber();
}

export function typeName(value: WdlValue): string {
  if (value === null) return "Null";
  if (typeof value === "boolean") return "Boolean";
  if (typeof value === "string") return "String";
  if (isInteger(value)) return "Integer";
  if (isNumber(value)) return "Float";
  return isArray(value) ? "Array" : "Object";
}

/** Plain JSON data: what leaves the language, for a caller or a history. Values never change, so most are it. */
export function toPlain(value: WdlValue): unknown {
  if (isPlain(value)) return value;
  if (typeof value !== "object" || value === null) {
    return typeof value === "bigint" ? Number(value) : value;
  }
  if (isArray(value)) return value.map(toPlain);
  if (value instanceof WholeFloat) return value.value;
  if (isDecimal(value)) return value.toNumber();
  return buildObject(Object.entries(value).map(([key, member]) => [key, toPlain(member)]));
}

function isPlain(value: WdlValue): boolean {
  if (typeof value !== "object" || value === null) return typeof value !== "bigint";
  if (isArray(value)) return value.every(isPlain);
  if (value instanceof WholeFloat || isDecimal(value)) return false;
  for (const name in value) if (!isPlain(value[name] ?? null)) return false;
  return true;
}

/** An object with exactly these members in this order; a member named `__proto__` stays a member. */
export function buildObject<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  const result: Record<string, T> = {};
  for (const [key, value] of entries) {
    if (key === "__proto__") {
      Object.defineProperty(result, key, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    } else result[key] = value;
  }
  return result;
}

/** The name under which a member is found: an exact match first, else the first that differs only in case. */
export function findKey(object: object, name: string): string | undefined {
  if (Object.hasOwn(object, name)) return name;
  const lower = name.toLowerCase();
  return Object.keys(object).find((key) => key.toLowerCase() === lower);
}

export function getMember(object: WdlObject, name: string): WdlValue | undefined {
  const key = findKey(object, name);
  return key === undefined ? undefined : object[key];
}

/** A member of an object, or null where there is none or the value is no object. */
export function memberOf(value: WdlValue | undefined, name: string): WdlValue {
  return value !== undefined && isObject(value) ? (getMember(value, name) ?? null) : null;
}

/** Compares numbers of any kind; exact unless a float takes part. */
export function compareNumbers(left: WdlNumber, right: WdlNumber): number {
  if (typeof left === "number" && typeof right === "number") return Math.sign(left - right);
  if (isDecimal(left) || isDecimal(right)) {
    return new NetDecimal(numberText(left)).comparedTo(numberText(right));
  }
  if (isInteger(left) && isInteger(right)) return left < right ? -1 : Number(left > right);
  return Math.sign(toDouble(left) - toDouble(right));
}

export function compareText(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}

export function deepEquals(left: WdlValue, right: WdlValue): boolean {
  if (left === right) return true;
  if (isNumber(left)) return isNumber(right) && compareNumbers(left, right) === 0;
  if (isArray(left)) {
    return (
      isArray(right) &&
      left.length === right.length &&
      left.every((item, index) => deepEquals(item, right[index] ?? null))
    );
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every(
      (key) => Object.hasOwn(right, key) && deepEquals(left[key] ?? null, right[key] ?? null),
    )
  );
}

/** A number as .NET prints it in the invariant culture: exponents as `1E+16`, whole floats without fraction. */
export function numberText(value: WdlNumber): string {
  if (typeof value === "bigint") return value.toString();
  if (isDecimal(value)) return decimalText(value);
  const double = toDouble(value);
  if (Number.isSafeInteger(double)) {
    if (!(value instanceof WholeFloat) || Math.abs(double) < 1e15) return String(double);
  }
  if (!Number.isFinite(double))
    return Number.isNaN(double) ? "NaN" : double > 0 ? "Infinity" : "-Infinity";
  if (isPrintedInFull(double)) return String(double);
  const [digits = "", exponent = "0"] = double.toExponential().split("e");
  const power = Number(exponent);
  return `${digits}E${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

/** Without an exponent, as JavaScript prints it too. */
export function isPrintedInFull(double: number): boolean {
  const size = Math.abs(double);
  return size >= 1e-4 && size < 1e15;
}

/** A decimal keeps the scale it was written with (`1.50`); decimal.js drops it, so the scale rides along. */
const scales = new WeakMap<Decimal, number>();

export function withScale(value: Decimal, scale: number): Decimal {
  scales.set(value, scale);
  return value;
}

export function scaleOf(value: Decimal): number {
  return scales.get(value) ?? value.decimalPlaces();
}

function decimalText(value: Decimal): string {
  return value.toFixed(Math.max(scaleOf(value), value.decimalPlaces()));
}
