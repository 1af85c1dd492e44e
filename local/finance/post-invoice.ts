/** Posts documents as F&O does: one transaction of headers, lines and journal, and one business event after it. */
import { toRaisedEvent, toWireDay } from "./business-event.ts";
import type { RaisedEvent } from "./business-event.ts";
import type { FinanceWorld } from "./finance-world.ts";
import { toDocument } from "./invoice-document.ts";
import type { Document, PostRequest } from "./invoice-document.ts";

const NO_DATE = "1900-01-01";
export interface PostedDocument {
  readonly legalEntity: string;
  readonly number: string;
  readonly voucher: string;
  readonly eventId: string;
  readonly businessEventId: string;
  readonly controlNumber: number;
  readonly event: RaisedEvent;
}

/** The Entra user who posts, as events name it. */
const POSTING_USER = "5D0C7E1A-8E55-4F0B-9C39-2A7FB5D1E6AA";

export function postInvoice(
  world: FinanceWorld,
  request: PostRequest,
  nowMs: number,
): PostedDocument {
  const document = toDocument(world, request, nowMs);
  writeJournal(world, document, nowMs);
  writeSalesHeader(world, document);
  if (document.isFreeText) writeFreeText(world, document);
  else writeSalesLines(world, document);
  return raiseEvent(world, document, nowMs);
}

function writeJournal(world: FinanceWorld, document: Document, nowMs: number): void {
  const { amounts, request, kind, currency } = document;
  const { toCompanyCurrency: toMst } = amounts;
  const createdOn = new Date(nowMs).toISOString();
  world.table("CustInvoiceJourBiEntities").insert({
    dataAreaId: document.company.id,
    SourceKey: world.nextRecId(),
    InvoiceId: document.number,
    InvoiceDate: toNoon(document.date),
    DueDate: toNoon(document.dueDate),
    DocumentDate: toNoon(document.date),
    LedgerVoucher: document.voucher,
    InvoiceAccount: document.account,
    OrderAccount: document.account,
    InvoicingName: document.customerName,
    CustGroup: "30",
    Payment: "Net30",
    SalesId: document.salesOrder,
    SalesType: kind === "prepayment" ? "Prepayment" : "Sales",
    CurrencyCode: currency,
    ExchRate: amounts.exchangeRate,
    InvoiceAmount: amounts.total,
    InvoiceAmountMST: toMst(amounts.total),
    SalesBalance: amounts.net,
    SalesBalanceMST: toMst(amounts.net),
    SumTax: amounts.tax,
    SumTaxMST: toMst(amounts.tax),
    SumMarkup: amounts.charges,
    SumMarkupMST: toMst(amounts.charges),
    EndDisc: amounts.discount,
    EndDiscMST: toMst(amounts.discount),
    Qty: amounts.lines.reduce((total, { quantity }) => total + quantity, 0),
    LanguageId: document.language,
    Prepayment: toNoYes(kind === "prepayment"),
    IsCorrection: toNoYes(request.corrects !== undefined),
    OneTimeCustomer: toNoYes(request.oneTimeCustomer === true),
    InterCompanyPosted: toNoYes(request.interCompany !== undefined),
    InterCompanyCompanyId: request.interCompany ?? "",
    Updated: "Yes",
    CreatedOn: createdOn,
    SysModifiedDateTime: createdOn,
    SysDataAreaId: document.company.id,
  });
}

/** The set lists free-text invoices as well, with an empty SalesOrderNumber. */
function writeSalesHeader(world: FinanceWorld, document: Document): void {
  const { amounts } = document;
  world.table("SalesInvoiceHeadersV2").insert({
    ...invoiceKeys(document),
    InvoiceCustomerAccountNumber: document.account,
    SalesOrderNumber: document.salesOrder,
    CurrencyCode: document.currency,
    TotalInvoiceAmount: amounts.total,
    TotalTaxAmount: amounts.tax,
    InvoiceHeaderTaxAmount: amounts.tax,
    TotalChargeAmount: amounts.charges,
    TotalDiscountAmount: amounts.discount,
    PaymentTermsName: "Net30",
  });
}

