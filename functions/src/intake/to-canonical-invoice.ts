import type {
  CanonicalInvoice,
  CanonicalInvoiceLine,
} from "../../../schemas/types/canonical-invoice.ts";
import {
  toDay,
  type Amount,
  type Cell,
  type CustomerRow,
  type FreeTextInvoiceLineRow,
  type SalesInvoiceLineRow,
} from "../dynamics/finance-rows.ts";
import {
  addAmounts,
  isNegative,
  toAccountingAmount,
  toAmount,
  toPrice,
  toQuantity,
} from "./currency-amount.ts";
import type { InvoiceSource } from "./enrich-invoices.ts";
import type { InvoiceEvent } from "./parse-business-event.ts";

/** The document as F&O has it now, in the words of all targets. */
export function toCanonicalInvoice(event: InvoiceEvent, source: InvoiceSource): CanonicalInvoice {
  const { journal, customer } = source;
  const currency = (
    textOf(source.header.CurrencyCode) ??
    textOf(journal.CurrencyCode) ??
    ""
  ).toUpperCase();
  const amounts = toTotals(source);
  const account = journal.InvoiceAccount ?? event.account;
  return {
    legalEntity: event.legalEntity,
    number: event.number,
    kind: event.kind,
    documentType: toDocumentType(source, amounts.total),
    correction: toCorrection(source),
    interCompany: isInterCompany(source),
    oneTimeCustomer: isOneTime(source),
    language: toLanguage(source),
    voucher: journal.LedgerVoucher,
    date: event.date,
    dueDate: toDay(journal.DueDate) ?? event.dueDate,
    postedAt: event.time,
    customer: {
      account,
      orderAccount: textOf(journal.OrderAccount) ?? account,
      name: toCustomerName(customer, journal.InvoicingName, isOneTime(source)),
      email: textOf(customer.PrimaryContactEmail),
    },
    salesOrder: source.kind === "sales" ? textOf(source.header.SalesOrderNumber) : null,
    currency,
    total: toAmount(amounts.total, currency),
    tax: toAmount(amounts.tax, currency),
    charges: toAmount(amounts.charges, currency),
    discount: toAmount(amounts.discount, currency),
    accountingTotal: toAccountingAmount(journal.InvoiceAmountMST),
    lines: toLines(source, currency),
  };
}

interface Totals {
  readonly total: Amount;
  readonly tax: Amount;
  readonly charges: Amount;
  readonly discount: Amount;
}

/** FreeTextInvoiceHeaders has no amounts: there the journal has them. */
function toTotals(source: InvoiceSource): Totals {
  if (source.kind === "sales") {
    const { header } = source;
    return {
      total: header.TotalInvoiceAmount,
      tax: header.TotalTaxAmount,
      charges: header.TotalChargeAmount,
      discount: header.TotalDiscountAmount,
    };
  }
  const { journal } = source;
  return {
    total: journal.InvoiceAmount,
    tax: journal.SumTax,
    charges: journal.SumMarkup,
    discount: addAmounts(journal.SumLineDisc, journal.EndDisc),
  };
}

/** F&O has no mark for a credit note: it is a document that pays money back, a reversed prepayment too. */
function toDocumentType(source: InvoiceSource, total: Amount): CanonicalInvoice["documentType"] {
  if (isNegative(total)) return "creditNote";
  return source.journal.Prepayment === "Yes" ? "prepayment" : "invoice";
}

function toCorrection(source: InvoiceSource): CanonicalInvoice["correction"] {
  if (source.kind === "sales") {
    return { isCorrection: source.journal.IsCorrection === "Yes", corrects: null };
  }
  const { journal, header } = source;
  return {
    isCorrection: journal.IsCorrection === "Yes" || header.IsCorrection === "Yes",
    corrects: textOf(header.CorrectedInvoiceId),
  };
}

function isInterCompany(source: InvoiceSource): boolean {
  const { journal } = source;
  return (
    journal.InterCompanyPosted === "Yes" ||
    textOf(journal.InterCompanyCompanyId) !== null ||
    (source.kind === "freeText" && source.header.IsPostedViaIntercompany === "Yes")
  );
}

function isOneTime(source: InvoiceSource): boolean {
  return (
    source.journal.OneTimeCustomer === "Yes" ||
    source.customer.IsOneTimeCustomer === "Yes" ||
    (source.kind === "freeText" && source.header.IsOneTimeCustomer === "Yes")
  );
}

function toLanguage(source: InvoiceSource): string {
  const ofHeader = source.kind === "freeText" ? textOf(source.header.LanguageId) : null;
  const language =
    textOf(source.journal.LanguageId) ?? ofHeader ?? textOf(source.customer.LanguageId);
  const lower = (language ?? "en-us").toLowerCase();
  return /^[a-z]{2,3}(-[a-z0-9]+)*$/.test(lower) ? lower : "en-us";
}

/** A one-time customer's account is shared by many: the name on the invoice is the right one. */
function toCustomerName(
  customer: CustomerRow,
  invoicingName: Cell<string>,
  isOneTimeCustomer: boolean,
): string {
  const person = [textOf(customer.PersonFirstName), textOf(customer.PersonLastName)]
    .filter((part) => part !== null)
    .join(" ");
  const onInvoice = textOf(invoicingName);
  const names = [
    isOneTimeCustomer ? onInvoice : null,
    textOf(customer.OrganizationName),
    textOf(person),
    onInvoice,
    textOf(customer.NameAlias),
  ];
  return names.find((name) => name !== null) ?? customer.CustomerAccount;
}

function toLines(source: InvoiceSource, currency: string): readonly CanonicalInvoiceLine[] {
  const lines =
    source.kind === "sales"
      ? (source.header.SalesInvoiceLinesV2 ?? []).map((line) => toSalesLine(line, currency))
      : source.lines.map((line) => toFreeTextLine(line, currency));
  return lines.toSorted((a, b) => a.number - b.number);
}

function toSalesLine(line: SalesInvoiceLineRow, currency: string): CanonicalInvoiceLine {
  return {
    number: line.LineCreationSequenceNumber,
    product: textOf(line.ProductNumber),
    description: textOf(line.ProductName) ?? textOf(line.ProductDescription) ?? "",
    quantity: toQuantity(line.InvoicedQuantity),
    unit: textOf(line.SalesUnitSymbol),
    unitPrice: toPrice(line.SalesPrice, currency),
    amount: toAmount(line.LineAmount, currency),
    tax: toAmount(line.LineTotalTaxAmount, currency),
  };
}

function toFreeTextLine(line: FreeTextInvoiceLineRow, currency: string): CanonicalInvoiceLine {
  return {
    number: Number(line.LineNumber),
    product: null,
    description: textOf(line.InvoiceText) ?? textOf(line.Description) ?? "",
    quantity: toQuantity(line.Quantity),
    unit: textOf(line.SalesUnit),
    unitPrice: toPrice(line.UnitPrice, currency),
    amount: toAmount(line.TransactionCurrencyAmount, currency),
    tax: toAmount(line.SalesTaxAmount, currency),
  };
}

/** F&O writes "" where there is nothing. */
function textOf(value: Cell<string>): string | null {
  const text = value?.trim() ?? "";
  return text === "" ? null : text;
}
