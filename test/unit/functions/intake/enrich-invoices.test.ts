import { describe, expect, it } from "@jest/globals";
import { createFinanceClient } from "../../../../functions/src/dynamics/finance-client.ts";
import { enrichInvoices } from "../../../../functions/src/intake/enrich-invoices.ts";
import type { InvoiceEvent } from "../../../../functions/src/intake/parse-business-event.ts";
import { toCanonicalInvoice } from "../../../../functions/src/intake/to-canonical-invoice.ts";
import { HttpError, type Http } from "../../../../functions/src/platform/http.ts";
import {
  answer,
  freeTextInvoiceRows,
  salesInvoiceRows,
  scriptedFinance,
  type Rows,
} from "../../../support/scripted-finance.ts";

const sales: InvoiceEvent = {
  eventId: "0e6a1c9d-52b1-4c5e-8f10-6d1b7a94c3e2",
  businessEventId: "SalesInvoicePostedBusinessEvent",
  controlNumber: "5637612199",
  time: "2024-06-14T08:30:25.998Z",
  legalEntity: "usmf",
  door: null,
  kind: "sales",
  number: "CIV-000123",
  account: "US-001",
  date: "2024-06-14",
  dueDate: "2024-07-14",
  salesOrder: "000741",
};
const freeText: InvoiceEvent = { ...sales, kind: "freeText", number: "FTI-00000042" };

function enrich(http: Http, events: readonly InvoiceEvent[]) {
  const getToken = (): Promise<string> => Promise.resolve("t");
  const finance = createFinanceClient({ baseUrl: "https://fo.example", http, getToken });
  return enrichInvoices(finance, events, new AbortController().signal);
}

/** The rows with changes to the first row of one set. */
function changed(rows: Rows, set: string, changes: Record<string, unknown>): Rows {
  const [first, ...rest] = rows[set] ?? [];
  return { ...rows, [set]: [{ ...first, ...changes }, ...rest] };
}

async function canonical(rows: Rows, event: InvoiceEvent) {
  const [found] = await enrich(scriptedFinance(rows).http, [event]);
  if (found?.kind !== "found") throw new Error(JSON.stringify(found));
  return toCanonicalInvoice(event, found.source);
}

