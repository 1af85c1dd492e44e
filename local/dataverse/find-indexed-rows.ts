import type { FilterNode, ODataLiteral } from "../odata/odata-query.ts";
import type { Row, Scalar, TableStore } from "./table-store.ts";

/**
 * The rows that can match, when a condition that must hold compares an indexed property with values
 * (`a eq 'x' or a eq 'y'`, alone or joined by `and`); undefined: every row must be looked at.
 */
export function findIndexedRows(table: TableStore, filter: FilterNode): readonly Row[] | undefined {
  if (filter.kind === "and") {
    return findIndexedRows(table, filter.left) ?? findIndexedRows(table, filter.right);
  }
  const values: Scalar[] = [];
  const property = readEqualities(filter, undefined, values);
  return property === undefined ? undefined : table.byIndex(property, values);
}

/** The one property that all alternatives compare for equality. */
function readEqualities(
  node: FilterNode,
  property: string | undefined,
  values: Scalar[],
): string | undefined {
  if (node.kind === "or") {
    const left = readEqualities(node.left, property, values);
    return left === undefined ? undefined : readEqualities(node.right, left, values);
  }
  if (node.kind !== "compare" || node.operator !== "eq") return undefined;
  if (property !== undefined && property !== node.path) return undefined;
  values.push(valueOf(node.value));
  return node.path;
}

function valueOf(literal: ODataLiteral): Scalar {
  return literal.type === "null" ? null : literal.value;
}
