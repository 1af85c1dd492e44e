import { toSqlError, toSqlTokens, type SqlToken } from "./sql-tokens.ts";

type SqlLiteral = string | number | bigint | boolean;

export interface SqlProperty {
  readonly kind: "property";
  readonly scope: "sys" | "user";
  readonly name: string;
}

export type SqlBinaryOperator =
  "or" | "and" | "=" | "<>" | ">" | ">=" | "<" | "<=" | "+" | "-" | "*" | "/" | "%";

export type SqlExpression =
  | { readonly kind: "literal"; readonly value: SqlLiteral }
  | SqlProperty
  | { readonly kind: "newid" }
  | { readonly kind: "not" | "negate"; readonly operand: SqlExpression }
  | {
      readonly kind: "binary";
      readonly operator: SqlBinaryOperator;
      readonly left: SqlExpression;
      readonly right: SqlExpression;
    }
  | { readonly kind: "isNull"; readonly operand: SqlExpression; readonly negated: boolean }
  | { readonly kind: "exists"; readonly property: SqlProperty }
  | {
      readonly kind: "in";
      readonly operand: SqlExpression;
      readonly items: readonly SqlExpression[];
      readonly negated: boolean;
    }
  | {
      readonly kind: "like";
      readonly operand: SqlExpression;
      readonly pattern: SqlExpression;
      readonly escape: SqlExpression | undefined;
      readonly negated: boolean;
    };

export type SqlAction =
  | { readonly kind: "set"; readonly property: SqlProperty; readonly value: SqlExpression }
  | { readonly kind: "remove"; readonly property: SqlProperty };

// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas
const maxTextLength = 1024;
const maxActions = 32;

export function parseSqlFilter(text: string): SqlExpression {
  const parser = new SqlParser(text);
  const expression = parser.expression();
  parser.requireEnd();
  return expression;
}

export function parseSqlAction(text: string): SqlAction[] {
  const parser = new SqlParser(text);
  const actions = [parser.action()];
  while (parser.takeSymbol(";")) {
    if (parser.isAtEnd()) break;
    actions.push(parser.action());
  }
  parser.requireEnd();
  if (actions.length > maxActions) throw toSqlError(text, 0, `more than ${maxActions} actions`);
  return actions;
}

/** Recursive descent over https://learn.microsoft.com/azure/service-bus-messaging/service-bus-messaging-sql-filter */
class SqlParser {
  readonly #text: string;
  readonly #tokens: readonly SqlToken[];
  #at = 0;

  constructor(text: string) {
    if (text.length > maxTextLength) {
      throw toSqlError(`${text.slice(0, 20)}…`, maxTextLength, "more than 1024 characters");
    }
    this.#text = text;
    this.#tokens = toSqlTokens(text);
  }

