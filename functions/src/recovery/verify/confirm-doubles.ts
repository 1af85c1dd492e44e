import { equalsText } from "../../dynamics/finance-client.ts";
import type { FinanceClient } from "../../dynamics/finance-client.ts";
import type { InvoiceJournalRow } from "../../dynamics/finance-rows.ts";
import type { PostedDocument, TargetRecords } from "./verification.ts";

type Records = ReadonlyMap<string, TargetRecords>;

/**
 * A record beside the key that has the document's number may be about another document: two companies, or two
 * years, can have one number. It is a double only when F&O has no other document of that number anywhere.
 */
export async function confirmDoubles(
  finance: FinanceClient,
  documents: readonly PostedDocument[],
  records: Records,
  signal: AbortSignal,
): Promise<Records> {
  const doubtful = documents.filter(
    ({ effectKey }) => (records.get(effectKey)?.suspects ?? []).length > 0,
  );
  if (doubtful.length === 0) return records;
  const isOnly = await readOnlyNumbers(finance, doubtful, signal);
  const confirmed = new Map(records);
  for (const { effectKey, number } of doubtful) {
    const found = records.get(effectKey);
    if (found === undefined || !isOnly(number)) continue;
    const { count, ids = [], suspects = [] } = found;
    const all = { count: count + suspects.length, ids: [...ids, ...suspects] };
    confirmed.set(effectKey, { ...found, ...all });
  }
  return confirmed;
}

async function readOnlyNumbers(
  finance: FinanceClient,
  documents: readonly PostedDocument[],
  signal: AbortSignal,
): Promise<(number: string) => boolean> {
  // F&O reads * as a wildcard: nothing is said of such a number.
  const asked = documents.map(({ number }) => number).filter((number) => !number.includes("*"));
  const numbers = [...new Set(asked)];
  if (numbers.length === 0) return () => false;
  const rows = await finance.readAll<Pick<InvoiceJournalRow, "dataAreaId" | "InvoiceId">>(
    {
      entitySet: "CustInvoiceJourBiEntities",
      anyOf: numbers.map((number) => equalsText("InvoiceId", number)),
      select: ["dataAreaId", "InvoiceId"],
    },
    signal,
  );
  const counts = new Map<string, number>();
  for (const { InvoiceId } of rows) {
    const number = InvoiceId.toLowerCase();
    counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  return (number) => numbers.includes(number) && counts.get(number.toLowerCase()) === 1;
}
