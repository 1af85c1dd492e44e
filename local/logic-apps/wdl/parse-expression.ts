import { type WdlValue, toFloat, toInteger } from "./values.ts";
import { WorkflowExpressionError } from "./expression-error.ts";

/** `optional`: written with `?`, so that a missing member or a null target gives null. */
export type Expression =
  | { readonly kind: "literal"; readonly value: WdlValue }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] }
  | {
      readonly kind: "member";
      readonly target: Expression;
      readonly key: Expression;
      readonly optional: boolean;
    };

/** A string of a definition: plain text, one expression (any type), or text with `@{…}` parts (a string). */
export type Template =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "expression"; readonly expression: Expression }
  | { readonly kind: "interpolation"; readonly parts: readonly (string | Expression)[] };

/** https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-configuration: length of an expression. */
const maxExpressionLength = 131_072;

/** Definitions repeat the same few hundred strings; data that is evaluated by mistake must not fill the memory. */
const cache = new Map<string, Template>();
const maxCachedTemplates = 5_000;

export function parseTemplate(text: string): Template {
  if (!text.includes("@")) return { kind: "text", text };
  const known = cache.get(text);
  if (known !== undefined) return known;
  const template = readTemplate(text);
  if (cache.size >= maxCachedTemplates) cache.clear();
  cache.set(text, template);
  return template;
}

function readTemplate(text: string): Template {
  if (text.startsWith("@@")) return { kind: "text", text: text.slice(1) };
  if (text.startsWith("@") && text[1] !== "{") {
    const parser = new ExpressionParser(text, 1);
    const expression = parser.readExpression();
    parser.expectEnd();
    return { kind: "expression", expression };
  }
  return readInterpolation(text);
}

function readInterpolation(text: string): Template {
  const parts: (string | Expression)[] = [];
  let literal = "";
  let at = 0;
  for (;;) {
    const start = text.indexOf("@{", at);
    if (start < 0) break;
    if (text[start - 1] === "@" && start > at) {
      literal += `${text.slice(at, start - 1)}@{`;
      at = start + 2;
      continue;
    }
    literal += text.slice(at, start);
    const parser = new ExpressionParser(text, start + 2);
    const expression = parser.readExpression();
    at = parser.expectBrace();
    if (literal !== "") parts.push(literal);
    parts.push(expression);
    literal = "";
  }
  literal += text.slice(at);
  if (parts.length === 0) return { kind: "text", text: literal };
  if (literal !== "") parts.push(literal);
  return { kind: "interpolation", parts };
}

class ExpressionParser {
  readonly #text: string;
  #at: number;

  constructor(text: string, at: number) {
    if (text.length > maxExpressionLength) {
      throw new WorkflowExpressionError(
        "SYNTAX",
        `The expression has ${text.length} characters; the limit is ${maxExpressionLength}.`,
      );
    }
    this.#text = text;
    this.#at = at;
  }

  readExpression(): Expression {
    let expression = this.#readPrimary();
    for (;;) {
      this.#skipSpace();
      const start = this.#at;
      const optional = this.#take("?");
      if (this.#take(".")) {
        this.#skipSpace();
        const name = this.#match(/[\p{L}_$][\p{L}\p{N}_$-]*/uy);
        if (name === undefined) throw this.#unexpected("a property name");
        expression = {
          kind: "member",
          target: expression,
          key: { kind: "literal", value: name },
          optional,
        };
      } else if (this.#take("[")) {
        const key = this.readExpression();
        this.#expect("]");
        expression = { kind: "member", target: expression, key, optional };
      } else {
        this.#at = start;
        return expression;
      }
    }
  }

  expectEnd(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#unexpected("the end of the expression");
  }

  /** The position after the closing brace of `@{…}`. */
  expectBrace(): number {
    this.#expect("}");
    return this.#at;
  }

  #readPrimary(): Expression {
    this.#skipSpace();
    if (this.#text[this.#at] === "'") return { kind: "literal", value: this.#readString() };
    const digits = this.#match(/[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y);
    if (digits !== undefined) return { kind: "literal", value: toNumber(digits) };
    const name = this.#match(/[\p{L}_$][\p{L}\p{N}_$]*/uy);
    if (name === undefined) throw this.#unexpected("a value or a function");
    this.#skipSpace();
    if (this.#take("(")) return { kind: "call", name, args: this.#readArguments() };
    const word = name.toLowerCase();
    if (word === "true" || word === "false") return { kind: "literal", value: word === "true" };
    if (word === "null") return { kind: "literal", value: null };
    throw this.#unexpected(`'(' after '${name}'`);
  }

  #readArguments(): readonly Expression[] {
    const args: Expression[] = [];
    this.#skipSpace();
    if (this.#take(")")) return args;
    do {
      args.push(this.readExpression());
      this.#skipSpace();
    } while (this.#take(","));
    this.#expect(")");
    return args;
  }

  #readString(): string {
    const quoted = this.#match(/'(?:[^']|'')*'/y);
    if (quoted === undefined) throw this.#unexpected("a closing quotation mark");
    return quoted.slice(1, -1).replaceAll("''", "'");
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #expect(character: string): void {
    this.#skipSpace();
    if (!this.#take(character)) throw this.#unexpected(`'${character}'`);
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? "x")) this.#at += 1;
  }

  #unexpected(wanted: string): WorkflowExpressionError {
    const found = this.#text[this.#at];
    const what = found === undefined ? "the end" : `'${found}'`;
    return new WorkflowExpressionError(
      "SYNTAX",
      `Unable to parse template language expression: expected ${wanted} but found ${what} at position ${this.#at}.`,
    );
  }
}

function toNumber(digits: string): WdlValue {
  if (/[.eE]/.test(digits)) return toFloat(Number(digits));
  const value = BigInt(digits.replace("+", ""));
  if (value < -(2n ** 63n) || value > 2n ** 63n - 1n) {
    throw new WorkflowExpressionError("SYNTAX", `The integer '${digits}' is outside of 64 bits.`);
  }
  return toInteger(value);
}
