import type { ColumnValue, Row, RowKeys, StoredRow } from "./table-store.ts";

/** An entity as the service wants it: keys and columns in one object, types named where JSON has none. */
export function toEntityText({ partitionKey, rowKey, columns }: Row): string {
  const entity: Record<string, string | number | boolean> = {
    PartitionKey: partitionKey,
    RowKey: rowKey,
  };
  for (const [name, value] of Object.entries(columns)) {
    if (!(value instanceof Uint8Array)) {
      entity[name] = value;
      continue;
    }
    const { buffer, byteOffset, byteLength } = value;
    entity[name] = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
    entity[`${name}@odata.type`] = "Edm.Binary";
  }
  return JSON.stringify(entity);
}

/** Of an answer with minimal metadata; columns of types that we never write are left out. */
export function toStoredRow(entity: Readonly<Record<string, unknown>>): StoredRow {
  const columns: Record<string, ColumnValue> = {};
  for (const [name, value] of Object.entries(entity)) {
    if (ours.has(name) || name.includes("odata.")) continue;
    const column = toColumn(value, entity[`${name}@odata.type`]);
    if (column !== undefined) columns[name] = column;
  }
  return {
    partitionKey: toText(entity["PartitionKey"]),
    rowKey: toText(entity["RowKey"]),
    etag: toText(entity["odata.etag"]),
    columns,
  };
}

const ours = new Set(["PartitionKey", "RowKey", "Timestamp"]);

function toColumn(value: unknown, type: unknown): ColumnValue | undefined {
  if (type === "Edm.Binary") return Buffer.from(String(value), "base64");
  if (type === "Edm.DateTime" || type === "Edm.Int64" || type === "Edm.Guid") return undefined;
  const isPlain =
    typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return isPlain ? value : undefined;
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** `table(PartitionKey='…',RowKey='…')` */
export function toEntityPath(table: string, { partitionKey, rowKey }: RowKeys): string {
  return `${table}(PartitionKey='${toKey(partitionKey)}',RowKey='${toKey(rowKey)}')`;
}

function toKey(key: string): string {
  return encodeURIComponent(key.replaceAll("'", "''"));
}

/** A text in a filter. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
