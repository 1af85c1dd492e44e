import type { DataverseClient, DataverseRow } from "../../dynamics/dataverse-client.ts";
import { lineLookups } from "./invoice-document.ts";
import type { InvoiceDocument, InvoiceLine, WebApiBody } from "./invoice-document.ts";

/** What is in CE under a document's key. */
export interface ExistingInvoice {
  readonly id: string;
  readonly row: DataverseRow;
  /** Set by the last write of a document: without it an earlier attempt broke off. */
  readonly isComplete: boolean;
  /** Paid and canceled rows are read-only. */
  readonly isClosed: boolean;
  /** The lines there are, by key. */
  readonly lines: ReadonlyMap<string, DataverseRow>;
}

/** Reads what is there under the documents' keys: one query for all, one more for lines if needed. */
export async function readExisting(
  client: DataverseClient,
  documents: readonly InvoiceDocument[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ExistingInvoice>> {
  const columns = new Set(["invoiceid", "cwy_key", "cwy_syncedon", "statecode"]);
  for (const document of documents) {
    for (const name of scalarsOf(document.header)) columns.add(name);
  }
  const rows = await client.findRows(
    "invoices",
    { select: [...columns], by: ["cwy_key"], values: documents.map(({ key }) => [key]) },
    { signal },
  );
  const wanted = new Map(documents.map((document) => [document.key, document]));
  const open = rows.filter((row) => {
    const document = wanted.get(String(row["cwy_key"]));
    return document !== undefined && !(isComplete(row) && hasContent(row, document));
  });
  const broken = open.filter((row) => !isComplete(row));
  const columnsOfLines = broken.flatMap((row) =>
    (wanted.get(String(row["cwy_key"]))?.lines ?? []).flatMap(columnsOf),
  );
  const lines = await readLines(client, open, new Set(columnsOfLines), signal);
  return new Map(
    rows.map((row) => {
      const id = String(row["invoiceid"]);
      return [
        String(row["cwy_key"]).toLowerCase(),
        {
          id,
          row,
          isComplete: isComplete(row),
          isClosed: row["statecode"] !== 0,
          lines: lines.get(id) ?? new Map<string, DataverseRow>(),
        },
      ];
    }),
  );
}

/** Whether the row says what the document says, our marks and binds apart. */
export function hasContent(row: DataverseRow, { header }: InvoiceDocument): boolean {
  return hasScalars(row, header);
}

/** Whether a line that was read with its columns says what would be written to it. */
export function hasLine(row: DataverseRow, body: WebApiBody): boolean {
  return (
    hasScalars(row, body) &&
    bindsOf(body).every((name) => {
      const there = row[toLookupColumn(name)];
      return typeof there === "string" && String(body[name]).includes(`(${there})`);
    })
  );
}

function columnsOf(line: InvoiceLine): readonly string[] {
  const bodies = [line.body, line.writeIn, line.product ?? {}];
  return bodies.flatMap((body) => [
    ...scalarsOf(body),
    // Of a bind under another name nobody knows the column; a line that has one is written again.
    ...bindsOf(body).filter(isLineLookup).map(toLookupColumn),
  ]);
}

function isLineLookup(bind: string): boolean {
  return lineLookups.has(bind.slice(0, bind.indexOf("@")));
}

function hasScalars(row: DataverseRow, body: WebApiBody): boolean {
  return scalarsOf(body).every((name) => {
    const [there, wanted] = [row[name] ?? null, body[name] ?? null];
    return there === wanted || isSameMoment(name, there, wanted);
  });
}

function bindsOf(body: WebApiBody): readonly string[] {
  return Object.keys(body).filter((name) => name.includes("@"));
}

/** `productid@odata.bind` → `_productid_value`. */
function toLookupColumn(bind: string): string {
  return `_${bind.slice(0, bind.indexOf("@"))}_value`;
}

function isSameMoment(name: string, left: unknown, right: unknown): boolean {
  return (
    /(date|on)$/.test(name) &&
    typeof left === "string" &&
    typeof right === "string" &&
    Date.parse(left) === Date.parse(right)
  );
}

async function readLines(
  client: DataverseClient,
  rows: readonly DataverseRow[],
  /** What tells whether a line of an invoice that broke off is written already. */
  columns: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ReadonlyMap<string, DataverseRow>>> {
  if (rows.length === 0) return new Map();
  const lines = await client.findRows(
    "invoicedetails",
    {
      select: [...new Set(["cwy_key", "isproductoverridden", "_invoiceid_value", ...columns])],
      by: ["_invoiceid_value"],
      values: rows.map((row) => [String(row["invoiceid"])]),
    },
    { signal },
  );
  const byInvoice = new Map<string, Map<string, DataverseRow>>();
  for (const line of lines) {
    if (typeof line["cwy_key"] !== "string") continue;
    const id = String(line["_invoiceid_value"]);
    const known = byInvoice.get(id) ?? new Map<string, DataverseRow>();
    known.set(line["cwy_key"], line);
    byInvoice.set(id, known);
  }
  return byInvoice;
}

function isComplete(row: DataverseRow): boolean {
  return typeof row["cwy_syncedon"] === "string";
}

function scalarsOf(header: WebApiBody): readonly string[] {
  return Object.keys(header).filter((name) => !name.includes("@"));
}
