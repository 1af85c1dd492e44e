import type { Http, HttpRequest, HttpResponse } from "../../functions/src/platform/http.ts";

export type Rows = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;

/** A usmf sales invoice of 2024-06-14 as F&O's entities show it. */
export const salesInvoiceRows: Rows = {
  SalesInvoiceHeadersV2: [
    {
      dataAreaId: "usmf",
      InvoiceNumber: "CIV-000123",
      InvoiceDate: "2024-06-14T12:00:00Z",
      LedgerVoucher: "ARPA-000045",
      InvoiceCustomerAccountNumber: "US-001",
      SalesOrderNumber: "000741",
      CurrencyCode: "USD",
      TotalInvoiceAmount: 1250.5,
      TotalTaxAmount: 50.5,
      TotalChargeAmount: 0,
      TotalDiscountAmount: 0,
      SalesInvoiceLinesV2: [
        {
          LineCreationSequenceNumber: 2,
          ProductNumber: "",
          ProductName: "Installation",
          InvoicedQuantity: 1.5,
          SalesUnitSymbol: "",
          SalesPrice: 133.3333,
          LineAmount: 200,
          LineTotalTaxAmount: 10.1,
        },
        {
          LineCreationSequenceNumber: 1,
          ProductNumber: "D0001",
          ProductName: "Mid-range speaker",
          InvoicedQuantity: 2,
          SalesUnitSymbol: "ea",
          SalesPrice: 500,
          LineAmount: 1000,
          LineTotalTaxAmount: 40.4,
        },
      ],
    },
  ],
  CustInvoiceJourBiEntities: [
    {
      dataAreaId: "usmf",
      InvoiceId: "CIV-000123",
      InvoiceDate: "2024-06-14T12:00:00Z",
      LedgerVoucher: "ARPA-000045",
      InvoiceAccount: "US-001",
      OrderAccount: "US-001",
      DueDate: "2024-07-14T12:00:00Z",
      CurrencyCode: "USD",
      InvoiceAmount: 1250.5,
      InvoiceAmountMST: 1250.5,
      LanguageId: "en-US",
      Prepayment: "No",
      IsCorrection: "No",
      InterCompanyPosted: "No",
      InterCompanyCompanyId: "",
      OneTimeCustomer: "No",
    },
  ],
  CustomersV3: [
    {
      dataAreaId: "usmf",
      CustomerAccount: "US-001",
      OrganizationName: "Contoso Retail",
      PrimaryContactEmail: "ap@contoso-retail.example",
      LanguageId: "en-us",
    },
  ],
};

/** A free-text invoice of the same customer and day: amounts are in the journal, lines have a parent. */
export const freeTextInvoiceRows: Rows = {
  FreeTextInvoiceHeaders: [
    {
      dataAreaId: "usmf",
      InvoiceIdentifier: 5637144600,
      FreeTextNumber: "FTI-00000042",
      InvoiceDate: "2024-06-14T12:00:00Z",
      InvoiceAccount: "US-001",
      CurrencyCode: "KWD",
      LanguageId: "de",
      IsCorrection: "Yes",
      CorrectedInvoiceId: "FTI-00000040",
    },
  ],
  FreeTextInvoiceLines: [
    {
      ParentRecId: 5637144600,
      LineNumber: 1,
      Description: "Rent",
      InvoiceText: "Rent for June",
      Quantity: -1,
      UnitPrice: 100.125,
      TransactionCurrencyAmount: -100.125,
      SalesTaxAmount: -5.006,
    },
    { ParentRecId: 1, LineNumber: 1, Description: "of another invoice", Quantity: 1 },
  ],
  CustInvoiceJourBiEntities: [
    {
      dataAreaId: "usmf",
      InvoiceId: "FTI-00000042",
      InvoiceDate: "2024-06-14T12:00:00Z",
      LedgerVoucher: "FTI-V-7",
      InvoiceAccount: "US-001",
      OrderAccount: "US-002",
      DueDate: "1900-01-01T12:00:00Z",
      InvoiceAmount: -105.131,
      InvoiceAmountMST: -342.18,
      SumTax: -5.006,
      SumMarkup: 0,
      SumLineDisc: 0.1,
      EndDisc: 0.2,
    },
  ],
  CustomersV3: salesInvoiceRows["CustomersV3"] ?? [],
};

/**
 * An F&O that knows these rows: of a set it returns those one of whose values the filter names, on the
 * day that the filter names. Every request is kept.
 */
export function scriptedFinance(rows: Rows): {
  readonly http: Http;
  readonly requests: HttpRequest[];
} {
  const requests: HttpRequest[] = [];
  const http: Http = (request) => {
    requests.push(request);
    const url = new URL(request.url);
    const filter = url.searchParams.get("$filter") ?? "";
    const set = url.pathname.split("/").at(-1) ?? "";
    const value = (rows[set] ?? []).filter((row) => isAsked(row, filter));
    return Promise.resolve(answer(200, { "@odata.context": "x", value }));
  };
  return { http, requests };
}

function isAsked(row: Readonly<Record<string, unknown>>, filter: string): boolean {
  const day = /InvoiceDate ge (\d{4}-\d{2}-\d{2})/.exec(filter)?.[1];
  const date = row["InvoiceDate"];
  if (day !== undefined && typeof date === "string" && !date.startsWith(day)) return false;
  return Object.entries(row).some(([name, value]) =>
    typeof value === "number"
      ? filter.includes(`${name} eq ${value}`)
      : name !== "dataAreaId" &&
        filter.includes(`${name} eq '${String(value).replaceAll("'", "''")}'`),
  );
}

export function answer(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  return {
    status,
    headers: { get: (name) => headers[name] ?? null },
    body: typeof body === "string" ? body : JSON.stringify(body),
  };
}
