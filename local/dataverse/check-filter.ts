import type { FilterNode, ODataLiteral } from "../odata/odata-query.ts";
import { DataverseError, errorCodes } from "./dataverse-error.ts";
import type { ColumnType } from "./table-metadata.ts";

type LiteralType = ODataLiteral["type"];

const literalsOf: Readonly<Record<ColumnType, readonly LiteralType[]>> = {
  String: ["string"],
  Memo: ["string"],
  Uniqueidentifier: ["guid"],
  Lookup: ["guid"],
  Boolean: ["boolean"],
  DateTime: ["date", "dateTime"],
  Integer: ["number"],
  BigInt: ["number"],
  Decimal: ["number"],
  Money: ["number"],
  Picklist: ["number"],
  State: ["number"],
  Status: ["number"],
};

/** An id in quotes or a text without them is refused, not converted. */
export function checkFilterTypes(
  node: FilterNode,
  typeOf: (path: string) => ColumnType | undefined,
): void {
  if ("left" in node) {
    checkFilterTypes(node.left, typeOf);
    checkFilterTypes(node.right, typeOf);
    return;
  }
  if (node.kind === "not") checkFilterTypes(node.operand, typeOf);
  if (node.kind !== "compare" || node.value.type === "null") return;
  const type = typeOf(node.path);
  if (type === undefined || literalsOf[type].includes(node.value.type)) return;
  throw new DataverseError(
    400,
    errorCodes.unknownProperty,
    `A binary operator with incompatible types was detected. Found operand types '${type}' and '${node.value.type}' for operator kind '${node.operator}'.`,
  );
}
