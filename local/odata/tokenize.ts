import { ODataError } from "./odata-query.ts";
import type { ODataLiteral } from "./odata-query.ts";

export type Token =
  | { readonly kind: "literal"; readonly literal: ODataLiteral; readonly at: number }
  | { readonly kind: "name"; readonly text: string; readonly at: number }
  | { readonly kind: "mark"; readonly text: Mark; readonly at: number };

type Mark = "(" | ")" | "," | "=";

const QUOTED = "'(?:[^']|'')*'";
/** In the order in which they are tried: an enum literal begins like a name, a GUID like a number. */
const PATTERNS: readonly {
  readonly pattern: RegExp;
  readonly toToken: (text: string, at: number) => Token | undefined;
}[] = [
  { pattern: /\s+/y, toToken: () => undefined },
  {
    pattern: /[(),=]/y,
    toToken: (text, at) => ({ kind: "mark", text: text as Mark, at }),
  },
  {
    pattern: new RegExp(QUOTED, "y"),
    toToken: (text, at) => literal({ type: "string", value: unquote(text) }, at),
  },
  {
    pattern: /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])/iy,
    toToken: (text, at) => literal({ type: "guid", value: text.toLowerCase() }, at),
  },
  {
    pattern: /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})/iy,
    toToken: (text, at) => literal({ type: "dateTime", value: text }, at),
  },
  {
    pattern: /\d{4}-\d{2}-\d{2}(?![\w-])/y,
    toToken: (text, at) => literal({ type: "date", value: text }, at),
  },
  {
    pattern: /[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w-])/iy,
    toToken: (text, at) => literal({ type: "number", value: Number(text) }, at),
  },
  { pattern: new RegExp(`[A-Za-z_][\\w.]*${QUOTED}`, "y"), toToken: toEnumToken },
  { pattern: /[A-Za-z_@][\w./@]*/y, toToken: toNameToken },
];

/** Splits the decoded text of a filter or a key predicate. */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    const next = readToken(text, at);
    if (next.token !== undefined) tokens.push(next.token);
    at = next.end;
  }
  return tokens;
}

function readToken(
  text: string,
  at: number,
): { readonly token: Token | undefined; readonly end: number } {
  for (const { pattern, toToken } of PATTERNS) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) return { token: toToken(match[0], at), end: pattern.lastIndex };
  }
  throw new ODataError("SYNTAX", `Syntax error at position ${at} in '${text}'.`);
}

function toEnumToken(text: string, at: number): Token {
  const quote = text.indexOf("'");
  const enumType = text.slice(0, quote);
  return literal({ type: "enum", enumType, value: unquote(text.slice(quote)) }, at);
}

function toNameToken(text: string, at: number): Token {
  if (text === "null") return literal({ type: "null" }, at);
  if (text === "true" || text === "false") {
    return literal({ type: "boolean", value: text === "true" }, at);
  }
  return { kind: "name", text, at };
}

function literal(value: ODataLiteral, at: number): Token {
  return { kind: "literal", literal: value, at };
}

function unquote(text: string): string {
  return text.slice(1, -1).replaceAll("''", "'");
}
