import { ODataError } from "./odata-query.ts";
import type { FilterNode, ODataLiteral, ODataQuery, TextFunction } from "./odata-query.ts";

export type ODataRow = Readonly<Record<string, unknown>>;

export interface ApplyOptions {
  /** F&O: `*` in a compared text stands for anything. */
  readonly hasWildcards?: boolean;
  /** Refuses names that no row can have, when the caller knows the columns. */
  readonly isColumn?: (name: string) => boolean;
}

/**
 * Filters, counts, orders, skips, takes and selects, in this order. `count` is there when `$count=true`
 * and ignores `$top` and `$skip`. Texts are compared as both systems do: ignoring case.
 */
export function applyODataQuery(
  rows: readonly ODataRow[],
  query: ODataQuery,
  options: ApplyOptions = {},
): { readonly rows: readonly ODataRow[]; readonly count?: number } {
  assertColumns(query, options);
  const { filter, skip = 0, top } = query;
  const test = filter === undefined ? undefined : toPredicate(filter, options);
  const found = test === undefined ? rows : rows.filter(test);
  const ordered = sortRows(found, query);
  const page = ordered.slice(skip, top === undefined ? undefined : skip + top);
  const selected = page.map((row) => selectColumns(row, query.select));
  return query.count === true ? { rows: selected, count: found.length } : { rows: selected };
}

/** Keeps the selected columns and every annotation; all columns when none are named. */
function selectColumns(row: ODataRow, select: readonly string[] | undefined): ODataRow {
  if (select === undefined) return row;
  return Object.fromEntries(
    Object.entries(row).filter(([name]) => select.includes(name) || name.includes("@")),
  );
}

function toPredicate(node: FilterNode, options: ApplyOptions = {}): (row: ODataRow) => boolean {
  switch (node.kind) {
    case "and":
    case "or": {
      const [left, right] = [toPredicate(node.left, options), toPredicate(node.right, options)];
      return node.kind === "and"
        ? (row) => left(row) && right(row)
        : (row) => left(row) || right(row);
    }
    case "not": {
      const operand = toPredicate(node.operand, options);
      return (row) => !operand(row);
    }
    case "in": {
      const tests = node.values.map((value) => toEquals(value, options));
      return (row) => tests.some((test) => test(readPath(row, node.path)));
    }
    case "text": {
      const wanted = node.value.toLowerCase();
      return (row) => isTextMatch(node.function, readPath(row, node.path), wanted);
    }
    case "compare":
      return toComparison(node, options);
  }
}

function toComparison(
  { operator, path, value }: FilterNode & { readonly kind: "compare" },
  options: ApplyOptions,
): (row: ODataRow) => boolean {
  if (operator === "eq" || operator === "ne") {
    const equals = toEquals(value, options);
    const wanted = operator === "eq";
    return (row) => equals(readPath(row, path)) === wanted;
  }
  return (row) => {
    const order = compareToLiteral(readPath(row, path), value);
    // A comparison with null is never true.
    if (order === undefined) return false;
    if (operator === "gt") return order > 0;
    if (operator === "ge") return order >= 0;
    return operator === "lt" ? order < 0 : order <= 0;
  };
}

function toEquals(
  literal: ODataLiteral,
  { hasWildcards = false }: ApplyOptions,
): (value: unknown) => boolean {
  if (literal.type === "null") return (value) => value === null || value === undefined;
  if (literal.type === "string" && hasWildcards && literal.value.includes("*")) {
    const pattern = literal.value.split("*").map(escapePattern).join(".*");
    const test = new RegExp(`^${pattern}$`, "is");
    return (value) => typeof value === "string" && test.test(value);
  }
  return (value) => compareToLiteral(value, literal) === 0;
}

/** Negative, 0 or positive; undefined when the two cannot be compared. */
function compareToLiteral(value: unknown, literal: ODataLiteral): number | undefined {
  if (value === null || value === undefined || literal.type === "null") return undefined;
  switch (literal.type) {
    case "number":
      return typeof value === "number" || typeof value === "string"
        ? Number(value) - literal.value
        : mismatch(literal);
    case "boolean":
      return typeof value === "boolean" ? Number(value) - Number(literal.value) : mismatch(literal);
    case "date":
    case "dateTime":
      return typeof value === "string"
        ? Date.parse(value) - Date.parse(literal.value)
        : mismatch(literal);
    case "enum":
      return value === literal.value ? 0 : 1;
    case "string":
    case "guid":
      return typeof value === "string"
        ? compareTexts(value.toLowerCase(), literal.value.toLowerCase())
        : mismatch(literal);
  }
}

function mismatch(literal: ODataLiteral): never {
  throw new ODataError(
    "TYPE_MISMATCH",
    `A binary operator with incompatible types was detected: a literal of type ${literal.type}.`,
  );
}

function isTextMatch(name: TextFunction, value: unknown, wanted: string): boolean {
  if (typeof value !== "string") return false;
  const text = value.toLowerCase();
  if (name === "contains") return text.includes(wanted);
  return name === "startswith" ? text.startsWith(wanted) : text.endsWith(wanted);
}

/** `a/b` reads the member b of an expanded row a. */
function readPath(row: ODataRow, path: string): unknown {
  let value: unknown = row;
  for (const name of path.split("/")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as ODataRow)[name];
  }
  return value;
}

function sortRows(rows: readonly ODataRow[], { orderBy = [] }: ODataQuery): readonly ODataRow[] {
  if (orderBy.length === 0) return rows;
  return [...rows].sort((left, right) => {
    for (const { path, isDescending } of orderBy) {
      const order = compareValues(readPath(left, path), readPath(right, path));
      if (order !== 0) return isDescending ? -order : order;
    }
    return 0;
  });
}

/** Nulls come first, as in both systems. */
function compareValues(left: unknown, right: unknown): number {
  if (left === null || left === undefined) return right === null || right === undefined ? 0 : -1;
  if (right === null || right === undefined) return 1;
  if (typeof left === "number" && typeof right === "number") return left - right;
  return compareTexts(toSortText(left), toSortText(right));
}

function toSortText(value: unknown): string {
  return typeof value === "string" ? value.toLowerCase() : JSON.stringify(value);
}

function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function assertColumns(query: ODataQuery, { isColumn }: ApplyOptions): void {
  if (isColumn === undefined) return;
  const names = [
    ...(query.select ?? []),
    ...(query.orderBy ?? []).map(({ path }) => path),
    ...(query.filter === undefined ? [] : pathsOf(query.filter)),
  ];
  const unknown = names.find((name) => !isColumn(name));
  if (unknown !== undefined) {
    throw new ODataError("UNKNOWN_PROPERTY", `Could not find a property named '${unknown}'.`);
  }
}

function pathsOf(node: FilterNode): readonly string[] {
  switch (node.kind) {
    case "and":
    case "or":
      return [...pathsOf(node.left), ...pathsOf(node.right)];
    case "not":
      return pathsOf(node.operand);
    case "in":
    case "text":
    case "compare":
      return [node.path];
  }
}
