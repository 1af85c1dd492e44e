import { randomUUID } from "node:crypto";
import type { LocalClock } from "../clock.ts";
import type { Database } from "./database.ts";
import { DataverseError, errorCodes } from "./dataverse-error.ts";
import type { Column, ColumnType } from "./table-metadata.ts";
import type { AlternateKey, TableStore } from "./table-store.ts";

/**
 * Metadata writes. A column is there as soon as it is created. A key's index is built by a job of its
 * own: Pending → InProgress → Active (or Failed when rows collide); until it is Active nothing can be
 * addressed by it. Publishing concerns forms and views only and is merely counted.
 */
export type MetadataBody = Readonly<Record<string, unknown>>;

const columnTypes: Readonly<Record<string, ColumnType>> = {
  StringAttributeMetadata: "String",
  MemoAttributeMetadata: "Memo",
  DateTimeAttributeMetadata: "DateTime",
  MoneyAttributeMetadata: "Money",
  DecimalAttributeMetadata: "Decimal",
  IntegerAttributeMetadata: "Integer",
  BooleanAttributeMetadata: "Boolean",
};

export class EntityDefinitions {
  readonly #clock: LocalClock;
  readonly #database: Database;
  readonly #keyJobMs: number;
  #published = 0;

  constructor(clock: LocalClock, database: Database, keyJobMs: number) {
    this.#clock = clock;
    this.#database = database;
    this.#keyJobMs = keyJobMs;
  }

  get published(): number {
    return this.#published;
  }

  publish(): void {
    this.#published += 1;
  }

  table(logicalName: string): TableStore {
    const table = this.#database.findTable(logicalName);
    if (table !== undefined) return table;
    throw new DataverseError(
      404,
      errorCodes.objectDoesNotExist,
      `Could not find an entity with specified entity name: ${logicalName}`,
    );
  }

  addColumn(table: TableStore, body: MetadataBody): string {
    const typeName = String(body["@odata.type"]).replace(/^#?Microsoft\.Dynamics\.CRM\./, "");
    const type = columnTypes[typeName];
    if (type === undefined) {
      throw invalid(`The attribute type '${typeName}' cannot be created here.`);
    }
    const schemaName = readSchemaName(body);
    const name = schemaName.toLowerCase();
    if (table.metadata.columns.has(name)) {
      throw new DataverseError(
        400,
        errorCodes.attributeExists,
        `Attribute with Name = ${name} already exists in the entity ${table.metadata.logicalName}.`,
      );
    }
    table.metadata.columns.set(name, toColumn(type, schemaName, body));
    return name;
  }

  addKey(table: TableStore, body: MetadataBody): AlternateKey {
    const schemaName = readSchemaName(body);
    const columns = body["KeyAttributes"];
    if (!Array.isArray(columns) || columns.length === 0 || columns.length > 16) {
      throw invalid("KeyAttributes must name 1 to 16 columns.");
    }
    const names = columns.map(String);
    for (const name of names) checkKeyColumn(table, name);
    const logicalName = schemaName.toLowerCase();
    if (table.keys.some((key) => key.logicalName === logicalName)) {
      throw new DataverseError(
        400,
        errorCodes.keyExists,
        `An entity key with the name ${logicalName} already exists.`,
      );
    }
    if (table.keys.length >= 10) throw invalid("A table has at most 10 keys.");
    return this.#startKey(table, {
      id: randomUUID(),
      schemaName,
      logicalName,
      displayName: labelOf(body["DisplayName"]) ?? schemaName,
      columns: names,
      status: "Pending",
      index: new Map(),
    });
  }

  #startKey(table: TableStore, key: AlternateKey): AlternateKey {
    table.keys.push(key);
    this.#clock.setTimer(() => {
      key.status = "InProgress";
      this.#clock.setTimer(() => table.activateKey(key), this.#keyJobMs / 2);
    }, this.#keyJobMs / 2);
    return key;
  }
}

function toColumn(type: ColumnType, schemaName: string, body: MetadataBody): Column {
  const numberOf = (member: string): number | undefined => {
    const value = body[member];
    return typeof value === "number" ? value : undefined;
  };
  const displayName = labelOf(body["DisplayName"]);
  if (displayName === undefined) throw invalid(`DisplayName of ${schemaName} is missing.`);
  const base = { type, schemaName, displayName, custom: true };
  switch (type) {
    case "String":
    case "Memo":
      return { ...base, maxLength: checkLength(type, numberOf("MaxLength")) };
    case "Money":
      return {
        ...base,
        precision: numberOf("Precision") ?? 2,
        precisionSource: toPrecisionSource(numberOf("PrecisionSource")),
        min: numberOf("MinValue") ?? -922337203685477,
        max: numberOf("MaxValue") ?? 922337203685477,
      };
    case "Decimal":
      return { ...base, precision: numberOf("Precision") ?? 2 };
    case "DateTime":
      return { ...base, behavior: toBehavior(body["DateTimeBehavior"]) };
    default:
      return base;
  }
}

function checkLength(type: ColumnType, length: number | undefined): number {
  const most = type === "String" ? 4_000 : 1_048_576;
  if (length === undefined || length < 1 || length > most) {
    throw invalid(`MaxLength must be 1 to ${most}.`);
  }
  return length;
}

function checkKeyColumn(table: TableStore, name: string): void {
  const column = table.metadata.columns.get(name);
  if (column === undefined) {
    throw invalid(`The attribute ${name} does not exist in ${table.metadata.logicalName}.`);
  }
  // 900 bytes is the index's limit: https://learn.microsoft.com/power-apps/maker/data-platform/define-alternate-keys-reference-records
  if (column.type === "Memo" || (column.maxLength ?? 0) > 450) {
    throw invalid(`The attribute ${name} is too long for a key.`);
  }
}

function readSchemaName(body: MetadataBody): string {
  const name = body["SchemaName"];
  if (typeof name === "string" && /^[A-Za-z][A-Za-z0-9]{1,7}_\w+$/.test(name)) return name;
  throw invalid("SchemaName must start with a publisher's customization prefix.");
}

function toPrecisionSource(source: number | undefined): "attribute" | "pricing" | "currency" {
  return source === 0 ? "attribute" : source === 1 ? "pricing" : "currency";
}

function toBehavior(behavior: unknown): "DateOnly" | "UserLocal" | "TimeZoneIndependent" {
  const value =
    typeof behavior === "object" && behavior !== null && "Value" in behavior
      ? behavior.Value
      : undefined;
  return value === "DateOnly" || value === "TimeZoneIndependent" ? value : "UserLocal";
}

/** The first text of a Label. */
function labelOf(label: unknown): string | undefined {
  if (typeof label !== "object" || label === null || !("LocalizedLabels" in label)) {
    return undefined;
  }
  const [first] = label.LocalizedLabels as readonly { readonly Label?: unknown }[];
  return typeof first?.Label === "string" ? first.Label : undefined;
}

function invalid(message: string): DataverseError {
  return new DataverseError(400, errorCodes.invalidArgument, message);
}
