import type { Database } from "./database.ts";
import type { Row, Scalar } from "./table-store.ts";

/** The page behind a record's address (`main.aspx?etn=invoice&id=…`): its columns, and its lines. */
export function showRow(database: Database, tableName: string, id: string): string | undefined {
  const table = database.findTable(tableName);
  const row = table?.byId(id);
  if (table === undefined || row === undefined) return undefined;
  const lines =
    tableName === "invoice"
      ? (database.table("invoicedetail").byIndex("_invoiceid_value", [id]) ?? [])
      : [];
  const title = `${table.metadata.schemaName} ${String(row[table.metadata.primaryName] ?? id)}`;
  return [
    `<!doctype html><meta charset="utf-8"><title>${escape(title)}</title>`,
    "<style>body{font:14px system-ui;margin:2rem}td,th{padding:.2rem .8rem;text-align:left;border-bottom:1px solid #ddd}</style>",
    `<h1>${escape(title)}</h1>${toTable(row)}`,
    lines.length === 0 ? "" : `<h2>${lines.length} lines</h2>${lines.map(toTable).join("<hr>")}`,
  ].join("\n");
}

function toTable(row: Row): string {
  const cells = Object.entries(row)
    .filter(([name, value]) => value !== null && !name.includes("@"))
    .map(([name, value]) => `<tr><th>${escape(name)}</th><td>${escape(value)}</td></tr>`);
  return `<table>${cells.join("")}</table>`;
}

function escape(value: Scalar): string {
  return String(value).replace(/[&<>"]/g, (character) => `&#${String(character.codePointAt(0))};`);
}
