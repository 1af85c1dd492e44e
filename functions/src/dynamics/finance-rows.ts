/**
 * The columns that intake reads, by entity set. Everything may be null or absent: localisations and
 * versions differ. Dates are instants at noon UTC; "1900-01-01T12:00:00Z" stands for none, "" for no text.
 */
export type Cell<T> = T | null | undefined;
/** Edm.Decimal is a JSON number, and a string when the service answers IEEE754Compatible. */
export type Amount = Cell<number | string>;
type NoYes = Cell<"No" | "Yes">;

export interface SalesInvoiceHeaderRow {
  readonly dataAreaId: string;
  readonly InvoiceNumber: string;
  readonly InvoiceDate: string;
  readonly LedgerVoucher: string;
  readonly InvoiceCustomerAccountNumber?: Cell<string>;
  readonly SalesOrderNumber?: Cell<string>;
  readonly CurrencyCode?: Cell<string>;
  readonly TotalInvoiceAmount?: Amount;
  readonly TotalTaxAmount?: Amount;
  readonly TotalChargeAmount?: Amount;
  readonly TotalDiscountAmount?: Amount;
  readonly SalesInvoiceLinesV2?: readonly SalesInvoiceLineRow[];
}

export interface SalesInvoiceLineRow {
  readonly LineCreationSequenceNumber: number;
  readonly ProductNumber?: Cell<string>;
  readonly ProductName?: Cell<string>;
  readonly ProductDescription?: Cell<string>;
  readonly InvoicedQuantity?: Amount;
  readonly SalesUnitSymbol?: Cell<string>;
  readonly SalesPrice?: Amount;
  readonly LineAmount?: Amount;
  readonly LineTotalTaxAmount?: Amount;
}

export interface InvoiceJournalRow {
  readonly dataAreaId: string;
  readonly InvoiceId: string;
  readonly InvoiceDate: string;
  readonly LedgerVoucher: string;
  readonly InvoiceAccount?: Cell<string>;
  readonly OrderAccount?: Cell<string>;
  readonly InvoicingName?: Cell<string>;
  readonly SalesId?: Cell<string>;
  readonly DueDate?: Cell<string>;
  readonly CurrencyCode?: Cell<string>;
  readonly InvoiceAmount?: Amount;
  readonly InvoiceAmountMST?: Amount;
  readonly SumTax?: Amount;
  readonly SumMarkup?: Amount;
  readonly SumLineDisc?: Amount;
  readonly EndDisc?: Amount;
  readonly LanguageId?: Cell<string>;
  readonly Prepayment?: NoYes;
  readonly IsCorrection?: NoYes;
  readonly InterCompanyPosted?: NoYes;
  readonly InterCompanyCompanyId?: Cell<string>;
  readonly OneTimeCustomer?: NoYes;
}

export interface FreeTextInvoiceHeaderRow {
  readonly dataAreaId: string;
  readonly InvoiceIdentifier: number | string;
  readonly FreeTextNumber: string;
  readonly InvoiceDate: string;
  readonly InvoiceAccount?: Cell<string>;
  readonly CurrencyCode?: Cell<string>;
  readonly DueDate?: Cell<string>;
  readonly LanguageId?: Cell<string>;
  readonly InvoiceName?: Cell<string>;
  readonly IsCorrection?: NoYes;
  readonly CorrectedInvoiceId?: Cell<string>;
  readonly IsOneTimeCustomer?: NoYes;
  readonly IsPostedViaIntercompany?: NoYes;
}

export interface FreeTextInvoiceLineRow {
  readonly ParentRecId: number | string;
  readonly LineNumber: number | string;
  readonly Description?: Cell<string>;
  readonly InvoiceText?: Cell<string>;
  readonly Quantity?: Amount;
  readonly SalesUnit?: Cell<string>;
  readonly UnitPrice?: Amount;
  readonly TransactionCurrencyAmount?: Amount;
  readonly SalesTaxAmount?: Amount;
}

export interface CustomerRow {
  readonly dataAreaId: string;
  readonly CustomerAccount: string;
  readonly OrganizationName?: Cell<string>;
  readonly PersonFirstName?: Cell<string>;
  readonly PersonLastName?: Cell<string>;
  readonly NameAlias?: Cell<string>;
  readonly PrimaryContactEmail?: Cell<string>;
  readonly LanguageId?: Cell<string>;
  readonly IsOneTimeCustomer?: NoYes;
}

/** Calendar day of an F&O date, in UTC; null for F&O's "no date". */
export function toDay(value: Cell<string>): string | null {
  if (value === null || value === undefined || value === "") return null;
  const instant = new Date(value);
  if (Number.isNaN(instant.getTime()) || instant.getUTCFullYear() <= 1900) return null;
  return instant.toISOString().slice(0, 10);
}
