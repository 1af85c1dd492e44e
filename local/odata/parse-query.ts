import { ODataError } from "./odata-query.ts";
import type { ExpandItem, ODataQuery, OrderItem } from "./odata-query.ts";
import { parseFilter } from "./parse-filter.ts";
import type { FilterOptions } from "./parse-filter.ts";

export interface QueryOptions extends FilterOptions {
  /** System options beyond the usual ones that the caller reads itself, for example `$apply`. */
  readonly alsoAllowed?: readonly string[];
}

const KNOWN = ["$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count", "$format"];

/** Reads OData's system options; others (`cross-company`) are left to the caller. Throws ODataError. */
export function parseODataQuery(params: URLSearchParams, options: QueryOptions = {}): ODataQuery {
  const allowed = [...KNOWN, ...(options.alsoAllowed ?? [])];
  for (const name of new Set(params.keys())) {
    if (name.startsWith("$") && !allowed.includes(name)) {
      throw new ODataError("UNKNOWN_OPTION", `The query parameter '${name}' is not supported.`);
    }
    if (name.startsWith("$") && params.getAll(name).length > 1) {
      throw new ODataError("SYNTAX", `Query option '${name}' was specified more than once.`);
    }
  }
  const read = <T>(name: string, parse: (text: string) => T): T | undefined => {
    const text = params.get(name);
    return text === null ? undefined : parse(text);
  };
  const filter = read("$filter", (text) => parseFilter(text, options));
  const select = read("$select", parseNames);
  const expand = read("$expand", parseExpand);
  const orderBy = read("$orderby", parseOrderBy);
  const top = read("$top", (text) => parseCount("$top", text));
  const skip = read("$skip", (text) => parseCount("$skip", text));
  const count = read("$count", parseBoolean);
  return {
    ...(filter === undefined ? {} : { filter }),
    ...(select === undefined || select.includes("*") ? {} : { select }),
    ...(expand === undefined ? {} : { expand }),
    ...(orderBy === undefined ? {} : { orderBy }),
    ...(top === undefined ? {} : { top }),
    ...(skip === undefined ? {} : { skip }),
    ...(count === undefined ? {} : { count }),
  };
}

function parseNames(text: string): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  const bad = names.find((name) => !/^(?:\*|[A-Za-z_][\w./@]*)$/.test(name));
  if (bad !== undefined) throw new ODataError("SYNTAX", `Term '${bad}' is not valid in $select.`);
  return names;
}

function parseExpand(text: string): readonly ExpandItem[] {
  return splitOutsideBrackets(text).map((item) => {
    const match = /^([A-Za-z_]\w*)(?:\(\$select=([^;()]*)\))?$/.exec(item.trim());
    const [, navigation, select] = match ?? [];
    if (navigation === undefined) {
      throw new ODataError("UNSUPPORTED", `$expand of '${item.trim()}' is not supported.`);
    }
    return select === undefined ? { navigation } : { navigation, select: parseNames(select) };
  });
}

/** A comma inside of `Lines($select=a,b)` separates nothing. */
function splitOutsideBrackets(text: string): readonly string[] {
  return text.split(/,(?![^(]*\))/);
}

function parseOrderBy(text: string): readonly OrderItem[] {
  return text.split(",").map((item) => {
    const match = /^([A-Za-z_][\w./]*)(?:\s+(asc|desc))?$/.exec(item.trim());
    if (match === null) {
      throw new ODataError("SYNTAX", `'${item.trim()}' is not valid in $orderby.`);
    }
    return { path: match[1] ?? "", isDescending: match[2] === "desc" };
  });
}

function parseCount(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text.trim())) {
    throw new ODataError("SYNTAX", `Invalid value '${text}' for ${name} query option found.`);
  }
  return Number(text);
}

function parseBoolean(text: string): boolean {
  if (text !== "true" && text !== "false") {
    throw new ODataError("SYNTAX", `Invalid value '${text}' for $count query option found.`);
  }
  return text === "true";
}
