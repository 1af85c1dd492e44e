import { ODataError } from "../odata/odata-query.ts";
import type { FilterNode, ODataLiteral } from "../odata/odata-query.ts";
import { isEnum } from "./entity-sets.ts";
import type { ColumnType, EntitySet } from "./entity-sets.ts";

/** Refuses what F&O refuses: enums compared with texts or by order, days compared with days without a time. */
export function checkFilter(set: EntitySet, node: FilterNode): void {
  switch (node.kind) {
    case "and":
    case "or":
      checkFilter(set, node.left);
      checkFilter(set, node.right);
      return;
    case "not":
      checkFilter(set, node.operand);
      return;
    case "text":
    case "in":
      typeOf(set, node.path);
      return;
    case "compare": {
      const type = typeOf(set, node.path);
      if (!isComparable(type, node.value)) throw incompatible(type, node.value);
      if (isEnum(type) && node.operator !== "eq" && node.operator !== "ne") {
        throw new ODataError("UNSUPPORTED", "Enums can only be compared by eq and ne.");
      }
    }
  }
}

function typeOf(set: EntitySet, path: string): ColumnType {
  const type = set.columns[path];
  if (type === undefined) throw unknownProperty(set, path);
  return type;
}

export function unknownProperty(set: EntitySet, name: string): ODataError {
  return new ODataError(
    "UNKNOWN_PROPERTY",
    `Could not find a property named '${name}' on type 'Microsoft.Dynamics.DataEntities.${set.entityType}'.`,
  );
}

function isComparable(type: ColumnType, literal: ODataLiteral): boolean {
  if (literal.type === "null") return true;
  if (type === "Date" || type === "UtcDateTime") return literal.type === "dateTime";
  if (type === "Decimal" || type === "Int32" || type === "Int64") return literal.type === "number";
  if (type === "Guid") return literal.type === "guid";
  if (!isEnum(type)) return literal.type === "string";
  return literal.type === "enum" && literal.enumType === `Microsoft.Dynamics.DataEntities.${type}`;
}

function incompatible(type: ColumnType, literal: ODataLiteral): ODataError {
  return new ODataError(
    "TYPE_MISMATCH",
    "A binary operator with incompatible types was detected. " +
      `Found operand types '${type}' and '${literal.type}'.`,
  );
}
