/** What the simulated F&O and Dataverse understand of OData 4.0's query options. */
export interface ODataQuery {
  readonly filter?: FilterNode;
  readonly select?: readonly string[];
  readonly expand?: readonly ExpandItem[];
  readonly orderBy?: readonly OrderItem[];
  readonly top?: number;
  readonly skip?: number;
  readonly count?: boolean;
}

/** One navigation; F&O and we know a single level. */
export interface ExpandItem {
  readonly navigation: string;
  readonly select?: readonly string[];
}

export interface OrderItem {
  readonly path: string;
  readonly isDescending: boolean;
}

export type CompareOperator = "eq" | "ne" | "gt" | "ge" | "lt" | "le";
export type TextFunction = "contains" | "startswith" | "endswith";

export type FilterNode =
  | { readonly kind: "and" | "or"; readonly left: FilterNode; readonly right: FilterNode }
  | { readonly kind: "not"; readonly operand: FilterNode }
  | {
      readonly kind: "compare";
      readonly operator: CompareOperator;
      readonly path: string;
      readonly value: ODataLiteral;
    }
  | { readonly kind: "in"; readonly path: string; readonly values: readonly ODataLiteral[] }
  | {
      readonly kind: "text";
      readonly function: TextFunction;
      readonly path: string;
      readonly value: string;
    };

export type ODataLiteral =
  | { readonly type: "string" | "guid" | "date" | "dateTime"; readonly value: string }
  | { readonly type: "number"; readonly value: number }
  | { readonly type: "boolean"; readonly value: boolean }
  | { readonly type: "null" }
  | { readonly type: "enum"; readonly enumType: string; readonly value: string };

export type ODataErrorCode =
  "SYNTAX" | "UNSUPPORTED" | "UNKNOWN_OPTION" | "UNKNOWN_PROPERTY" | "TYPE_MISMATCH";

/** What a caller asked that cannot be answered: a 400 in the words of each system. */
export class ODataError extends Error {
  readonly code: ODataErrorCode;

  constructor(code: ODataErrorCode, message: string) {
    super(message);
    this.name = "ODataError";
    this.code = code;
  }
}
