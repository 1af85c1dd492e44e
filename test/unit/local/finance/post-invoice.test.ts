import { describe, expect, it } from "@jest/globals";
import { createFinanceFixture } from "../../../support/finance-fixture.ts";

const day = (text: string): string => `/Date(${Date.parse(text)})/`;

describe("posting in the simulated F&O", () => {
  it("may have happened some minutes ago, for journal and event alike", async () => {
    const { sim, sent, world } = createFinanceFixture();
    const minutesAgo = 20;
    await sim("POST", "/sim/post-invoice", { wait: true, minutesAgo });

    expect(JSON.parse(sent[0]?.text ?? "")).toMatchObject({
      EventTime: day("2026-11-24T08:10:25Z"),
    });
    expect(world.table("CustInvoiceJourBiEntities").rows).toMatchObject([
      { values: { CreatedOn: expect.stringMatching(/^2026-11-24T08:10:25/) } },
    ]);
    const wrong = await sim("POST", "/sim/post-invoice", { minutesAgo: -1 });
    expect(wrong.status).toBe(400);
  });

  it("raises the event of a sales invoice in F&O's exact shape, members in alphabetical order", async () => {
    const { sim, sent } = createFinanceFixture();
    const answer = await sim("POST", "/sim/post-invoice", { wait: true });
    expect(await answer.json()).toMatchObject({
      legalEntity: "usmf",
      number: "CIV-000001",
      voucher: "ARI00000001",
      eventId: "88888888-8888-4888-8888-888888888888",
      businessEventId: "SalesInvoicePostedBusinessEvent",
      controlNumber: 5637611087,
    });
    expect(JSON.parse(sent[0]?.text ?? "")).toEqual({
      BusinessEventId: "SalesInvoicePostedBusinessEvent",
      BusinessEventLegalEntity: "usmf",
      ContextRecordSubject: "",
      ControlNumber: 5637611087,
      EventId: "88888888-8888-4888-8888-888888888888",
      EventTime: day("2026-11-24T08:30:25Z"),
      EventTimeIso8601: "2026-11-24T08:30:25.4185000Z",
      InitiatingUserAADObjectId: "{5D0C7E1A-8E55-4F0B-9C39-2A7FB5D1E6AA}",
      InvoiceAccount: "US-001",
      InvoiceAmountInAccountingCurrency: 245.73,
      InvoiceDate: day("2026-11-24"),
      InvoiceDueDate: day("2026-12-24"),
      InvoiceId: "CIV-000001",
      InvoiceTaxAmount: 18.73,
      LegalEntity: "usmf",
      MajorVersion: 0,
      MinorVersion: 0,
      ParentContextRecordSubjects: [],
      SalesOrderId: "SO-000001",
    });
    const names = [...(sent[0]?.text ?? "").matchAll(/"(\w+)":/g)].map((match) => match[1]);
    expect(names).toEqual([...names].sort());
  });

  it("writes header, lines and journal of a sales invoice, and nothing of free text", async () => {
    const { sim, rows } = createFinanceFixture();
    await sim("POST", "/sim/post-invoice", { lines: 3, number: "INV/2024#1?+%&" });
    const filter = encodeURIComponent("dataAreaId eq 'usmf' and InvoiceNumber eq 'INV/2024#1?+%&'");
    const [header] = await rows(
      `/data/SalesInvoiceHeadersV2?cross-company=true&$filter=${filter}&$expand=SalesInvoiceLinesV2`,
    );
    expect(header).toMatchObject({ SalesOrderNumber: "SO-000001", TotalInvoiceAmount: 4467.45 });
    expect(header?.["SalesInvoiceLinesV2"]).toHaveLength(3);
    const [journal] = await rows("/data/CustInvoiceJourBiEntities?cross-company=true");
    expect(journal).toMatchObject({ DueDate: "2026-12-24T12:00:00Z", Prepayment: "No" });
    expect(await rows("/data/FreeTextInvoiceHeaders?cross-company=true")).toEqual([]);
  });

  it("lists a free text invoice among the sales invoices too, without order and lines", async () => {
    const { sim, rows, sent } = createFinanceFixture();
    await sim("POST", "/sim/post-invoice", { kind: "freeText", company: "demf", wait: true });
    const [header] = await rows("/data/FreeTextInvoiceHeaders?cross-company=true");
    expect(header).toMatchObject({ FreeTextNumber: "FTI-00000001", IsPosted: "Yes" });
    const lines = await rows(
      `/data/FreeTextInvoiceLines?cross-company=true&$filter=ParentRecId eq ${String(header?.["InvoiceIdentifier"])}`,
    );
    expect(lines.map(({ TransactionCurrencyAmount: amount }) => amount)).toEqual([100, 202]);
    const [sales] = await rows(
      "/data/SalesInvoiceHeadersV2?cross-company=true&$expand=SalesInvoiceLinesV2",
    );
    expect(sales).toMatchObject({ SalesOrderNumber: "", SalesInvoiceLinesV2: [] });
    expect(JSON.parse(sent[0]?.text ?? "")).not.toHaveProperty("SalesOrderId");
  });

  it("keeps both currencies of a credit note, each with its own decimals", async () => {
    const { sim, rows } = createFinanceFixture();
    const lines = [{ product: "D0001", quantity: 2, unitPrice: 10.5 }];
    await sim("POST", "/sim/post-invoice", {
      kind: "creditNote",
      company: "jpmf",
      currency: "KWD",
      lines: [...lines, { unitPrice: 0.0015, quantity: 1 }],
    });
    const [journal] = await rows("/data/CustInvoiceJourBiEntities?cross-company=true");
    expect(journal).toMatchObject({
      CurrencyCode: "KWD",
      InvoiceAmount: -23.102,
      InvoiceAmountMST: -11551,
      SumTax: -2.1,
      ExchRate: 50000,
    });
  });

  it("numbers each company's documents by itself", async () => {
    const { sim } = createFinanceFixture();
    await sim("POST", "/sim/post-invoice", {});
    const other = await sim("POST", "/sim/post-invoice", { company: "gbsi" });
    expect(await other.json()).toMatchObject({ number: "CIV-000001" });
    const more = await sim("POST", "/sim/post-invoice", { repeat: 2 });
    expect(await more.json()).toMatchObject({
      documents: [{ number: "CIV-000002" }, { number: "CIV-000003" }],
    });
  });

  it.each([
    [{ company: "none" }, "There is no company none"],
    [
      { kind: "salesInvoice" },
      "kind must be one of sales, freeText, creditNote, prepayment, not salesInvoice",
    ],
    [
      { customerr: "US-001" },
      "customerr is no member; there are kind, company, customer, lines, number, date, dueDate, currency, charges, discount, interCompany, corrects, oneTimeCustomer, door, repeat, wait (the nearest is customer)",
    ],
    [{ customer: "GB-001" }, "There is no customer GB-001 in usmf"],
    [{ currency: "XXX" }, "There is no currency XXX"],
    [{ date: "14.6.2024" }, "14.6.2024 is no date of the form YYYY-MM-DD"],
    [{ door: "https" }, "No https endpoint is active in usmf"],
  ])("refuses %j", async (body, message) => {
    const { sim, rows } = createFinanceFixture();
    const answer = await sim("POST", "/sim/post-invoice", body);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: { innererror: { message } } });
    expect(await rows("/data/CustInvoiceJourBiEntities?cross-company=true")).toEqual([]);
  });
});
