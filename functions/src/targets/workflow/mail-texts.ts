import type { CanonicalInvoice } from "../../../../schemas/types/canonical-invoice.ts";
import type { MailTexts } from "../../../../schemas/types/mail-texts.ts";

/** Languages from the best to the last resort: "de-at" finds "de-at", "de", then the company's, then "en-us". */
export function pickTexts(
  texts: ReadonlyMap<string, MailTexts>,
  languages: readonly (string | undefined)[],
): MailTexts | undefined {
  const wanted = [...languages, "en-us"].flatMap((language) => {
    const lower = language?.toLowerCase();
    return lower === undefined || lower === "" ? [] : [lower, lower.split("-")[0] ?? lower];
  });
  const known = new Map([...texts].map(([language, value]) => [language.toLowerCase(), value]));
  for (const language of wanted) {
    // "en" is served by "en-us" when there is no plain "en".
    const found =
      known.get(language) ?? [...known].find(([name]) => name.split("-")[0] === language)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The texts of one document, placeholders filled, with the labels beside them. */
export function fillTexts(
  texts: MailTexts,
  invoice: CanonicalInvoice,
): { readonly subject: string; readonly texts: Readonly<Record<string, string>> } {
  const values = {
    number: invoice.number,
    company: invoice.legalEntity.toUpperCase(),
    customerName: invoice.customer.name,
    date: invoice.date,
    dueDate: invoice.dueDate ?? "",
    total: invoice.total,
    currency: invoice.currency,
    corrects: invoice.correction.corrects ?? "",
  };
  const document = Object.entries(texts[invoice.documentType]).map(
    ([name, text]) => [name, fill(String(text), values)] as const,
  );
  const { subject = invoice.number, ...rest } = Object.fromEntries(document);
  return { subject: toOneLine(subject), texts: { ...rest, ...texts.labels } };
}

/** Where a redirected mail would have gone, in the mail's language. */
export function redirectNotice(texts: MailTexts, recipient: string): string {
  return fill(texts.redirectNotice, { recipient });
}

function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** A line break in a subject would be a new mail header. */
function toOneLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ").trim();
}
