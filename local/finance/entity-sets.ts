import definitions from "./entity-sets.json" with { type: "json" };

export type ColumnType =
  | "String"
  | "Decimal"
  | "Int32"
  | "Int64"
  | "Guid"
  /** A day: on the wire at noon UTC, 1900-01-01 for none. */
  | "Date"
  | "UtcDateTime"
  /** Anything else is an enum's name; members are strings on the wire. */
  | (string & {});

interface Navigation {
  readonly set: string;
  readonly isCollection: boolean;
  /** Column here → column there. */
  readonly by: Readonly<Record<string, string>>;
}

/** One public entity of F&O, from the real metadata (localised enums left out). */
export interface EntitySet {
  readonly name: string;
  readonly entityType: string;
  readonly keys: readonly string[];
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly navigations: Readonly<Record<string, Navigation>>;
  /** Columns by which rows are found without looking at all of them. */
  readonly indexed: readonly string[];
  readonly isWritable: boolean;
  /** What a column says when nobody said anything: F&O has no nulls. */
  readonly defaults: Readonly<Record<string, unknown>>;
}

const ENUM_DEFAULTS: Readonly<Record<string, string>> = {
  NoYes: "No",
  SalesType: "Sales",
  CustVendorBlocked: "No",
  InvoiceOrderAccount: "InvoiceAccount",
  BusinessEventsEndpointType: "AzureServiceBusQueue",
  BusinessEventsServiceBusSku: "Standard",
  BusinessEventsEventHubSku: "Standard",
  BusinessEventsProducerConsumerType: "BusinessEvents",
};

export const entitySets: ReadonlyMap<string, EntitySet> = new Map(
  Object.entries(definitions).map(([name, definition]) => {
    const columns: Readonly<Record<string, ColumnType>> = definition.columns;
    const navigations = definition.navigations as unknown as Readonly<Record<string, Navigation>>;
    const defaults = Object.fromEntries(
      Object.entries(columns).map(([column, type]) => [column, toDefault(type)]),
    );
    return [name, { ...definition, name, columns, navigations, defaults }];
  }),
);

export function isEnum(type: ColumnType): boolean {
  return type in ENUM_DEFAULTS;
}

function toDefault(type: ColumnType): unknown {
  if (type === "Decimal" || type === "Int32" || type === "Int64") return 0;
  if (type === "Date") return "1900-01-01T12:00:00Z";
  if (type === "UtcDateTime") return "1900-01-01T00:00:00Z";
  if (type === "Guid") return "00000000-0000-0000-0000-000000000000";
  return ENUM_DEFAULTS[type] ?? "";
}
