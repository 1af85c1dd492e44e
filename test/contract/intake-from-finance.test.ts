import { beforeEach, describe, expect, it } from "@jest/globals";
import {
  createFinanceClient,
  type FinanceClient,
} from "../../functions/src/dynamics/finance-client.ts";
import { createSchemaSet } from "../../functions/src/flows/schema-set.ts";
import { enrichInvoices } from "../../functions/src/intake/enrich-invoices.ts";
import {
  parseBusinessEvent,
  type InvoiceEvent,
} from "../../functions/src/intake/parse-business-event.ts";
import { toCanonicalInvoice } from "../../functions/src/intake/to-canonical-invoice.ts";
import { createFinanceApp, type FinanceApp } from "../../local/finance/create-finance-app.ts";
import { postInvoice } from "../../local/finance/post-invoice.ts";
import type { PostRequest } from "../../local/finance/invoice-document.ts";
import type { CanonicalInvoice } from "../../schemas/types/canonical-invoice.ts";
import { localServices, startOfTest } from "../support/local-services.ts";

// What our simulated F&O sends and shows is what intake reads: neither was written from the other.
const schemas = createSchemaSet();
const knownEvents = ["SalesInvoicePostedBusinessEvent", "CustFreeTextInvoicePostedBusinessEvent"];
const baseUrl = "http://fo.example";
const nobody = (): Promise<void> => Promise.reject(new Error("nothing is sent here"));

let finance: FinanceApp;
let client: FinanceClient;
let requests = 0;

beforeEach(() => {
  requests = 0;
  finance = createFinanceApp(localServices(), {
    baseUrl: () => baseUrl,
    senders: { eventGrid: nobody, serviceBus: nobody, https: nobody },
    pageSize: 3,
  });
  finance.registerApplication("causeway");
  client = createFinanceClient({
    baseUrl,
    getToken: () => Promise.resolve("causeway"),
    http: async ({ url, method, headers = {} }) => {
      requests += 1;
      const response = await finance.app.request(url, { method, headers: { ...headers } });
      const { status } = response;
      return { status, headers: response.headers, body: await response.text() };
    },
  });
});

function post(request: PostRequest): InvoiceEvent {
  const { event } = postInvoice(finance.world, request, startOfTest);
  const parsed = parseBusinessEvent(event.text, { schemas, knownEvents });
  if (parsed.kind !== "invoice") throw new Error(JSON.stringify(parsed));
  return parsed.event;
}

async function read(
  events: readonly InvoiceEvent[],
): Promise<readonly (CanonicalInvoice | string)[]> {
  const found = await enrichInvoices(client, events, new AbortController().signal);
  return found.map((each, index) => {
    const event = events[index];
    return each.kind === "found" && event !== undefined
      ? toCanonicalInvoice(event, each.source)
      : each.kind;
  });
}

describe("intake reads from F&O", () => {
  it("each kind of document in its company and currency", async () => {
    const invoices = await read([
      post({ kind: "sales", company: "usmf", customer: "US-001" }),
      post({ kind: "freeText", company: "gbsi", customer: "GB-001" }),
      post({ kind: "creditNote", company: "demf", customer: "DE-001" }),
      post({ kind: "prepayment", company: "jpmf", customer: "JP-001" }),
      post({ kind: "sales", company: "usmf", customer: "US-002", interCompany: "gbsi" }),
    ]);
    expect(invoices).toMatchObject([
      {
        kind: "sales",
        documentType: "invoice",
        currency: "USD",
        language: "en-us",
        date: "2026-01-15",
        dueDate: "2026-02-14",
        customer: { email: "ap@contoso-retail.example" },
      },
      {
        kind: "freeText",
        documentType: "invoice",
        currency: "GBP",
        language: "en-gb",
        salesOrder: null,
        lines: [{ product: null }, {}],
      },
      {
        documentType: "creditNote",
        currency: "EUR",
        language: "de",
        total: expect.stringMatching(/^-\d+\.\d\d$/),
      },
      {
        documentType: "prepayment",
        currency: "JPY",
        language: "ja",
        total: expect.stringMatching(/^\d+$/),
      },
      { interCompany: true, customer: { email: null } },
    ]);
  });

  it("an invoice whose number breaks addresses, with more lines than a page", async () => {
    const number = "INV/2024#1?+%&'";
    const [invoice] = await read([post({ number, lines: 10 })]);
    expect(invoice).toMatchObject({ number });
    expect(typeof invoice === "string" ? [] : invoice?.lines.map((line) => line.number)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
  });

  it("forty invoices with a few requests, each with its own lines", async () => {
    const events = Array.from({ length: 40 }, (_, index) => post({ lines: (index % 4) + 1 }));
    const invoices = await read(events);
    expect(invoices.map((each) => (typeof each === "string" ? each : each.lines.length))).toEqual(
      events.map((_, index) => (index % 4) + 1),
    );
    // Three rows a page here; in F&O it is 10,000 and each set one or two requests.
    expect(requests).toBeLessThan(40);
  });

  it("and finds nothing, or another document, when F&O has changed its mind", async () => {
    const gone = post({ number: "CIV-GONE" });
    const moved = post({ number: "CIV-MOVED", date: "2026-01-14" });
    const rows = finance.world.table("SalesInvoiceHeadersV2");
    for (const row of rows.findBy("InvoiceNumber", "CIV-GONE")) rows.delete(row);
    expect(
      await read([gone, { ...moved, date: "2026-01-15" }, { ...moved, account: "US-003" }]),
    ).toEqual(["notFound", "mismatch", "mismatch"]);
  });
});
