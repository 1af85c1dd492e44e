import type { CanonicalEvent } from "../../schemas/types/canonical-event.ts";
import type { CanonicalInvoice } from "../../schemas/types/canonical-invoice.ts";

/** A sales invoice of usmf; override what a test is about. */
export function canonicalInvoice(overrides: Partial<CanonicalInvoice> = {}): CanonicalInvoice {
  return {
    legalEntity: "usmf",
    number: "CIV-000123",
    kind: "sales",
    documentType: "invoice",
    correction: { isCorrection: false, corrects: null },
    interCompany: false,
    oneTimeCustomer: false,
    language: "en-us",
    voucher: "ARPA-000045",
    date: "2026-01-15",
    dueDate: "2026-02-14",
    postedAt: "2026-01-15T09:30:00.000Z",
    customer: {
      account: "US-001",
      orderAccount: "US-001",
      name: "Contoso Retail",
      email: "ap@contoso-retail.example",
    },
    salesOrder: "000741",
    currency: "USD",
    total: "1083.00",
    tax: "83.00",
    charges: "0.00",
    discount: "0.00",
    accountingTotal: "1083.00",
    lines: [
      {
        number: 1,
        product: "D0001",
        description: "Mid-range speaker",
        quantity: "2",
        unit: "ea",
        unitPrice: "500.00",
        amount: "1000.00",
        tax: "83.00",
      },
    ],
    ...overrides,
  };
}

/** The invoice's event as intake publishes it. */
export function canonicalEvent(
  invoice: CanonicalInvoice = canonicalInvoice(),
  overrides: Partial<CanonicalEvent> = {},
): CanonicalEvent {
  return {
    specversion: "1.0",
    id: "7b1f0c52-3c0e-4b57-9a4b-0f6b3e2c91d4",
    type: "dynamics365.finance.invoice.posted.v1",
    source: `/dynamics365/finance/main/${invoice.legalEntity}`,
    subject: `${invoice.legalEntity}/${invoice.number}`,
    time: "2026-01-15T09:30:00.000Z",
    datacontenttype: "application/json",
    businesseventid: "SalesInvoicePostedBusinessEvent",
    flow: "invoice-posted",
    effectkey: "3b241101-e2bb-5255-8caf-4136c566a962",
    controlnumber: "5637612045",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    data: invoice,
    ...overrides,
  };
}
