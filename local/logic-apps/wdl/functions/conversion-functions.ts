import { readContent, toBytes, toContent, toText } from "../content.ts";
import { type FunctionTable } from "../context.ts";
import { getCulture } from "../culture.ts";
import { argumentError } from "../expression-error.ts";
import { readJson } from "../json-text.ts";
import {
  NetDecimal,
  WholeFloat,
  type WdlValue,
  isArray,
  isDecimal,
  isInteger,
  isNumber,
  isObject,
  memberOf,
  numberText,
  toDouble,
  toFloat,
  toInteger,
  typeName,
  withScale,
} from "../values.ts";
import { fromJson, parseXml, toJson, writeXml } from "../xml.ts";
import { argument, optionalString, stringArgument } from "./arguments.ts";

const octets = "application/octet-stream";

/** https://learn.microsoft.com/azure/logic-apps/expression-functions-reference#conversion-functions */
export const conversionFunctions: FunctionTable = {
  array: { min: 1, max: 1, call: (args) => [argument(args, 0)] },
  base64: { min: 1, max: 1, call: (args) => toBytes(argument(args, 0)).toString("base64") },
  base64ToBinary: {
    min: 1,
    max: 1,
    call: (args) => toContent(octets, fromBase64("base64ToBinary", args)),
  },
  base64ToString: {
    min: 1,
    max: 1,
    call: (args) => fromBase64("base64ToString", args).toString("utf8"),
  },
  decodeBase64: {
    min: 1,
    max: 1,
    call: (args) => fromBase64("decodeBase64", args).toString("utf8"),
  },
  binary: { min: 1, max: 1, call: (args) => toContent(octets, toBytes(argument(args, 0))) },
  bool: { min: 1, max: 1, call: (args) => toBoolean(argument(args, 0)) },
  dataUri: { min: 1, max: 1, call: (args) => toDataUri(argument(args, 0)) },
  dataUriToBinary: { min: 1, max: 1, call: (args) => dataUriToBinary("dataUriToBinary", args) },
  decodeDataUri: { min: 1, max: 1, call: (args) => dataUriToBinary("decodeDataUri", args) },
  dataUriToString: {
    min: 1,
    max: 1,
    call: (args) => readDataUri("dataUriToString", args).bytes.toString("utf8"),
  },
  decimal: { min: 1, max: 1, call: (args) => toDecimal(argument(args, 0)) },
  float: { min: 1, max: 2, call: (args) => toFloatValue(args) },
  int: { min: 1, max: 1, call: (args) => toInt(argument(args, 0)) },
  isFloat: {
    min: 1,
    max: 2,
    call: (args) =>
      readNumber(stringArgument("isFloat", args, 0), optionalString("isFloat", args, 1)) !==
      undefined,
  },
  isInt: {
    min: 1,
    max: 2,
    call: (args) => readInteger(stringArgument("isInt", args, 0)) !== undefined,
  },
  json: { min: 1, max: 1, call: (args) => toJsonValue(argument(args, 0)) },
  string: { min: 1, max: 1, call: (args) => toText(argument(args, 0)) },
  xml: { min: 1, max: 1, call: (args) => toXml(argument(args, 0)) },
  uriComponent: { min: 1, max: 1, call: (args) => encodeUri(toText(argument(args, 0))) },
  encodeUriComponent: { min: 1, max: 1, call: (args) => encodeUri(toText(argument(args, 0))) },
  uriComponentToString: {
    min: 1,
    max: 1,
    call: (args) => decodeUri(stringArgument("uriComponentToString", args, 0)),
  },
  decodeUriComponent: {
    min: 1,
    max: 1,
    call: (args) => decodeUri(stringArgument("decodeUriComponent", args, 0)),
  },
  uriComponentToBinary: {
    min: 1,
    max: 1,
    call: (args) => toContent(octets, decodeUri(stringArgument("uriComponentToBinary", args, 0))),
  },
};

function fromBase64(name: string, args: readonly WdlValue[]): Buffer {
  const text = stringArgument(name, args, 0).replaceAll(/\s/g, "");
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw argumentError(name, "was invoked with a value that is not valid base64.");
  }
  return Buffer.from(text, "base64");
}

function toBoolean(value: WdlValue): boolean {
  if (typeof value === "boolean") return value;
  if (isNumber(value)) return toDouble(value) !== 0;
  const word = typeof value === "string" ? value.trim().toLowerCase() : "";
  if (word === "true" || word === "false") return word === "true";
  throw argumentError("bool", `cannot convert a value of type '${typeName(value)}' to a boolean.`);
}

function toDataUri(value: WdlValue): string {
  const type = readContent(value)?.contentType ?? "text/plain;charset=utf-8";
  return `data:${type};base64,${toBytes(value).toString("base64")}`;
}

function readDataUri(
  name: string,
  args: readonly WdlValue[],
): { readonly type: string; readonly bytes: Buffer } {
  const match = /^data:([^,]*?)(;base64)?,([\s\S]*)$/i.exec(stringArgument(name, args, 0));
  if (match === null)
    throw argumentError(name, "expects a data URI (data:[<type>][;base64],<data>).");
  const [, type = "", base64, data = ""] = match;
  const bytes =
    base64 === undefined
      ? Buffer.from(decodeUri(data), "utf8")
      : fromBase64(name, [decodeUri(data)]);
  return { type: type === "" ? "text/plain;charset=US-ASCII" : type, bytes };
}

