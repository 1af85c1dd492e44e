import type { CanonicalInvoice } from "../../../../schemas/types/canonical-invoice.ts";
import freeTextCreditNote from "../../../../schemas/canonical/invoice-posted.v1/examples/valid/free-text-credit-note.json" with { type: "json" };
import salesInvoice from "../../../../schemas/canonical/invoice-posted.v1/examples/valid/sales-invoice.json" with { type: "json" };
import specialCharacters from "../../../../schemas/canonical/invoice-posted.v1/examples/valid/number-with-special-characters.json" with { type: "json" };
import yen from "../../../../schemas/canonical/invoice-posted.v1/examples/valid/yen-without-decimals.json" with { type: "json" };
import freeTextEvent from "../../../../schemas/business-event/free-text-invoice-posted.v1/examples/valid/free-text-invoice.json" with { type: "json" };
import salesEvent from "../../../../schemas/business-event/sales-invoice-posted.v1/examples/valid/sales-invoice.json" with { type: "json" };

/** The schemas' own examples: what a mapping can be tried against. */
export const sampleInvoices = {
  "sales-invoice": salesInvoice as CanonicalInvoice,
  "free-text-credit-note": freeTextCreditNote as CanonicalInvoice,
  "special-characters": specialCharacters as CanonicalInvoice,
  "yen-without-decimals": yen as CanonicalInvoice,
} as const satisfies Readonly<Record<string, CanonicalInvoice>>;

/** Business events as F&O raises them: what `send --sample` sends. */
export const sampleEvents: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "sales-invoice": salesEvent,
  "free-text-invoice": freeTextEvent,
};
