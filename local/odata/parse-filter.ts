import { ODataError } from "./odata-query.ts";
import type { CompareOperator, FilterNode, ODataLiteral, TextFunction } from "./odata-query.ts";
import { tokenize } from "./tokenize.ts";
import type { Token } from "./tokenize.ts";

export interface FilterOptions {
  /** F&O refuses `in`; Dataverse takes it through its own function only, but our tests may switch it on. */
  readonly allowIn?: boolean;
}

const OPERATORS: readonly string[] = ["eq", "ne", "gt", "ge", "lt", "le"];
const FUNCTIONS: readonly string[] = ["contains", "startswith", "endswith"];
/** Deeper ones would only exhaust the stack. */
const MAX_DEPTH = 200;

/** Parses `$filter`; `or` binds weaker than `and`, `not` strongest. */
export function parseFilter(text: string, options: FilterOptions = {}): FilterNode {
  return new FilterParser(text, options).parse();
}

/** Reads tokens from left to right; its place among them is all its state. */
class FilterParser {
  readonly #text: string;
  readonly #options: FilterOptions;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(text: string, options: FilterOptions) {
    this.#text = text;
    this.#options = options;
    this.#tokens = tokenize(text);
  }

  parse(): FilterNode {
    const node = this.#readOr();
    if (this.#next < this.#tokens.length) throw this.#error();
    return node;
  }

  #readOr(): FilterNode {
    let left = this.#readAnd();
    while (this.#takeName("or")) left = { kind: "or", left, right: this.#readAnd() };
    return left;
  }

  #readAnd(): FilterNode {
    let left = this.#readUnary();
    while (this.#takeName("and")) left = { kind: "and", left, right: this.#readUnary() };
    return left;
  }

  #readUnary(): FilterNode {
    if ((this.#depth += 1) > MAX_DEPTH) {
      throw new ODataError("UNSUPPORTED", "The filter is nested too deeply.");
    }
    const node = this.#readOperand();
    this.#depth -= 1;
    return node;
  }

  #readOperand(): FilterNode {
    if (this.#takeName("not")) return { kind: "not", operand: this.#readUnary() };
    if (this.#takeMark("(")) {
      const inner = this.#readOr();
      this.#expectMark(")");
      return inner;
    }
    const name = this.#takeAnyName();
    if (this.#takeMark("(")) return this.#readFunction(name);
    if (this.#takeName("in")) return this.#readIn(name);
    const operator = this.#takeAnyName();
    if (!isCompareOperator(operator)) {
      throw new ODataError("UNSUPPORTED", `The operator '${operator}' is not supported.`);
    }
    return { kind: "compare", operator, path: name, value: this.#takeLiteral() };
  }

  #readFunction(name: string): FilterNode {
    if (!isTextFunction(name)) {
      throw new ODataError("UNSUPPORTED", `The function '${name}' is not supported.`);
    }
    const path = this.#takeAnyName();
    this.#expectMark(",");
    const value = this.#takeLiteral();
    this.#expectMark(")");
    if (value.type !== "string") throw this.#error();
    // `contains(a,'b') eq true` is the same as without it.
    const node: FilterNode = { kind: "text", function: name, path, value: value.value };
    if (!this.#takeName("eq")) return node;
    const wanted = this.#takeLiteral();
    if (wanted.type !== "boolean") throw this.#error();
    return wanted.value ? node : { kind: "not", operand: node };
  }

  #readIn(path: string): FilterNode {
    if (this.#options.allowIn !== true) {
      throw new ODataError("UNSUPPORTED", "The operator 'in' is not supported.");
    }
    this.#expectMark("(");
    const values = [this.#takeLiteral()];
    while (this.#takeMark(",")) values.push(this.#takeLiteral());
    this.#expectMark(")");
    return { kind: "in", path, values };
  }

  #takeName(text: string): boolean {
    const token = this.#tokens[this.#next];
    if (token?.kind !== "name" || token.text !== text) return false;
    this.#next += 1;
    return true;
  }

  #takeAnyName(): string {
    const token = this.#tokens[this.#next];
    if (token?.kind !== "name") throw this.#error();
    this.#next += 1;
    return token.text;
  }

  #takeLiteral(): ODataLiteral {
    const token = this.#tokens[this.#next];
    if (token?.kind !== "literal") throw this.#error();
    this.#next += 1;
    return token.literal;
  }

  #takeMark(text: string): boolean {
    const token = this.#tokens[this.#next];
    if (token?.kind !== "mark" || token.text !== text) return false;
    this.#next += 1;
    return true;
  }

  #expectMark(text: string): void {
    if (!this.#takeMark(text)) throw this.#error();
  }

  #error(): ODataError {
    const at = this.#tokens[this.#next]?.at ?? this.#text.length;
    return new ODataError("SYNTAX", `Syntax error at position ${at} in '${this.#text}'.`);
  }
}

function isCompareOperator(text: string): text is CompareOperator {
  return OPERATORS.includes(text);
}

function isTextFunction(text: string): text is TextFunction {
  return FUNCTIONS.includes(text);
}
