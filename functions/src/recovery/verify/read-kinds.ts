import { equalsText } from "../../dynamics/finance-client.ts";
import type { FinanceClient } from "../../dynamics/finance-client.ts";
import { toDay } from "../../dynamics/finance-rows.ts";
import type { FreeTextInvoiceHeaderRow } from "../../dynamics/finance-rows.ts";
import { toDocumentName } from "./read-named-events.ts";
import type { PostedDocument } from "./verification.ts";

/**
 * The journal names no order of a free-text invoice, and none of an invoice that consolidates several orders: F&O's
 * free texts tell the two apart. Asked only where no event has said it.
 */
export async function readKinds(
  finance: FinanceClient,
  documents: readonly PostedDocument[],
  signal: AbortSignal,
): Promise<readonly PostedDocument[]> {
  // F&O reads * as a wildcard: of such a number the journal's word stays.
  const asked = documents.filter(({ number }) => !number.includes("*"));
  const freeTexts = new Set<string>();
  for (const legalEntity of new Set(asked.map((document) => document.legalEntity))) {
    const own = asked.filter((document) => document.legalEntity === legalEntity);
    const numbers = [...new Set(own.map(({ number }) => number))];
    const rows = await finance.readAll<FreeTextInvoiceHeaderRow>(
      {
        entitySet: "FreeTextInvoiceHeaders",
        company: legalEntity,
        anyOf: numbers.map((number) => equalsText("FreeTextNumber", number)),
        select: ["FreeTextNumber", "InvoiceDate"],
      },
      signal,
    );
    for (const { FreeTextNumber: number, InvoiceDate } of rows) {
      freeTexts.add(nameOf({ legalEntity, number, date: toDay(InvoiceDate) ?? "" }));
    }
  }
  return documents.map((document) => {
    if (document.number.includes("*")) return document;
    return { ...document, kind: freeTexts.has(nameOf(document)) ? "freeText" : "sales" };
  });
}

function nameOf(document: Pick<PostedDocument, "legalEntity" | "number" | "date">): string {
  return `${toDocumentName(document)} ${document.date}`;
}