describe("enrichInvoices", () => {
  it("reads a sales invoice with three requests at once", async () => {
    const finance = scriptedFinance(salesInvoiceRows);
    expect(await enrich(finance.http, [sales])).toMatchObject([{ kind: "found" }]);
    expect(finance.requests.map(({ url }) => decodeURIComponent(url)).sort()).toEqual([
      "https://fo.example/data/CustInvoiceJourBiEntities?cross-company=true&$filter=dataAreaId eq 'usmf' and InvoiceDate ge 2024-06-14T00:00:00Z and InvoiceDate lt 2024-06-15T00:00:00Z and (InvoiceId eq 'CIV-000123')&$select=dataAreaId,InvoiceId,InvoiceDate,LedgerVoucher,InvoiceAccount,OrderAccount,InvoicingName,SalesId,DueDate,CurrencyCode,InvoiceAmount,InvoiceAmountMST,SumTax,SumMarkup,SumLineDisc,EndDisc,LanguageId,Prepayment,IsCorrection,InterCompanyPosted,InterCompanyCompanyId,OneTimeCustomer",
      "https://fo.example/data/CustomersV3?cross-company=true&$filter=dataAreaId eq 'usmf' and (CustomerAccount eq 'US-001')&$select=dataAreaId,CustomerAccount,OrganizationName,PersonFirstName,PersonLastName,NameAlias,PrimaryContactEmail,LanguageId,IsOneTimeCustomer",
      "https://fo.example/data/SalesInvoiceHeadersV2?cross-company=true&$filter=dataAreaId eq 'usmf' and InvoiceDate ge 2024-06-14T00:00:00Z and InvoiceDate lt 2024-06-15T00:00:00Z and (InvoiceNumber eq 'CIV-000123')&$expand=SalesInvoiceLinesV2",
    ]);
  });

  it("reads a hundred invoices of one company and day with a handful of requests", async () => {
    const finance = scriptedFinance(salesInvoiceRows);
    const events = Array.from({ length: 100 }, (_, index) => ({
      ...sales,
      number: `CIV-${index}`,
    }));
    await enrich(finance.http, [...events, sales]);
    const first = finance.requests.filter(({ url }) => url.includes("InvoiceDate%20ge"));
    expect(first.length).toBeLessThanOrEqual(9);
  });

  it("says what is not there yet", async () => {
    const missing = async (set: string, rows: Rows, event: InvoiceEvent): Promise<unknown> =>
      (await enrich(scriptedFinance({ ...rows, [set]: [] }).http, [event]))[0];
    for (const set of ["SalesInvoiceHeadersV2", "CustInvoiceJourBiEntities", "CustomersV3"]) {
      expect(await missing(set, salesInvoiceRows, sales)).toEqual({
        kind: "notFound",
        missing: set,
      });
    }
    expect(await missing("FreeTextInvoiceHeaders", freeTextInvoiceRows, freeText)).toEqual({
      kind: "notFound",
      missing: "FreeTextInvoiceHeaders",
    });
  });

  it("tells another document under the number by account and by date", async () => {
    const other = (rows: Rows): Promise<unknown> => enrich(scriptedFinance(rows).http, [sales]);
    const set = "SalesInvoiceHeadersV2";
    expect(
      await other(changed(salesInvoiceRows, set, { InvoiceCustomerAccountNumber: "US-009" })),
    ).toEqual([
      {
        kind: "mismatch",
        reason: "CIV-000123 of 2024-06-14 belongs to another account than US-001",
      },
    ]);
    expect(
      await other(changed(salesInvoiceRows, set, { InvoiceDate: "2023-06-14T12:00:00Z" })),
    ).toEqual([
      {
        kind: "mismatch",
        reason: "CIV-000123 of 2024-06-14 is not there; F&O has one of 2023-06-14",
      },
    ]);
    const moved = changed(freeTextInvoiceRows, "FreeTextInvoiceHeaders", {
      InvoiceAccount: "US-009",
    });
    expect(await enrich(scriptedFinance(moved).http, [freeText])).toMatchObject([
      { kind: "mismatch" },
    ]);
  });

  it("chooses by the sales order between two documents that differ in nothing else but the voucher", async () => {
    const [header] = salesInvoiceRows["SalesInvoiceHeadersV2"] ?? [];
    const twin = { ...header, LedgerVoucher: "ARPA-000099", SalesOrderNumber: "000999" };
    const [journal] = salesInvoiceRows["CustInvoiceJourBiEntities"] ?? [];
    const rows = {
      ...salesInvoiceRows,
      SalesInvoiceHeadersV2: [twin, header ?? {}],
      CustInvoiceJourBiEntities: [{ ...journal, LedgerVoucher: "ARPA-000099" }, journal ?? {}],
    };
    expect((await canonical(rows, sales)).voucher).toBe("ARPA-000045");
    const same = {
      ...rows,
      SalesInvoiceHeadersV2: [{ ...twin, SalesOrderNumber: "000741" }, header ?? {}],
    };
    expect(await enrich(scriptedFinance(same).http, [sales])).toMatchObject([{ kind: "mismatch" }]);
  });

  it("halves a refused request until only the event at fault suffers", async () => {
    const { http } = scriptedFinance(salesInvoiceRows);
    const poison: Http = (request) =>
      request.url.includes("POISON") ? Promise.resolve(answer(500, "")) : http(request);
    const bad = { ...sales, number: "POISON" };
    const kinds = (await enrich(poison, [sales, bad, { ...sales }, { ...sales }])).map(
      ({ kind }) => kind,
    );
    expect(kinds).toEqual(["found", "failed", "found", "found"]);
  });

  it("halves a group that times out once, so that the other half is read", async () => {
    const { http } = scriptedFinance(salesInvoiceRows);
    let timeouts = 0;
    const slow: Http = (request) => {
      if (!request.url.includes("SLOW")) return http(request);
      timeouts += request.url.includes("SalesInvoiceHeadersV2") ? 1 : 0;
      return Promise.reject(new HttpError("TIMEOUT", request, true));
    };
    const bad = { ...sales, number: "SLOW" };
    const results = await enrich(slow, [sales, { ...sales }, bad, { ...sales }]);
    expect(results.map(({ kind }) => kind)).toEqual(["found", "found", "failed", "failed"]);
    expect(results[2]).toMatchObject({ error: { code: "FINANCE_TIMEOUT", unreachable: false } });
    expect(timeouts).toBe(2);
  });

  it("halves a group whose answer is too large until each document's fits", async () => {
    const { http } = scriptedFinance(salesInvoiceRows);
    const small: Http = (request) =>
      request.url.includes("LARGE")
        ? Promise.reject(new HttpError("RESPONSE_TOO_LARGE", request, true))
        : http(request);
    const bad = { ...sales, number: "LARGE" };
    const results = await enrich(small, [sales, bad, { ...sales }]);
    expect(results.map(({ kind }) => kind)).toEqual(["found", "failed", "found"]);
  });

  it("asks a throttled F&O no second time", async () => {
    let requests = 0;
    const http: Http = () => {
      requests += 1;
      return Promise.resolve(answer(429, "", { "retry-after": "5" }));
    };
    const results = await enrich(http, [sales, { ...sales, number: "CIV-2" }]);
    expect(results).toMatchObject([
      { kind: "failed", error: { afterMs: 5000 } },
      { kind: "failed" },
    ]);
    expect(requests).toBe(3);
  });
});

