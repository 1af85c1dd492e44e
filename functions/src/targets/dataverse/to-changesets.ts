import type { BatchOperation, Changeset } from "../../dynamics/dataverse-batch.ts";
import { toKeyPath } from "../../dynamics/dataverse-client.ts";
import type { DataverseRow } from "../../dynamics/dataverse-client.ts";
import { hasLine } from "./existing-invoices.ts";
import type { ExistingInvoice } from "./existing-invoices.ts";
import { headerCreateOnly, lineCreateOnly } from "./invoice-document.ts";
import type { InvoiceDocument, InvoiceLine, WebApiBody } from "./invoice-document.ts";

/**
 * A document's writes. One changeset when it fits a request. A larger one goes in pages: the first opens
 * the header without totals and mark, the last one closes it; a reader of `cwy_syncedon` never takes a
 * half-written invoice for a whole one. One that broke off goes on where it stopped: what is missing comes
 * first, and what says already what it should is left out, or it would never end where writing it all takes
 * longer than an invocation.
 */
export function toChangesets(
  document: InvoiceDocument,
  /** "absent": nobody has looked, and the header must not be written over one that is there. */
  known: ExistingInvoice | "absent" | undefined,
  rowsPerRequest: number,
  syncedOn: string,
): readonly Changeset[] {
  const existing = known === "absent" ? undefined : known;
  const lines = linesToWrite(document, existing).map((line) =>
    toLineOperation(document, line, existing),
  );
  const body = toHeaderBody(document, existing);
  const finished = { ...body, cwy_syncedon: syncedOn };
  if (lines.length + 1 <= rowsPerRequest) {
    const header = toHeaderOperation(document, finished);
    return [[known === "absent" ? { ...header, headers: createOnly } : header, ...lines]];
  }
  const isOwnTotal = (name: string): boolean => name.startsWith("cwy_");
  const start = Object.entries(body).filter(([name]) => !isOwnTotal(name));
  const totals = Object.entries(finished).filter(([name]) => isOwnTotal(name));
  const opening = toHeaderOperation(document, { ...Object.fromEntries(start), cwy_syncedon: null });
  const closing = toHeaderOperation(document, Object.fromEntries(totals));
  // Room for the header in the first and the last page.
  const pages: BatchOperation[][] = [[opening]];
  for (const line of lines) {
    const page = pages.at(-1);
    if (page === undefined || page.length >= rowsPerRequest - 1) pages.push([line]);
    else page.push(line);
  }
  pages.at(-1)?.push(closing);
  return pages;
}

function linesToWrite(
  document: InvoiceDocument,
  existing: ExistingInvoice | undefined,
): readonly InvoiceLine[] {
  // Only of an invoice that broke off the lines were read with what they say.
  if (existing === undefined || existing.isComplete) return document.lines;
  const missing = document.lines.filter(({ key }) => !existing.lines.has(key));
  const others = document.lines.filter((line) => {
    const there = existing.lines.get(line.key);
    return there !== undefined && !hasLine(there, { ...line.body, ...toForm(line, there) });
  });
  return [...missing, ...others];
}

/**
 * The same with the trace that they belong to, once each: a request carries documents of many traces, so its
 * own headers can name none of them.
 */
export function traced(
  changesets: readonly Changeset[],
  traceparent: string,
): readonly Changeset[] {
  return changesets.map(([first, ...others]) =>
    first === undefined
      ? others
      : [{ ...first, headers: { ...first.headers, traceparent } }, ...others],
  );
}

/** https://learn.microsoft.com/power-apps/developer/data-platform/webapi/perform-conditional-operations-using-web-api#limit-upsert-operations */
const createOnly = { "If-None-Match": "*" } as const;

/** Rows that the document takes in a request. */
export function countRows(document: InvoiceDocument): number {
  return document.lines.length + 1;
}

function toHeaderOperation(document: InvoiceDocument, body: WebApiBody): BatchOperation {
  return { method: "PATCH", path: toKeyPath("invoices", "cwy_key", document.key), body };
}

/** Columns that Dataverse takes only on creation are left out once the row is there. */
function toHeaderBody(
  document: InvoiceDocument,
  existing: ExistingInvoice | undefined,
): WebApiBody {
  if (existing === undefined) return document.header;
  return without(document.header, (name) => headerCreateOnly.has(name) || name === ownerBind);
}

/** Whoever re-assigned a row in CE keeps it. */
const ownerBind = "ownerid@odata.bind";

function toLineOperation(
  document: InvoiceDocument,
  line: InvoiceLine,
  existing: ExistingInvoice | undefined,
): BatchOperation {
  const form = toForm(line, existing?.lines.get(line.key));
  const invoice = toKeyPath("invoices", "cwy_key", document.key);
  return {
    method: "PATCH",
    path: toKeyPath("invoicedetails", "cwy_key", line.key),
    body: { ...line.body, ...form, "invoiceid@odata.bind": `/${invoice}` },
  };
}

/** A line stays what it was created as: a product or a write-in. */
function toForm(line: InvoiceLine, there: DataverseRow | undefined): WebApiBody {
  if (there === undefined) return line.product ?? line.writeIn;
  const form = there["isproductoverridden"] === true ? line.writeIn : (line.product ?? {});
  return without(form, (name) => lineCreateOnly.has(name));
}

function without(body: WebApiBody, isLeftOut: (name: string) => boolean): WebApiBody {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !isLeftOut(name)));
}