function writeSalesLines(world: FinanceWorld, document: Document): void {
  for (const [index, line] of document.amounts.lines.entries()) {
    world.table("SalesInvoiceV2Lines").insert({
      ...invoiceKeys(document),
      LineCreationSequenceNumber: index + 1,
      ProductNumber: line.product,
      ProductName: line.name,
      ProductDescription: line.description,
      InvoicedQuantity: line.quantity,
      SalesUnitSymbol: line.unit,
      SalesPrice: line.unitPrice,
      LineAmount: line.amount,
      LineTotalTaxAmount: line.tax,
      CurrencyCode: document.currency,
      ConfirmedShippingDate: toNoon(document.date),
      InventorySiteId: "1",
      InventoryWarehouseId: "11",
    });
  }
}

function writeFreeText(world: FinanceWorld, document: Document): void {
  const { request, currency } = document;
  const header = world.nextRecId();
  world.table("FreeTextInvoiceHeaders").insert({
    dataAreaId: document.company.id,
    InvoiceIdentifier: header,
    FreeTextNumber: document.number,
    InvoiceAccount: document.account,
    CustomerAccount: document.account,
    InvoiceName: document.customerName,
    InvoiceDate: toNoon(document.date),
    DocumentDate: toNoon(document.date),
    DueDate: toNoon(document.dueDate),
    CurrencyCode: currency,
    LanguageId: document.language,
    TermsOfPayment: "Net30",
    CustomerGroup: "30",
    IsPosted: "Yes",
    IsCorrection: toNoYes(request.corrects !== undefined),
    CorrectedInvoiceId: request.corrects ?? "",
    IsOneTimeCustomer: toNoYes(request.oneTimeCustomer === true),
    IsPostedViaIntercompany: toNoYes(request.interCompany !== undefined),
  });
  for (const [index, line] of document.amounts.lines.entries()) {
    world.table("FreeTextInvoiceLines").insert({
      dataAreaId: document.company.id,
      LineNumber: index + 1,
      ParentRecId: header,
      Description: line.description,
      InvoiceText: line.description,
      Quantity: line.quantity,
      SalesUnit: line.unit,
      UnitPrice: line.unitPrice,
      TransactionCurrencyAmount: line.amount,
      SalesTaxAmount: line.tax,
      CurrencyCode: currency,
    });
  }
}

function raiseEvent(world: FinanceWorld, document: Document, nowMs: number): PostedDocument {
  const { company, isFreeText, amounts, number, voucher } = document;
  const eventId = world.nextGuid();
  const controlNumber = world.nextControlNumber();
  const businessEventId = isFreeText
    ? "CustFreeTextInvoicePostedBusinessEvent"
    : "SalesInvoicePostedBusinessEvent";
  const event = toRaisedEvent(
    {
      businessEventId,
      legalEntity: company.id,
      eventId,
      controlNumber,
      timeMs: nowMs,
      timeFraction: Math.floor(world.random() * 10_000),
      userId: POSTING_USER,
    },
    {
      InvoiceAccount: document.account,
      InvoiceId: number,
      ...(isFreeText ? {} : { SalesOrderId: document.salesOrder }),
      InvoiceDate: toWireDay(document.date),
      InvoiceDueDate: toWireDay(document.dueDate),
      InvoiceAmountInAccountingCurrency: amounts.toCompanyCurrency(amounts.total),
      InvoiceTaxAmount: amounts.toCompanyCurrency(amounts.tax),
      LegalEntity: company.id,
    },
    "AccountsReceivable",
  );
  const legalEntity = company.id;
  return { legalEntity, number, voucher, eventId, businessEventId, controlNumber, event };
}

function invoiceKeys(document: Document): Readonly<Record<string, unknown>> {
  return {
    dataAreaId: document.company.id,
    InvoiceNumber: document.number,
    InvoiceDate: toNoon(document.date),
    LedgerVoucher: document.voucher,
  };
}

/** F&O keeps a date at noon UTC. */
function toNoon(day: string | undefined): string {
  return `${day ?? NO_DATE}T12:00:00Z`;
}

function toNoYes(value: boolean): "Yes" | "No" {
  return value ? "Yes" : "No";
}
