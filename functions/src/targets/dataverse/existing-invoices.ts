import type { DataverseClient, DataverseRow } from "../../dynamics/dataverse-client.ts";
import type { InvoiceDocument, WebApiBody } from "./invoice-document.ts";

/** What is in CE under a document's key. */
export interface ExistingInvoice {
  readonly id: string;
  readonly row: DataverseRow;
  /** Set by the last write of a document: without it an earlier attempt broke off. */
  readonly isComplete: boolean;
  /** Paid and canceled rows are read-only. */
  readonly isClosed: boolean;
  /** Keys of the lines there are → whether each is a write-in. */
  readonly lines: ReadonlyMap<string, boolean>;
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
  const lines = await readLines(client, open, signal);
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
          lines: lines.get(id) ?? new Map<string, boolean>(),
        },
      ];
    }),
  );
}

/** Whether the row says what the document says, our marks and binds apart. */
export function hasContent(row: DataverseRow, { header }: InvoiceDocument): boolean {
  return scalarsOf(header).every((name) => {
    const [there, wanted] = [row[name] ?? null, header[name] ?? null];
    return there === wanted || isSameMoment(name, there, wanted);
  });
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
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ReadonlyMap<string, boolean>>> {
  if (rows.length === 0) return new Map();
  const lines = await client.findRows(
    "invoicedetails",
    {
      select: ["cwy_key", "isproductoverridden", "_invoiceid_value"],
      by: ["_invoiceid_value"],
      values: rows.map((row) => [String(row["invoiceid"])]),
    },
    { signal },
  );
  const byInvoice = new Map<string, Map<string, boolean>>();
  for (const line of lines) {
    if (typeof line["cwy_key"] !== "string") continue;
    const id = String(line["_invoiceid_value"]);
    const known = byInvoice.get(id) ?? new Map<string, boolean>();
    known.set(line["cwy_key"], line["isproductoverridden"] === true);
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
