import { DataverseError } from "../../dynamics/dataverse-failure.ts";
import type { DataverseClient, DataverseRow } from "../../dynamics/dataverse-client.ts";

/** What an invoice is known by. */
export interface InvoiceName {
  readonly effectKey: string;
  readonly legalEntity: string;
  readonly number: string;
  /** `YYYY-MM-DD` */
  readonly date: string;
  readonly voucher: string;
}

export interface KeptInvoice {
  /** Rows that surely are the document's. */
  readonly count: number;
  readonly amount: number | null;
  readonly ids: readonly string[];
  /**
   * Rows of the same number and customer under no key or another one. They tell no company: whether they are the
   * document's depends on whether F&O has another document of that number.
   */
  readonly suspects: readonly string[];
}

/** A canceled row is nobody's invoice any more: that is how people put a double right. */
const canceled = 3;
const mirrorColumns = ["msdyn_invoicenumber", "msdyn_invoicedate", "msdyn_ledgervoucher"] as const;

/**
 * What CE holds of documents, a few hundred a request: under their keys, and beside them by number. Our key is
 * unique, so a second row of a document is always one that somebody else wrote.
 */
export function createInvoiceReader(
  client: DataverseClient,
): (
  documents: readonly InvoiceName[],
  signal: AbortSignal,
) => Promise<ReadonlyMap<string, KeptInvoice>> {
  let hasDualWrite = true;
  return async (documents, signal) => {
    const own = await readOwn(client, documents, signal);
    const isOpen = ({ effectKey }: InvoiceName): boolean =>
      (own.get(effectKey) ?? []).some((row) => row["statecode"] !== canceled);
    const open = documents.filter(isOpen);
    const beside = await readBeside(client, open, signal);
    const mirrored = hasDualWrite ? await readMirrored(client, open, signal) : undefined;
    hasDualWrite = mirrored !== undefined;
    return new Map(
      documents.flatMap((document): [string, KeptInvoice][] => {
        const rows = own.get(document.effectKey);
        if (rows === undefined) return [];
        const others = isOpen(document)
          ? toOthers(rows, beside.get(document.number) ?? [], mirrored?.get(nameOf(document)) ?? [])
          : none;
        return [[document.effectKey, toKept(rows, others)]];
      }),
    );
  };
}

interface Others {
  readonly doubles: readonly string[];
  readonly suspects: readonly string[];
}

const none: Others = { doubles: [], suspects: [] };

function toKept(rows: readonly DataverseRow[], { doubles, suspects }: Others): KeptInvoice {
  const total = rows.at(-1)?.["cwy_total"];
  const ids = [...rows.map(idOf), ...doubles];
  return { count: ids.length, amount: typeof total === "number" ? total : null, ids, suspects };
}

function toOthers(
  own: readonly DataverseRow[],
  beside: readonly DataverseRow[],
  mirrored: readonly DataverseRow[],
): Others {
  const [ids, customers] = [new Set(own.map(idOf)), new Set(own.map(customerOf))];
  const isOther = (row: DataverseRow): boolean =>
    !ids.has(idOf(row)) && row["statecode"] !== canceled;
  const doubles = mirrored.filter(isOther).map(idOf);
  const suspects = beside
    .filter((row) => isOther(row) && customers.has(customerOf(row)))
    .map(idOf)
    .filter((id) => !doubles.includes(id));
  return { doubles, suspects };
}

async function readOwn(
  client: DataverseClient,
  documents: readonly InvoiceName[],
  signal: AbortSignal,
): Promise<Rows> {
  const query = {
    select: ["invoiceid", "cwy_key", "cwy_total", "statecode", "_customerid_value"],
    by: ["cwy_key"],
    values: documents.map(({ effectKey }) => [effectKey]),
  };
  const rows = await client.findRows("invoices", query, { signal });
  return groupRows(rows, (row) => String(row["cwy_key"]).toLowerCase());
}

async function readBeside(
  client: DataverseClient,
  documents: readonly InvoiceName[],
  signal: AbortSignal,
): Promise<Rows> {
  const query = {
    select: ["invoiceid", "invoicenumber", "statecode", "_customerid_value"],
    by: ["invoicenumber"],
    values: documents.map(({ number }) => [number]),
  };
  const rows = await client.findRows("invoices", query, { signal });
  return groupRows(rows, (row) => String(row["invoicenumber"]));
}

/**
 * Rows that dual-write made: it has a number column of its own, and a row is told by company, number, day and
 * voucher. Undefined: this organisation has no such columns.
 */
async function readMirrored(
  client: DataverseClient,
  documents: readonly InvoiceName[],
  signal: AbortSignal,
): Promise<Rows | undefined> {
  const rows = new Map<string, DataverseRow[]>();
  try {
    for (const legalEntity of new Set(documents.map((document) => document.legalEntity))) {
      const own = documents.filter((document) => document.legalEntity === legalEntity);
      const query = {
        select: ["invoiceid", "statecode", ...mirrorColumns],
        by: ["msdyn_invoicenumber", "msdyn_company/cdm_companycode"],
        values: own.map(({ number }) => [number, legalEntity]),
      };
      for (const row of await client.findRows("invoices", query, { signal })) {
        const name = toMirrorName(legalEntity, row);
        rows.set(name, [...(rows.get(name) ?? []), row]);
      }
    }
  } catch (error) {
    const kind = error instanceof DataverseError ? error.failure.kind : undefined;
    if (kind === "permanent") return undefined;
    // A right that is missing keeps nobody from comparing the rest.
    if (kind !== "denied") throw error;
  }
  return rows;
}

function toMirrorName(legalEntity: string, row: DataverseRow): string {
  const [number, date, voucher] = mirrorColumns.map((name) => String(row[name]));
  return nameOf({
    legalEntity,
    number: number ?? "",
    date: (date ?? "").slice(0, 10),
    voucher: voucher ?? "",
  });
}

function nameOf({ date, legalEntity, number, voucher }: Omit<InvoiceName, "effectKey">): string {
  return JSON.stringify([legalEntity, number, date, voucher]);
}

type Rows = ReadonlyMap<string, readonly DataverseRow[]>;

function groupRows(rows: readonly DataverseRow[], keyOf: (row: DataverseRow) => string): Rows {
  const groups = new Map<string, DataverseRow[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row)) ?? [];
    group.push(row);
    groups.set(keyOf(row), group);
  }
  return groups;
}

function customerOf(row: DataverseRow): string {
  return String(row["_customerid_value"]);
}

function idOf(row: DataverseRow): string {
  return String(row["invoiceid"]);
}
