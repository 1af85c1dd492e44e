import {
  type WdlValue,
  WholeFloat,
  buildObject,
  isDecimal,
  isNumber,
  isPrintedInFull,
  numberText,
  toFloat,
  toInteger,
} from "./values.ts";
import { isArray } from "./values.ts";
import { WorkflowExpressionError } from "./expression-error.ts";

/** Only a text with a whole float or a long integer needs the exact reader; JSON.parse is ten times faster. */
const needsExactReader = /\d\.0+(?!\d)|\d{16}|\d[eE]/;
const strings = /"(?:[^"\\]|\\.)*"/gs;

/** Reads JSON without losing the difference between `5` and `5.0` or the digits of a 64-bit integer. */
export function readJson(text: string): WdlValue {
  // Ids in strings look like numbers with exponents.
  if (!needsExactReader.test(text) || !needsExactReader.test(text.replace(strings, '""'))) {
    try {
      return JSON.parse(text) as WdlValue;
    } catch (error) {
      throw jsonError(error instanceof Error ? error.message : String(error), error);
    }
  }
  const reader = new JsonReader(text);
  return reader.readDocument();
}

/** Compact JSON as the runtime writes it: whole floats keep their `.0`. */
export function writeJson(value: WdlValue): string {
  return isWrittenAsJavaScriptDoes(value) ? JSON.stringify(value) : writeExactly(value);
}

function isWrittenAsJavaScriptDoes(value: WdlValue): boolean {
  if (typeof value === "number") return Number.isSafeInteger(value) || isPrintedInFull(value);
  if (typeof value !== "object" || value === null) return typeof value !== "bigint";
  if (isArray(value)) return value.every(isWrittenAsJavaScriptDoes);
  if (value instanceof WholeFloat || isDecimal(value)) return false;
  for (const name in value) if (!isWrittenAsJavaScriptDoes(value[name] ?? null)) return false;
  return true;
}

function writeExactly(value: WdlValue): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (isNumber(value)) {
    if (value instanceof WholeFloat || isDecimal(value)) {
      const text = numberText(value);
      return /^-?\d+$/.test(text) ? `${text}.0` : text;
    }
    return numberText(value);
  }
  if (isArray(value)) return `[${value.map(writeExactly).join(",")}]`;
  const members = Object.entries(value).map(
    ([key, member]) => `${JSON.stringify(key)}:${writeExactly(member)}`,
  );
  return `{${members.join(",")}}`;
}

function jsonError(problem: string, cause?: unknown): WorkflowExpressionError {
  return new WorkflowExpressionError("ARGUMENT", `The value is not valid JSON: ${problem}`, {
    cause,
  });
}

class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readDocument(): WdlValue {
    const value = this.#readValue();
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#unexpected();
    return value;
  }

  #readValue(): WdlValue {
    this.#skipSpace();
    const next = this.#text[this.#at];
    if (next === "{") return this.#readObject();
    if (next === "[") return this.#readArray();
    if (next === '"') return this.#readString();
    const word = this.#match(/true|false|null/y);
    if (word !== undefined) return word === "null" ? null : word === "true";
    const digits = this.#match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    if (digits === undefined) throw this.#unexpected();
    return /[.eE]/.test(digits) ? toFloat(Number(digits)) : toInteger(BigInt(digits));
  }

  #readObject(): WdlValue {
    const members: [string, WdlValue][] = [];
    this.#at += 1;
    if (this.#take("}")) return {};
    do {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') throw this.#unexpected();
      const key = this.#readString();
      if (!this.#take(":")) throw this.#unexpected();
      members.push([key, this.#readValue()]);
    } while (this.#take(","));
    if (!this.#take("}")) throw this.#unexpected();
    return buildObject(members);
  }

  #readArray(): WdlValue {
    const items: WdlValue[] = [];
    this.#at += 1;
    if (this.#take("]")) return items;
    do items.push(this.#readValue());
    while (this.#take(","));
    if (!this.#take("]")) throw this.#unexpected();
    return items;
  }

  #readString(): string {
    const quoted = this.#match(/"(?:[^"\\]|\\.)*"/sy);
    if (quoted === undefined) throw this.#unexpected();
    try {
      return JSON.parse(quoted) as string;
    } catch (error) {
      throw jsonError(`a string at position ${this.#at} is malformed`, error);
    }
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #take(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    while (" \t\r\n".includes(this.#text[this.#at] ?? "x")) this.#at += 1;
  }

  #unexpected(): WorkflowExpressionError {
    const found = this.#text[this.#at];
    return jsonError(
      found === undefined ? "it ends too early" : `unexpected '${found}' at position ${this.#at}`,
    );
  }
}
