import { readdirSync, readFileSync } from "node:fs";

export type DataverseShape = "sales" | "dualWrite";

export type ColumnType =
  | "String"
  | "Memo"
  | "Integer"
  | "BigInt"
  | "Decimal"
  | "Money"
  | "Boolean"
  | "DateTime"
  | "Picklist"
  | "State"
  | "Status"
  | "Lookup"
  | "Uniqueidentifier";

export interface Column {
  readonly type: ColumnType;
  readonly maxLength?: number;
  readonly min?: number;
  readonly max?: number;
  readonly precision?: number;
  /** Where a money column takes its decimals from; the row's currency when absent. */
  readonly precisionSource?: "attribute" | "pricing" | "currency";
  /** Only SystemRequired is enforced by the Web API; ApplicationRequired is for forms. */
  readonly required?: "SystemRequired" | "ApplicationRequired";
  readonly validForCreate?: boolean;
  readonly validForUpdate?: boolean;
  /** System pricing writes it; what a caller writes is accepted and computed over. */
  readonly computed?: boolean;
  readonly default?: number | boolean;
  readonly options?: readonly number[];
  readonly targets?: readonly string[];
  /** Navigation property (case-sensitive) → tables that it may point to. */
  readonly nav?: Readonly<Record<string, readonly string[]>>;
  readonly behavior?: "DateOnly" | "UserLocal" | "TimeZoneIndependent";
  /** Filled by the system with this prefix when the caller leaves it empty. */
  readonly autoNumber?: string;
  readonly schemaName?: string;
  readonly displayName?: string;
  readonly custom?: boolean;
}

interface RowState {
  readonly value: number;
  readonly label: string;
  readonly defaultStatus: number;
  readonly statuses: readonly number[];
  readonly readOnly?: boolean;
}

interface TableParts {
  readonly columns?: Readonly<Record<string, Column>>;
  readonly indexes?: readonly string[];
  readonly keys?: readonly { readonly schemaName: string; readonly columns: readonly string[] }[];
}

interface TableFile extends TableParts {
  readonly logicalName: string;
  readonly schemaName: string;
  readonly entitySet: string;
  readonly primaryId: string;
  readonly primaryName: string;
  readonly states?: readonly RowState[];
  readonly readOnly?: boolean;
  /** Rows go when their parent goes. */
  readonly parent?: { readonly column: string; readonly table: string };
  /** Only there in this shape. */
  readonly shape?: DataverseShape;
  /** What dual-write's solutions add. */
  readonly dualWrite?: TableParts;
}

/** A table as the organisation has it now; `columns` grows by metadata writes. */
export interface TableMetadata {
  readonly logicalName: string;
  readonly schemaName: string;
  readonly entitySet: string;
  readonly primaryId: string;
  readonly primaryName: string;
  readonly states: readonly RowState[];
  readonly readOnly: boolean;
  readonly parent: { readonly column: string; readonly table: string } | undefined;
  readonly columns: Map<string, Column>;
  /** Navigation property → its column and targets. */
  readonly navigation: Map<
    string,
    { readonly column: string; readonly targets: readonly string[] }
  >;
  readonly indexes: readonly string[];
  readonly keys: readonly { readonly schemaName: string; readonly columns: readonly string[] }[];
}

/** Every table of the shape, from `tables/*.json`. */
export function readTables(shape: DataverseShape): readonly TableMetadata[] {
  const folder = new URL("./tables/", import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as TableFile)
    .filter((file) => file.shape === undefined || file.shape === shape)
    .map((file) => toMetadata(file, shape));
}

function toMetadata(file: TableFile, shape: DataverseShape): TableMetadata {
  const extra: TableParts = shape === "dualWrite" ? (file.dualWrite ?? {}) : {};
  const columns = new Map(Object.entries({ ...file.columns, ...extra.columns }));
  const states = file.states ?? [];
  if (states.length > 0) {
    columns.set("statecode", {
      type: "State",
      validForCreate: false,
      required: "SystemRequired",
      options: states.map((state) => state.value),
    });
    columns.set("statuscode", {
      type: "Status",
      options: states.flatMap((state) => state.statuses),
    });
  }
  return {
    logicalName: file.logicalName,
    schemaName: file.schemaName,
    entitySet: file.entitySet,
    primaryId: file.primaryId,
    primaryName: file.primaryName,
    states,
    readOnly: file.readOnly ?? false,
    parent: file.parent,
    columns,
    navigation: readNavigation(columns),
    indexes: [...(file.indexes ?? []), ...(extra.indexes ?? [])],
    keys: [...(file.keys ?? []), ...(extra.keys ?? [])],
  };
}

function readNavigation(columns: ReadonlyMap<string, Column>): TableMetadata["navigation"] {
  const navigation: TableMetadata["navigation"] = new Map();
  for (const [column, { nav }] of columns) {
    for (const [name, targets] of Object.entries(nav ?? {})) {
      navigation.set(name, { column, targets });
    }
  }
  return navigation;
}

/** The property under which a column's value stands in JSON: lookups have their own form. */
export function propertyOf(name: string, column: Column): string {
  return column.type === "Lookup" ? `_${name}_value` : name;
}
