import { BrokerError } from "./broker-error.ts";

/** One word of a filter or action; `at` is its place in the text, for error messages. */
export type SqlToken =
  | { readonly kind: "name"; readonly text: string; readonly at: number }
  /** `[x]` or `"x"`: never a keyword. */
  | { readonly kind: "quotedName"; readonly text: string; readonly at: number }
  | { readonly kind: "string"; readonly text: string; readonly at: number }
  | {
      readonly kind: "number";
      readonly value: number | bigint;
      readonly text: string;
      readonly at: number;
    }
  | { readonly kind: "symbol"; readonly text: string; readonly at: number }
  | { readonly kind: "end"; readonly text: ""; readonly at: number };

const patterns: readonly (readonly [SqlToken["kind"] | "space", RegExp])[] = [
  ["space", /\s+/y],
  ["number", /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y],
  ["name", /@?[\p{L}_][\p{L}\p{N}_$#@]*/uy],
  ["quotedName", /\[(?:[^\]]|\]\])+\]|"(?:[^"]|"")+"/y],
  ["string", /'(?:[^']|'')*'/y],
  ["symbol", /<>|!=|>=|<=|[=<>()+\-*/%,.;]/y],
];

export function toSqlTokens(text: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  let at = 0;
  while (at < text.length) {
    const [kind, word] = matchAt(text, at);
    if (kind !== "space") tokens.push(toToken(kind, word, at));
    at += word.length;
  }
  tokens.push({ kind: "end", text: "", at });
  return tokens;
}

function matchAt(text: string, at: number): readonly [SqlToken["kind"] | "space", string] {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) return [kind, match[0]];
  }
  throw toSqlError(text, at, "an unknown character");
}

function toToken(kind: SqlToken["kind"], word: string, at: number): SqlToken {
  switch (kind) {
    case "number":
      return { kind, text: word, at, value: /^\d+$/.test(word) ? toInteger(word) : Number(word) };
    case "string":
      return { kind, text: word.slice(1, -1).replaceAll("''", "'"), at };
    case "quotedName": {
      const close = word.at(-1) ?? "";
      return { kind, text: word.slice(1, -1).replaceAll(close + close, close), at };
    }
    case "end":
      return { kind, text: "", at };
    default:
      return { kind, text: word, at };
  }
}

function toInteger(digits: string): number | bigint {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : BigInt(digits);
}

export function toSqlError(text: string, at: number, found: string): BrokerError {
  return new BrokerError(
    "com.microsoft:invalid-definition",
    `The expression ${JSON.stringify(text)} has ${found} at position ${at}.`,
  );
}
