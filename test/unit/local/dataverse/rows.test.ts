import { describe, expect, it } from "@jest/globals";
import { createDataverseFixture } from "../../../support/dataverse-fixture.ts";
import type { DataverseFixture, Json } from "../../../support/dataverse-fixture.ts";

const representation = { prefer: "return=representation" };

async function idOf(
  fixture: DataverseFixture,
  set: string,
  filter: string,
  id: string,
): Promise<string> {
  const { json } = await fixture.call("GET", `${set}?$filter=${encodeURIComponent(filter)}`);
  const [row] = json["value"] as readonly Json[];
  return String(row?.[id]);
}

async function invoiceBody(fixture: DataverseFixture, currency = "USD"): Promise<Json> {
  const account = await idOf(fixture, "accounts", "accountnumber eq 'US-001'", "accountid");
  const filter = `isocurrencycode eq '${currency}'`;
  const currencyId = await idOf(fixture, "transactioncurrencies", filter, "transactioncurrencyid");
  return {
    name: "FTI-1",
    "customerid_account@odata.bind": `/accounts(${account})`,
    "transactioncurrencyid@odata.bind": `/transactioncurrencies(${currencyId})`,
  };
}

function errorCode(json: Json): unknown {
  return (json["error"] as Json)["code"];
}

describe("a simulated Dataverse's rows", () => {
  it("refuse callers without a token and clients that are no application user", async () => {
    const { call } = createDataverseFixture();

    const none = await call("GET", "WhoAmI", undefined, { authorization: "" });
    const bad = await call("GET", "WhoAmI", undefined, { authorization: "Bearer expired" });
    const stranger = await call("GET", "WhoAmI", undefined, { authorization: "Bearer other" });

    expect([none.status, bad.status, stranger.status]).toEqual([401, 401, 403]);
    expect(errorCode(stranger.json)).toBe("0x80072560");
  });

  it("start with the accounts of every customer but Northwind", async () => {
    const fixture = createDataverseFixture();

    const { json } = await fixture.call(
      "GET",
      "accounts?$select=accountnumber&$orderby=accountnumber",
    );

    const numbers = (json["value"] as readonly Json[]).map((row) => row["accountnumber"]);
    expect(numbers).toEqual(["DE-001", "GB-001", "JP-001", "US-001", "US-002"]);
  });

  it("are created once by key and updated after that", async () => {
    const fixture = createDataverseFixture();
    await fixture.install();
    const body = await invoiceBody(fixture);

    const first = await fixture.call("PATCH", "invoices(cwy_key='k1')", body, representation);
    const second = await fixture.call(
      "PATCH",
      "invoices(cwy_key='k1')",
      { name: "B" },
      representation,
    );
    const third = await fixture.call("PATCH", "invoices(cwy_key='K1')", { name: "C" });

    expect([first.status, second.status, third.status]).toEqual([201, 200, 204]);
    expect(second.json).toMatchObject({ cwy_key: "k1", name: "B", statecode: 0, statuscode: 1 });
    expect(third.headers.get("odata-entityid")).toContain(String(first.json["invoiceid"]));
    expect(fixture.rows("invoice")).toHaveLength(1);
  });

  it("obey If-Match and If-None-Match", async () => {
    const fixture = createDataverseFixture();
    await fixture.install();
    const body = await invoiceBody(fixture);

    const absent = await fixture.call("PATCH", "invoices(cwy_key='k')", body, { "if-match": "*" });
    await fixture.call("PATCH", "invoices(cwy_key='k')", body, { "if-none-match": "*" });
    const there = await fixture.call(
      "PATCH",
      "invoices(cwy_key='k')",
      { name: "x" },
      { "if-none-match": "*" },
    );
    const stale = await fixture.call(
      "PATCH",
      "invoices(cwy_key='k')",
      { name: "x" },
      { "if-match": 'W/"1"' },
    );

    expect([absent.status, there.status, stale.status]).toEqual([404, 412, 412]);
    expect(errorCode(absent.json)).toBe("0x80060891");
    expect(errorCode(stale.json)).toBe("0x80060882");
  });

  it.each([
    [{ nosuch: 1 }, "0x80048d19"],
    [{ Name: "wrong case" }, "0x80048d19"],
    [{ name: 5 }, "0x80048d19"],
    [{ name: "x".repeat(301) }, "0x80044331"],
    [{ duedate: "2026-11-24T00:00:00Z" }, "0x80048d19"],
    [{ freightamount: -1 }, "0x80044330"],
    [{ discountamount: 1.005 }, "0x80044330"],
    [{ paymenttermscode: 99 }, "0x80044330"],
    [{ totalamount: 5 }, "0x80040203"],
    [{ "CustomerId_account@odata.bind": "/accounts(1)" }, "0x80048d19"],
    [{ _customerid_value: "1" }, "0x80048d19"],
  ])("refuse %j with %s", async (wrong, code) => {
    const fixture = createDataverseFixture();
    const body = await invoiceBody(fixture);

    const { status, json } = await fixture.call("POST", "invoices", { ...body, ...wrong });

    expect([status, errorCode(json)]).toEqual([400, code]);
    expect(fixture.rows("invoice")).toEqual([]);
  });

  it("compute an invoice's totals from its lines and ignore what was written", async () => {
    const fixture = createDataverseFixture();
    const { json } = await fixture.call(
      "POST",
      "invoices",
      await invoiceBody(fixture),
      representation,
    );
    const id = String(json["invoiceid"]);
    const line = { "invoiceid@odata.bind": `/invoices(${id})`, isproductoverridden: true };

    await fixture.call("POST", "invoicedetails", {
      ...line,
      productdescription: "A",
      quantity: 3,
      priceperunit: 33.33,
      tax: 1.5,
    });
    await fixture.call("PATCH", `invoices(${id})`, { totalamount: 1, freightamount: 10 });

    const read = await fixture.call(
      "GET",
      `invoices(${id})?$select=totalamount,totaltax,totallineitemamount&$expand=invoice_details($select=extendedamount)`,
    );
    expect(read.json).toMatchObject({
      totalamount: 111.49,
      totaltax: 1.5,
      totallineitemamount: 99.99,
    });
    expect(read.json["invoice_details"]).toMatchObject([{ extendedamount: 101.49 }]);
  });

  it("keep three decimals of Kuwaiti dinars and none of yen", async () => {
    const fixture = createDataverseFixture();
    const dinar = { ...(await invoiceBody(fixture, "KWD")), freightamount: 1.125 };
    const yen = { ...(await invoiceBody(fixture, "JPY")), freightamount: 1.5 };

    const kept = await fixture.call("POST", "invoices", dinar, representation);
    const refused = await fixture.call("POST", "invoices", yen);

    expect(kept.json["freightamount"]).toBe(1.125);
    expect([refused.status, errorCode(refused.json)]).toEqual([400, "0x80044330"]);
  });

  it("refuse changes to a paid invoice and to its lines", async () => {
    const fixture = createDataverseFixture();
    const { json } = await fixture.call(
      "POST",
      "invoices",
      await invoiceBody(fixture),
      representation,
    );
    const id = String(json["invoiceid"]);

    const badPair = await fixture.call("PATCH", `invoices(${id})`, { statecode: 2, statuscode: 4 });
    await fixture.call("PATCH", `invoices(${id})`, { statecode: 2, statuscode: 100001 });
    const change = await fixture.call("PATCH", `invoices(${id})`, { name: "B" });
    const line = await fixture.call("POST", "invoicedetails", {
      "invoiceid@odata.bind": `/invoices(${id})`,
      isproductoverridden: true,
      productdescription: "A",
      quantity: 1,
    });
    const reopen = await fixture.call("PATCH", `invoices(${id})`, { statecode: 0, statuscode: 1 });

    expect([badPair.status, change.status, line.status, reopen.status]).toEqual([
      400, 400, 400, 204,
    ]);
    expect(errorCode(badPair.json)).toBe("0x80048408");
  });

  it("want either a product with its unit or a write-in", async () => {
    const fixture = createDataverseFixture();
    const { json } = await fixture.call(
      "POST",
      "invoices",
      await invoiceBody(fixture),
      representation,
    );
    const line = { "invoiceid@odata.bind": `/invoices(${String(json["invoiceid"])})`, quantity: 1 };

    const neither = await fixture.call("POST", "invoicedetails", line);
    const orphan = await fixture.call("POST", "invoicedetails", {
      isproductoverridden: true,
      productdescription: "A",
      quantity: 1,
    });

    expect([neither.status, orphan.status]).toEqual([400, 400]);
  });

  it.each([
    ["a/b", 404],
    ["a+b", 404],
    ["a&b", 400],
    ["a%b", 400],
    ["a?b", 400],
    ["a:b", 400],
  ])("cannot be addressed by the key %s even when it is encoded", async (key, status) => {
    const fixture = createDataverseFixture();
    await fixture.install();

    const answer = await fixture.call("GET", `invoices(cwy_key='${encodeURIComponent(key)}')`);

    expect(answer.status).toBe(status);
  });
});
