import { describe, expect, it } from "@jest/globals";
import { compileMapping } from "../../../../../functions/src/flows/compile-mapping.ts";
import {
  ceMapping,
  createCeTargetFixture,
  invoiceEvent,
  invoiceLine,
  invoiceLines,
} from "../../../../support/ce-target-fixture.ts";

const usdInvoice = { total: "1083.00", tax: "83.00" };

describe("the CE target", () => {
  it("writes an invoice with its line, customer, currency and owner", async () => {
    const fixture = await createCeTargetFixture();

    const [outcome] = await fixture.deliver(invoiceEvent(1));

    const [invoice] = fixture.rows("invoice");
    const [account] = fixture.rows("account").filter((row) => row["accountnumber"] === "US-001");
    expect(outcome).toMatchObject({ kind: "delivered", reference: invoice?.["invoiceid"] });
    expect(invoice).toMatchObject({
      cwy_key: "3b241101-e2bb-5255-8caf-000000000001",
      invoicenumber: "CIV-1",
      _customerid_value: account?.["accountid"],
      _ownerid_value: account?.["_ownerid_value"],
      cwy_total: 1083,
      totalamount: 1083,
      cwy_syncedon: "2026-01-15T09:30:00Z",
    });
    expect(fixture.rows("invoicedetail")).toMatchObject([
      {
        cwy_key: "3b241101-e2bb-5255-8caf-000000000001-1",
        isproductoverridden: false,
        cwy_amount: 1000,
      },
    ]);
  });

  it("takes a hundred invoices in two requests once it knows the customers", async () => {
    const fixture = await createCeTargetFixture();
    await fixture.deliver(invoiceEvent(0));
    fixture.requests.length = 0;
    const events = Array.from({ length: 100 }, (_, index) =>
      invoiceEvent(index + 1, { lines: invoiceLines(5) }),
    );

    const outcomes = await fixture.deliver(...events);

    expect(outcomes.filter((outcome) => outcome?.kind === "delivered")).toHaveLength(100);
    expect(fixture.requests.map(({ method }) => method)).toEqual(["POST", "POST"]);
    expect(fixture.rows("invoicedetail")).toHaveLength(501);
  });

  it("hands each invoice's own trace on, once, in a request of many", async () => {
    const fixture = await createCeTargetFixture();
    const traces = [1, 2, 3].map((n) => `00-${String(n).repeat(32)}-${"b".repeat(16)}-01`);
    const events = traces.map((traceparent, index) => ({
      ...invoiceEvent(index + 1, { lines: invoiceLines(4) }),
      traceparent,
    }));
    await fixture.deliver(...events);

    const writes = fixture.requests.filter(({ path }) => path === "$batch");
    const sent = writes.flatMap(({ body }) => body.match(/^traceparent: .*(?=\r$)/gm) ?? []);
    expect(sent).toEqual(traces.map((traceparent) => `traceparent: ${traceparent}`));
    // Changed since: looked at first, then written once more.
    fixture.requests.length = 0;
    const changed = traces.map((traceparent, index) => ({
      ...invoiceEvent(index + 1, { lines: invoiceLines(4), tax: "84.00" }),
      traceparent,
    }));
    await fixture.deliverAgain(...changed);
    const again = fixture.requests.flatMap(
      ({ body }) => body.match(/^traceparent: .*(?=\r$)/gm) ?? [],
    );
    expect(again).toEqual(traces.map((traceparent) => `traceparent: ${traceparent}`));
  });

  it("makes one row of two events for one document, also when they come one after the other", async () => {
    const fixture = await createCeTargetFixture();
    const event = invoiceEvent(1);

    const together = await fixture.deliver(event, { ...event, id: "other" });
    const written = fixture.rows("invoice");
    const later = await fixture.deliver({ ...event, id: "third" });

    expect([...together, ...later].map((outcome) => outcome?.kind)).toEqual([
      "delivered",
      "delivered",
      "delivered",
    ]);
    expect(written).toHaveLength(1);
    expect(fixture.rows("invoice")).toEqual(written);
  });

  it("updates a row whose document says something else, leaving owner and create-only columns", async () => {
    const fixture = await createCeTargetFixture();
    await fixture.deliver(invoiceEvent(1, { lines: invoiceLines(2) }));
    const [before] = fixture.rows("invoice");
    fixture.overwrite("invoice", String(before?.["invoiceid"]), { _ownerid_value: "somebody" });

    const [outcome] = await fixture.deliver(
      invoiceEvent(1, { total: "2000.00", lines: invoiceLines(3) }),
    );

    expect(outcome?.kind).toBe("delivered");
    expect(fixture.rows("invoice")).toMatchObject([
      { cwy_total: 2000, _ownerid_value: "somebody" },
    ]);
    expect(fixture.rows("invoicedetail")).toHaveLength(3);
  });

  it("writes an unknown product as a write-in and keeps it one", async () => {
    const fixture = await createCeTargetFixture();
    const lines = [invoiceLine({ product: "T0004", description: "Television" })];

    await fixture.deliver(invoiceEvent(1, { lines }));
    await fixture.deliver(invoiceEvent(1, { lines: invoiceLines(1), total: "1.00" }));

    expect(fixture.rows("invoicedetail")).toMatchObject([
      { isproductoverridden: true, productdescription: "D0001 Mid-range speaker" },
    ]);
  });

  it("asks for a product that CE does not have once a minute", async () => {
    const fixture = await createCeTargetFixture();
    const lines = [invoiceLine({ product: "T0004", description: "Television" })];
    const questions = (): number =>
      fixture.requests.filter(({ path }) => path.includes("T0004")).length;

    await fixture.deliver(invoiceEvent(1, { lines }));
    await fixture.deliver(invoiceEvent(2, { lines }));
    const before = questions();
    await fixture.clock.advance(60_000);
    await fixture.deliver(invoiceEvent(3, { lines }));

    expect([before, questions()]).toEqual([1, 2]);
  });

  it("waits for a customer that CE does not have and delivers once it is there", async () => {
    const fixture = await createCeTargetFixture();
    const northwind = {
      account: "US-003",
      orderAccount: "US-003",
      name: "Northwind Parts",
      email: null,
    };
    const event = invoiceEvent(1, { customer: northwind });

    const [first, other] = await fixture.deliver(event, invoiceEvent(2));
    fixture.addAccount("US-003", "Northwind Parts");
    const [second] = await fixture.deliver(event);

    expect(first).toEqual({
      kind: "wait",
      code: "CE_CUSTOMER_MISSING",
      missing: ["account/usmf/US-003"],
    });
    expect([other?.kind, second?.kind]).toEqual(["delivered", "delivered"]);
  });

  it("refuses to guess between two accounts of one number", async () => {
    const fixture = await createCeTargetFixture();
    fixture.addAccount("US-001", "Contoso Retail again");

    const [outcome] = await fixture.deliver(invoiceEvent(1));

    expect(outcome).toMatchObject({ kind: "reject", code: "CE_CUSTOMER_AMBIGUOUS" });
  });

  it("lets a bad invoice hurt only itself", async () => {
    const fixture = await createCeTargetFixture();

    const outcomes = await fixture.deliver(
      invoiceEvent(1),
      invoiceEvent(2, { number: "N".repeat(101) }),
      invoiceEvent(3),
      invoiceEvent(4, { total: "twelve" }),
    );

    expect(outcomes.map((outcome) => outcome?.kind)).toEqual([
      "delivered",
      "reject",
      "delivered",
      "reject",
    ]);
    expect(outcomes[1]).toMatchObject({
      code: "CE_REJECTED",
      reason: expect.stringContaining("0x80044331"),
    });
    expect(fixture.rows("invoice")).toHaveLength(2);
  });

  it("pages an invoice of 500 lines and closes it last", async () => {
    const fixture = await createCeTargetFixture();

    const [outcome] = await fixture.deliver(
      invoiceEvent(1, { ...usdInvoice, lines: invoiceLines(500) }),
    );

    const batches = fixture.requests.filter(({ path }) => path === "$batch");
    expect(outcome?.kind).toBe("delivered");
    expect(batches).toHaveLength(2);
    expect(batches[0]?.body).toContain('"cwy_syncedon":null');
    expect(batches[0]?.body).not.toContain("cwy_total");
    expect(fixture.rows("invoicedetail")).toHaveLength(500);
    expect(fixture.rows("invoice")).toMatchObject([
      { cwy_total: 1083, cwy_syncedon: "2026-01-15T09:30:00Z" },
    ]);
  });

  it("finishes a paged invoice that broke off half-way", async () => {
    const fixture = await createCeTargetFixture();
    const event = invoiceEvent(1, { lines: invoiceLines(500) });
    let batches = 0;
    fixture.faultOf = ({ body }) =>
      body.includes("--batch") && (batches += 1) === 2 ? { status: 503 } : undefined;

    const [first] = await fixture.deliver(event);
    const [half] = fixture.rows("invoice");
    const [second] = await fixture.deliver(event);

    expect(first).toMatchObject({ kind: "retry", code: "CE_UNREACHABLE", unreachable: true });
    expect(half?.["cwy_syncedon"]).toBeNull();
    expect(second?.kind).toBe("delivered");
    expect(fixture.rows("invoicedetail")).toHaveLength(500);
  });

  it("finds the row when the answer names it by its key", async () => {
    const fixture = await createCeTargetFixture({}, { entityIdStyle: "key" });

    const [outcome] = await fixture.deliver(invoiceEvent(1));

    const [invoice] = fixture.rows("invoice");
    expect(outcome).toMatchObject({ kind: "delivered", reference: invoice?.["invoiceid"] });
  });

  it("keeps yen without and dinars with three decimals", async () => {
    const fixture = await createCeTargetFixture();
    const yen = [invoiceLine({ unitPrice: "1250", amount: "2500", tax: "250" })];
    const dinar = [
      invoiceLine({ quantity: "3", unitPrice: "1.125", amount: "3.375", tax: "0.169" }),
    ];

    await fixture.deliver(
      invoiceEvent(1, { currency: "JPY", total: "2750", tax: "250", lines: yen }),
      invoiceEvent(2, { currency: "KWD", total: "3.544", tax: "0.169", lines: dinar }),
    );

    expect(fixture.rows("invoice")).toMatchObject([
      { cwy_total: 2750, totalamount: 2750 },
      { cwy_total: 3.544, cwy_tax: 0.169 },
    ]);
    expect(fixture.rows("invoicedetail")).toMatchObject([
      { cwy_amount: 2500 },
      { cwy_amount: 3.375 },
    ]);
  });

  it("writes a credit note with its negative amounts", async () => {
    const fixture = await createCeTargetFixture();
    const lines = [invoiceLine({ quantity: "-2", amount: "-1000.00", tax: "-83.00" })];

    const [outcome] = await fixture.deliver(
      invoiceEvent(1, {
        documentType: "creditNote",
        total: "-1083.00",
        tax: "-83.00",
        charges: "-5.00",
        lines,
      }),
    );

    expect(outcome?.kind).toBe("delivered");
    expect(fixture.rows("invoice")).toMatchObject([
      { cwy_total: -1083, cwy_charges: -5, freightamount: 0, totaltax: -83 },
    ]);
  });

  it("delivers invoice numbers that no address could carry", async () => {
    const fixture = await createCeTargetFixture();

    const [outcome] = await fixture.deliver(invoiceEvent(1, { number: "INV/2024#1?+%&'<>*:\\" }));

    expect(outcome?.kind).toBe("delivered");
    expect(fixture.rows("invoice")).toMatchObject([{ invoicenumber: "INV/2024#1?+%&'<>*:\\" }]);
  });

  it("gives the row to the company's team and waits while there is none", async () => {
    const found = await createCeTargetFixture({ ownerTeam: "usmf" });
    const absent = await createCeTargetFixture({ ownerTeam: "nobody" });

    await found.deliver(invoiceEvent(1));
    const [outcome] = await absent.deliver(invoiceEvent(1));

    const [team] = found.rows("team").filter((row) => row["name"] === "usmf");
    expect(found.rows("invoice")).toMatchObject([{ _ownerid_value: team?.["teamid"] }]);
    expect(outcome).toEqual({
      kind: "wait",
      code: "CE_OWNER_TEAM_MISSING",
      missing: ["team/nobody"],
    });
  });

  it("leaves sales invoices to dual-write where it owns them", async () => {
    const fixture = await createCeTargetFixture({ ownership: "notDualWritten" });

    const outcomes = await fixture.deliver(invoiceEvent(1), invoiceEvent(2, { salesOrder: null }));

    expect(outcomes).toMatchObject([
      { kind: "skipped", rule: "OWNED_BY_DUAL_WRITE", asked: false },
      { kind: "delivered" },
    ]);
  });

  it("writes nothing in a dry run and says what it would have sent", async () => {
    const fixture = await createCeTargetFixture({ mode: "dryRun" });

    const [outcome] = await fixture.deliver(invoiceEvent(1));

    expect(outcome).toMatchObject({
      kind: "skipped",
      rule: "DRY_RUN",
      wouldSend: { cwy_total: 1083 },
    });
    expect(fixture.rows("invoice")).toEqual([]);
  });

  it("says whether CE was asked for a dry run or everything was remembered", async () => {
    const fixture = await createCeTargetFixture({ mode: "dryRun" });

    const [first] = await fixture.deliver(invoiceEvent(1));
    const asked = fixture.requests.length;
    const [second] = await fixture.deliver(invoiceEvent(2));

    expect(asked).toBeGreaterThan(0);
    expect(first).not.toHaveProperty("asked");
    expect(fixture.requests).toHaveLength(asked);
    expect(second).toMatchObject({ rule: "DRY_RUN", asked: false });
  });
});

