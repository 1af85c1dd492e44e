/** F&O's own words: a sales invoice posted in usmf on 2024-06-14, due 2024-07-14. */
export const salesInvoicePosted = {
  BusinessEventId: "SalesInvoicePostedBusinessEvent",
  BusinessEventLegalEntity: "usmf",
  ContextRecordSubject: "",
  ControlNumber: 5637612199,
  EventId: "0E6A1C9D-52B1-4C5E-8F10-6D1B7A94C3E2",
  EventTime: "/Date(1718353825000)/",
  EventTimeIso8601: "2024-06-14T08:30:25.9981704Z",
  InitiatingUserAADObjectId: "{5D0C7E1A-8E55-4F0B-9C39-2A7FB5D1E6AA}",
  InvoiceAccount: "US-001",
  InvoiceAmountInAccountingCurrency: 1250.5,
  InvoiceDate: "/Date(1718323200000)/",
  InvoiceDueDate: "/Date(1720915200000)/",
  InvoiceId: "CIV-000123",
  InvoiceTaxAmount: 50.5,
  LegalEntity: "usmf",
  MajorVersion: 0,
  MinorVersion: 0,
  ParentContextRecordSubjects: [],
  SalesOrderId: "000741",
} as const;

export const freeTextInvoicePosted = {
  ...withoutMembers(salesInvoicePosted, "SalesOrderId"),
  BusinessEventId: "CustFreeTextInvoicePostedBusinessEvent",
  EventId: "7B1F0C52-3C0E-4B57-9A4B-0F6B3E2C91D4",
  InvoiceId: "FTI-00000042",
} as const;

export function withoutMembers<T extends object, K extends keyof T>(
  value: T,
  ...names: readonly K[]
): Omit<T, K> {
  const kept = Object.entries(value).filter(([name]) => !names.includes(name as K));
  return Object.fromEntries(kept) as Omit<T, K>;
}
