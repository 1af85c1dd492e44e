import { ODataError } from "./odata-query.ts";
import type { ODataLiteral } from "./odata-query.ts";
import { tokenize } from "./tokenize.ts";
import type { Token } from "./tokenize.ts";

export interface EntityAddress {
  readonly set: string;
  /** Undefined for the whole set; a single nameless key (`accounts(<guid>)`) has the name "". */
  readonly keys?: Readonly<Record<string, ODataLiteral>>;
  /** What follows, for example a navigation or an action. */
  readonly rest?: string;
}

/** Reads one decoded path below the service root: `CustomersV3(dataAreaId='usmf',CustomerAccount='US-001')`. */
export function parseEntityAddress(path: string): EntityAddress {
  const set = /^[A-Za-z_]\w*/.exec(path)?.[0];
  if (set === undefined) throw malformed(path);
  const after = path.slice(set.length);
  if (!after.startsWith("(")) return withRest({ set }, after, path);
  const end = findClosing(after);
  if (end === -1) throw malformed(path);
  const keys = parseKeys(tokenize(after.slice(1, end)), path);
  return withRest({ set, keys }, after.slice(end + 1), path);
}

/** The closing bracket outside of quotes. */
function findClosing(text: string): number {
  let isQuoted = false;
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] === "'") isQuoted = !isQuoted;
    if (text[index] === ")" && !isQuoted) return index;
  }
  return -1;
}

function parseKeys(tokens: readonly Token[], path: string): Readonly<Record<string, ODataLiteral>> {
  const [only] = tokens;
  if (tokens.length === 1 && only?.kind === "literal") return { "": only.literal };
  const keys: Record<string, ODataLiteral> = {};
  for (let index = 0; index < tokens.length; index += 4) {
    const [name, equals, value, comma] = tokens.slice(index, index + 4);
    const isLast = index + 3 >= tokens.length;
    if (name?.kind !== "name" || value?.kind !== "literal") throw malformed(path);
    if (!isMark(equals, "=") || (!isLast && !isMark(comma, ","))) throw malformed(path);
    keys[name.text] = value.literal;
  }
  if (Object.keys(keys).length === 0) throw malformed(path);
  return keys;
}

function isMark(token: Token | undefined, text: string): boolean {
  return token?.kind === "mark" && token.text === text;
}

function withRest(address: EntityAddress, rest: string, path: string): EntityAddress {
  if (rest === "") return address;
  if (!rest.startsWith("/")) throw malformed(path);
  return { ...address, rest: rest.slice(1) };
}

function malformed(path: string): ODataError {
  return new ODataError("SYNTAX", `Bad Request - Error in query syntax: '${path}'.`);
}