describe("the CE target beside dual-write", () => {
  const byCompany = compileMapping({
    ...ceMapping,
    fields: ceMapping.fields.map((field) =>
      field.to === "customerid"
        ? {
            to: "customerid",
            lookup: {
              tables: [
                {
                  table: "account",
                  key: { accountnumber: "customer.account", msdyn_company: "$company" },
                  bind: "customerid_account",
                },
              ],
              onMissing: "wait",
            },
          }
        : field,
    ),
  });

  it("tells customers of one number in two companies apart", async () => {
    const fixture = await createCeTargetFixture(
      {},
      { shape: "dualWrite", mappingOf: () => byCompany },
    );
    const [company] = fixture
      .rows("cdm_company")
      .filter((row) => row["cdm_companycode"] === "gbsi");
    const other = fixture.addAccount("US-001", "Another of the number");
    fixture.overwrite("account", String(other["accountid"]), {
      _msdyn_company_value: String(company?.["cdm_companyid"]),
    });

    const outcomes = await fixture.deliver(
      invoiceEvent(1),
      invoiceEvent(2, { legalEntity: "gbsi" }),
      invoiceEvent(3, { legalEntity: "demf" }),
    );

    const customers = fixture.rows("invoice").map((row) => row["_customerid_value"]);
    expect(outcomes.map((outcome) => outcome?.kind)).toEqual(["delivered", "delivered", "wait"]);
    expect(customers[1]).toBe(other["accountid"]);
    expect(customers[0]).not.toBe(other["accountid"]);
  });
});
