import type { CanonicalEvent } from "../../schemas/types/canonical-event.ts";
import { toEffectKey } from "../../functions/src/platform/effect-key.ts";
import { toRootTraceparent } from "../../functions/src/platform/trace.ts";

/** An accepted event of usmf; `n` makes different events about different invoices. */
export function canonicalEvent(n = 1, changes: Partial<CanonicalEvent> = {}): CanonicalEvent {
  const id = changes.id ?? `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
  const number = `CIV-${String(n).padStart(6, "0")}`;
  const type = "dynamics365.finance.invoice.posted.v1";
  const identity = { type, legalEntity: "usmf", number, date: "2026-11-24", voucher: "V-1" };
  return {
    specversion: "1.0",
    id,
    type,
    source: "/dynamics365/finance/main/usmf",
    subject: `usmf/${number}`,
    time: "2026-11-24T11:59:30.000Z",
    datacontenttype: "application/json",
    businesseventid: "SalesInvoicePostedBusinessEvent",
    flow: "invoice-posted",
    effectkey: toEffectKey(identity),
    controlnumber: String(n),
    traceparent: toRootTraceparent(id),
    data: {
      legalEntity: "usmf",
      number,
      kind: "sales",
      documentType: "invoice",
      correction: { isCorrection: false, corrects: null },
      interCompany: false,
      oneTimeCustomer: false,
      language: "en-us",
      voucher: "V-1",
      date: "2026-11-24",
      dueDate: "2026-12-24",
      postedAt: "2026-11-24T11:59:30.000Z",
      customer: { account: "US-001", orderAccount: "US-001", name: "Contoso Retail", email: null },
      salesOrder: null,
      currency: "USD",
      total: "100.00",
      tax: "0.00",
      charges: "0.00",
      discount: "0.00",
      accountingTotal: "100.00",
      lines: [],
    },
    ...changes,
  };
}
