import type { CanonicalEvent } from "../../schemas/types/canonical-event.ts";
import type { CanonicalInvoice } from "../../schemas/types/canonical-invoice.ts";

/** A sales invoice of two lines; tests say only what they are about. */
export function canonicalInvoice(changes: Partial<CanonicalInvoice> = {}): CanonicalInvoice {
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
    date: "2024-06-14",
    dueDate: "2024-07-14",
    postedAt: "2024-06-14T08:30:25.998Z",
    customer: {
      account: "US-001",
      orderAccount: "US-001",
      name: "Contoso Retail",
      email: "ap@contoso-retail.example",
    },
    salesOrder: "000741",
    currency: "USD",
    total: "1250.50",
    tax: "50.50",
    charges: "0.00",
    discount: "0.00",
    accountingTotal: "1250.50",
    lines: [
      {
        number: 1,
        product: "D0001",
        description: "Mid-range speaker",
        quantity: "2",
        unit: "ea",
        unitPrice: "500.00",
        amount: "1000.00",
        tax: "40.40",
      },
      {
        number: 2,
        product: null,
        description: "Installation",
        quantity: "1.5",
        unit: null,
        unitPrice: "133.3333",
        amount: "200.00",
        tax: "10.10",
      },
    ],
    ...changes,
  };
}

export function canonicalEvent(invoice: CanonicalInvoice = canonicalInvoice()): CanonicalEvent {
  return {
    specversion: "1.0",
    id: "0e6a1c9d-52b1-4c5e-8f10-6d1b7a94c3e2",
    type: "dynamics365.finance.invoice.posted.v1",
    source: "/dynamics365/finance/main/usmf",
    subject: `${invoice.legalEntity}/${invoice.number}`,
    time: "2024-06-14T08:30:25.998Z",
    datacontenttype: "application/json",
    businesseventid: "SalesInvoicePostedBusinessEvent",
    flow: "invoice-posted",
    effectkey: "3b241101-e2bb-5255-8caf-4136c566a962",
    controlnumber: "5637612199",
    traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    data: invoice,
  };
}