  expression(): SqlExpression {
    let left = this.#conjunction();
    while (this.#takeWord("or")) left = toBinary("or", left, this.#conjunction());
    return left;
  }

  action(): SqlAction {
    if (this.#takeWord("set")) {
      const property = this.#property();
      this.#requireSymbol("=");
      return { kind: "set", property, value: this.expression() };
    }
    if (this.#takeWord("remove")) return { kind: "remove", property: this.#property() };
    throw this.#unexpected();
  }

  takeSymbol(...symbols: readonly string[]): string | undefined {
    const token = this.#peek();
    if (token.kind !== "symbol" || !symbols.includes(token.text)) return undefined;
    this.#at += 1;
    return token.text;
  }

  isAtEnd(): boolean {
    return this.#peek().kind === "end";
  }

  requireEnd(): void {
    if (!this.isAtEnd()) throw this.#unexpected();
  }

  #conjunction(): SqlExpression {
    let left = this.#negation();
    while (this.#takeWord("and")) left = toBinary("and", left, this.#negation());
    return left;
  }

  #negation(): SqlExpression {
    return this.#takeWord("not") ? { kind: "not", operand: this.#negation() } : this.#predicate();
  }

  #predicate(): SqlExpression {
    const left = this.#sum();
    const symbol = this.takeSymbol("=", "<>", "!=", ">", ">=", "<", "<=");
    if (symbol !== undefined) {
      const operator = symbol === "!=" ? "<>" : (symbol as SqlBinaryOperator);
      return toBinary(operator, left, this.#sum());
    }
    if (this.#takeWord("is")) {
      const negated = this.#takeWord("not");
      this.#requireWord("null");
      return { kind: "isNull", operand: left, negated };
    }
    const negated = this.#takeWord("not");
    if (this.#takeWord("in")) return { kind: "in", operand: left, items: this.#list(), negated };
    if (this.#takeWord("like")) return this.#like(left, negated);
    if (negated) throw this.#unexpected();
    return left;
  }

  #like(operand: SqlExpression, negated: boolean): SqlExpression {
    const pattern = this.#sum();
    const escape = this.#takeWord("escape") ? this.#sum() : undefined;
    return { kind: "like", operand, pattern, escape, negated };
  }

  #list(): SqlExpression[] {
    this.#requireSymbol("(");
    const items = [this.expression()];
    while (this.takeSymbol(",") !== undefined) items.push(this.expression());
    this.#requireSymbol(")");
    return items;
  }

  #sum(): SqlExpression {
    let left = this.#product();
    for (;;) {
      const operator = this.takeSymbol("+", "-");
      if (operator === undefined) return left;
      left = toBinary(operator as SqlBinaryOperator, left, this.#product());
    }
  }

  #product(): SqlExpression {
    let left = this.#unary();
    for (;;) {
      const operator = this.takeSymbol("*", "/", "%");
      if (operator === undefined) return left;
      left = toBinary(operator as SqlBinaryOperator, left, this.#unary());
    }
  }

  #unary(): SqlExpression {
    if (this.takeSymbol("-") !== undefined) return { kind: "negate", operand: this.#unary() };
    if (this.takeSymbol("+") !== undefined) return this.#unary();
    return this.#primary();
  }

  #primary(): SqlExpression {
    const token = this.#peek();
    if (token.kind === "string" || token.kind === "number") {
      this.#at += 1;
      return { kind: "literal", value: token.kind === "number" ? token.value : token.text };
    }
    if (this.takeSymbol("(") !== undefined) {
      const inner = this.expression();
      this.#requireSymbol(")");
      return inner;
    }
    if (this.#takeWord("true")) return { kind: "literal", value: true };
    if (this.#takeWord("false")) return { kind: "literal", value: false };
    if (this.#takeWord("exists")) return { kind: "exists", property: this.#inParentheses() };
    return this.#call() ?? this.#property();
  }

  /** `newid()`, `property(name)` and its short form `p(name)`. */
  #call(): SqlExpression | undefined {
    const name = this.#peek();
    const next = this.#tokens[this.#at + 1];
    if (name.kind !== "name" || next?.text !== "(" || next.kind !== "symbol") return undefined;
    switch (name.text.toLowerCase()) {
      case "newid":
        this.#at += 2;
        this.#requireSymbol(")");
        return { kind: "newid" };
      case "property":
      case "p":
        this.#at += 1;
        return this.#inParentheses();
      default:
        throw toSqlError(this.#text, name.at, `the unknown function ${name.text}`);
    }
  }

  #inParentheses(): SqlProperty {
    this.#requireSymbol("(");
    const token = this.#peek();
    const property = token.kind === "string" ? toUserProperty(token.text) : this.#property();
    if (token.kind === "string") this.#at += 1;
    this.#requireSymbol(")");
    return property;
  }

  #property(): SqlProperty {
    const first = this.#name();
    if (this.takeSymbol(".") === undefined) return toUserProperty(first.text);
    const scope = first.text.toLowerCase();
    if (scope !== "sys" && scope !== "user") {
      throw toSqlError(this.#text, first.at, `the unknown scope ${first.text}`);
    }
    return { kind: "property", scope, name: this.#name().text };
  }

  #name(): SqlToken {
    const token = this.#peek();
    if (token.kind !== "name" && token.kind !== "quotedName") throw this.#unexpected();
    this.#at += 1;
    return token;
  }

  #peek(): SqlToken {
    return this.#tokens[this.#at] ?? { kind: "end", text: "", at: this.#text.length };
  }

  #takeWord(word: string): boolean {
    const token = this.#peek();
    if (token.kind !== "name" || token.text.toLowerCase() !== word) return false;
    this.#at += 1;
    return true;
  }

  #requireWord(word: string): void {
    if (!this.#takeWord(word)) throw this.#unexpected();
  }

  #requireSymbol(symbol: string): void {
    if (this.takeSymbol(symbol) === undefined) throw this.#unexpected();
  }

  #unexpected(): Error {
    const token = this.#peek();
    const found = token.kind === "end" ? "an unexpected end" : `an unexpected '${token.text}'`;
    return toSqlError(this.#text, token.at, found);
  }
}

function toBinary(
  operator: SqlBinaryOperator,
  left: SqlExpression,
  right: SqlExpression,
): SqlExpression {
  return { kind: "binary", operator, left, right };
}

function toUserProperty(name: string): SqlProperty {
  return { kind: "property", scope: "user", name };
}