describe("toCanonicalInvoice", () => {
  it("makes a sales invoice, lines in order", async () => {
    expect(await canonical(salesInvoiceRows, sales)).toEqual({
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
    });
  });

  it("makes a free-text credit note in dinars, with its own lines only", async () => {
    expect(await canonical(freeTextInvoiceRows, { ...freeText, dueDate: null })).toMatchObject({
      kind: "freeText",
      documentType: "creditNote",
      correction: { isCorrection: true, corrects: "FTI-00000040" },
      language: "de",
      voucher: "FTI-V-7",
      dueDate: null,
      customer: { account: "US-001", orderAccount: "US-002" },
      salesOrder: null,
      currency: "KWD",
      total: "-105.131",
      tax: "-5.006",
      discount: "0.300",
      accountingTotal: "-342.18",
      lines: [
        {
          number: 1,
          product: null,
          description: "Rent for June",
          quantity: "-1",
          unitPrice: "100.125",
          amount: "-100.125",
          tax: "-5.006",
        },
      ],
    });
  });

  it("has no decimals in yen", async () => {
    const yen = changed(salesInvoiceRows, "SalesInvoiceHeadersV2", {
      CurrencyCode: "JPY",
      TotalInvoiceAmount: 120_000,
      TotalTaxAmount: 10_909.4,
    });
    expect(await canonical(yen, sales)).toMatchObject({
      currency: "JPY",
      total: "120000",
      tax: "10909",
    });
  });

  it("marks prepayments, intercompany and one-time customers", async () => {
    const journal = (changes: Record<string, unknown>) =>
      canonical(changed(salesInvoiceRows, "CustInvoiceJourBiEntities", changes), sales);
    expect(await journal({ Prepayment: "Yes" })).toMatchObject({ documentType: "prepayment" });
    expect(await journal({ InterCompanyCompanyId: "gbsi" })).toMatchObject({ interCompany: true });
    expect(await journal({ OneTimeCustomer: "Yes", InvoicingName: "Jane Roe" })).toMatchObject({
      oneTimeCustomer: true,
      customer: { name: "Jane Roe" },
    });
  });

  it("names a person by first and last name, and nobody's address is null", async () => {
    const person = {
      OrganizationName: "",
      PersonFirstName: "Jo",
      PersonLastName: "Doe",
      PrimaryContactEmail: "",
    };
    const rows = changed(salesInvoiceRows, "CustomersV3", person);
    expect((await canonical(rows, sales)).customer).toMatchObject({ name: "Jo Doe", email: null });
  });
});