function dataUriToBinary(name: string, args: readonly WdlValue[]): WdlValue {
  const { type, bytes } = readDataUri(name, args);
  return toContent(type, bytes);
}

/** .NET's NumberStyles: white space, a sign before or behind, thousands separators anywhere, an exponent. */
function readNumber(text: string, locale?: string): number | undefined {
  const culture = getCulture(locale);
  const group = culture.groupSeparator === "" ? "," : culture.groupSeparator;
  const escape = (separator: string): string =>
    separator === " " ? " \\u00a0\\u202f" : `\\${separator}`;
  const pattern = new RegExp(
    `^\\s*([+-]?)\\s*((?:\\d[\\d${escape(group)}]*)?)(?:${escape(culture.decimalSeparator)}(\\d*))?(?:[eE]([+-]?\\d+))?\\s*([+-]?)\\s*$`,
  );
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, before = "", whole = "", fraction = "", exponent = "0", after = ""] = match;
  if (whole + fraction === "" || (before !== "" && after !== "")) return undefined;
  const value = Number(`${whole.replaceAll(/\D/g, "")}.${fraction}e${exponent}`);
  if (!Number.isFinite(value)) return undefined;
  return before === "-" || after === "-" ? -value : value;
}

function toFloatValue(args: readonly WdlValue[]): WdlValue {
  const value = argument(args, 0);
  if (isNumber(value)) return toFloat(toDouble(value));
  const text = stringArgument("float", args, 0);
  const number = readNumber(text, optionalString("float", args, 1));
  if (number === undefined)
    throw argumentError("float", `cannot convert '${text}' to a floating-point number.`);
  return toFloat(number);
}

function toDecimal(value: WdlValue): WdlValue {
  const text = isNumber(value) ? numberText(value) : typeof value === "string" ? value.trim() : "";
  const digits = text.replaceAll(",", "");
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(digits)) {
    throw argumentError(
      "decimal",
      `cannot convert a value of type '${typeName(value)}' to a decimal number.`,
    );
  }
  const decimal = new NetDecimal(digits);
  if (decimal.abs().gt("79228162514264337593543950335")) {
    throw argumentError("decimal", "was invoked with a value too large for a decimal number.");
  }
  // .NET keeps at most 28 digits behind the point.
  const scale = /\.(\d*)/.exec(digits)?.[1]?.length ?? 0;
  return withScale(decimal.toDecimalPlaces(28), Math.min(scale, 28));
}

function readInteger(text: string): bigint | undefined {
  const match = /^\s*([+-]?\d+)(?:\.0*)?\s*$/.exec(text);
  if (match === null) return undefined;
  const value = BigInt((match[1] ?? "").replace("+", ""));
  return value === BigInt.asIntN(64, value) ? value : undefined;
}

function toInt(value: WdlValue): WdlValue {
  if (isInteger(value)) return value;
  if (value instanceof WholeFloat && Math.abs(value.value) < 2 ** 63)
    return toInteger(BigInt(value.value));
  const text = isDecimal(value) ? numberText(value) : value;
  const integer = typeof text === "string" ? readInteger(text) : undefined;
  if (integer === undefined) {
    const shown = typeof text === "string" ? `'${text}'` : `a value of type '${typeName(value)}'`;
    throw argumentError("int", `cannot convert ${shown} to an integer.`);
  }
  return toInteger(integer);
}

function toJsonValue(value: WdlValue): WdlValue {
  const content = readContent(value);
  if (content !== undefined) {
    const text = content.bytes.toString("utf8");
    return /xml/i.test(content.contentType) ? toJson(parseXml(text)) : readJson(text);
  }
  if (typeof value === "string") {
    if (value.trim() === "") throw argumentError("json", "cannot be invoked with an empty string.");
    return readJson(value);
  }
  // Documented: null becomes an empty object.
  if (value === null) return {};
  return value;
}

function toXml(value: WdlValue): WdlValue {
  const type = "application/xml;charset=utf-8";
  const isText = typeof value === "string" || readContent(value) !== undefined;
  if (!isText && !isObject(value)) {
    const kind = isArray(value) ? "an array" : `a value of type '${typeName(value)}'`;
    throw argumentError("xml", `cannot convert ${kind} to XML.`);
  }
  return toContent(type, writeXml(isText ? parseXml(toText(toTextual(value))) : fromJson(value)));
}

/** Content of any type is XML text here. */
function toTextual(value: WdlValue): WdlValue {
  return typeof value === "string"
    ? value
    : toBytes(value).toString("utf8") || memberOf(value, "$content");
}

/** .NET's Uri.EscapeDataString: everything but unreserved characters. */
function encodeUri(text: string): string {
  return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, "\ufffd")).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Malformed escapes stay as they are, as in .NET. */
function decodeUri(text: string): string {
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}
