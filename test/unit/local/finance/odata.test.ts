import { describe, expect, it } from "@jest/globals";
import { createFinanceFixture } from "../../../support/finance-fixture.ts";
import type { FinanceFixture } from "../../../support/finance-fixture.ts";

const messageOf = async (response: Response): Promise<string> => {
  const body = (await response.json()) as { error: { innererror: { message: string } } };
  return body.error.innererror.message;
};

const numbersOf = (rows: readonly Readonly<Record<string, unknown>>[]): unknown[] =>
  rows.map(({ InvoiceNumber }) => InvoiceNumber);

async function withInvoices(count: number, pageSize = 10_000): Promise<FinanceFixture> {
  const fixture = createFinanceFixture({ pageSize });
  await fixture.sim("POST", "/sim/post-invoice", { repeat: count, wait: true });
  return fixture;
}

describe("the OData service of the simulated F&O", () => {
  it("wants a good token of a registered application", async () => {
    const { app } = createFinanceFixture();
    const status = async (authorization: string): Promise<number> =>
      (await app.request("/data/Companies", { headers: { authorization } })).status;
    expect(await status("")).toBe(401);
    expect(await status("Bearer forged")).toBe(401);
    expect(await status("Bearer stranger")).toBe(403);
    expect(await status("Bearer causeway")).toBe(200);
  });

  it("shows other companies only with cross-company=true, by key as well", async () => {
    const { get, rows } = createFinanceFixture();
    const byKey = "/data/CustomersV3(dataAreaId='gbsi',CustomerAccount='GB-001')";
    expect(await rows("/data/CustomersV3")).toHaveLength(3);
    expect(await rows("/data/CustomersV3?cross-company=true")).toHaveLength(6);
    expect((await get(byKey)).status).toBe(404);
    expect((await get(`${byKey}?cross-company=true`)).status).toBe(200);
  });

  it("writes empty texts, dates and choices as F&O does", async () => {
    const { get } = createFinanceFixture();
    const row = await get("/data/CustomersV3(dataAreaId='USMF',CustomerAccount='us-002')");
    expect(await row.json()).toMatchObject({
      "@odata.context": "https://finance.example/data/$metadata#CustomersV3/$entity",
      dataAreaId: "usmf",
      PrimaryContactEmail: "",
      CreditLimit: 0,
      IsOneTimeCustomer: "No",
      CredManCustomerSince: "1900-01-01T12:00:00Z",
      AddressValidFrom: "1900-01-01T00:00:00Z",
    });
  });

  it("finds documents by number, by day range and by enum", async () => {
    const { rows, sim } = await withInvoices(3);
    await sim("POST", "/sim/post-invoice", { date: "2024-06-14", number: "OLD" });
    const find = async (filter: string): Promise<unknown[]> =>
      numbersOf(
        await rows(
          `/data/SalesInvoiceHeadersV2?$select=InvoiceNumber&$filter=${encodeURIComponent(filter)}`,
        ),
      );
    expect(
      await find(
        "dataAreaId eq 'usmf' and (InvoiceNumber eq 'civ-000001' or InvoiceNumber eq 'CIV-000003')",
      ),
    ).toEqual(["CIV-000001", "CIV-000003"]);
    expect(
      await find("InvoiceDate ge 2024-06-14T00:00:00Z and InvoiceDate lt 2024-06-15T00:00:00Z"),
    ).toEqual(["OLD"]);
    expect(await find("InvoiceNumber eq '*00000*' and TotalInvoiceAmount gt 0")).toHaveLength(3);
    const posted = "Prepayment eq Microsoft.Dynamics.DataEntities.NoYes'Yes'";
    expect(await rows(`/data/CustInvoiceJourBiEntities?$filter=${posted}`)).toEqual([]);
  });

  it("pages: following the next links gives every row once", async () => {
    const { get } = await withInvoices(5, 2);
    let path: string | undefined = "/data/SalesInvoiceHeadersV2?cross-company=true&$count=true";
    const found: unknown[] = [];
    while (path !== undefined) {
      const page = (await (await get(path)).json()) as {
        "@odata.count": number;
        "@odata.nextLink"?: string;
        value: { InvoiceNumber: string }[];
      };
      expect(page["@odata.count"]).toBe(5);
      found.push(...numbersOf(page.value));
      path = page["@odata.nextLink"];
    }
    expect(found).toEqual([1, 2, 3, 4, 5].map((number) => `CIV-00000${number}`));
  });

  it("orders, skips and takes", async () => {
    const { rows } = await withInvoices(4);
    const query = "$orderby=InvoiceNumber desc&$skip=1&$top=2";
    expect(numbersOf(await rows(`/data/SalesInvoiceHeadersV2?${query}`))).toEqual([
      "CIV-000003",
      "CIV-000002",
    ]);
  });

  it.each([
    ["$select=Invoice", "Could not find a property named 'Invoice'"],
    ["$expand=Lines", "Could not find a property named 'Lines'"],
    ["$filter=InvoiceNumber in ('a')", "The operator 'in' is not supported."],
    ["$filter=InvoiceDate eq 2024-06-14", "incompatible types"],
    ["$filter=InvoiceNumber eq 1", "incompatible types"],
    ["$search=x", "The query parameter '$search' is not supported."],
  ])("refuses %s", async (query, message) => {
    const { get } = createFinanceFixture();
    const response = await get(`/data/SalesInvoiceHeadersV2?${query}`);
    expect(response.status).toBe(400);
    expect(await messageOf(response)).toContain(message);
  });

  it("wants every key of a row", async () => {
    const { get } = createFinanceFixture();
    expect((await get("/data/CustomersV3(CustomerAccount='US-001')")).status).toBe(400);
    expect((await get("/data/Nothing")).status).toBe(404);
    expect((await get("/data/%E0%A4%A")).status).toBe(400);
  });

  it("creates, changes with the right etag only, and deletes a customer", async () => {
    const { sim, get, app } = createFinanceFixture();
    const customer = { CustomerAccount: "US-009", OrganizationName: "New" };
    expect((await sim("POST", "/data/CustomersV3", customer)).status).toBe(201);
    const again = await sim("POST", "/data/CustomersV3", customer);
    expect(await messageOf(again)).toContain("The record already exists.");
    const path = "/data/CustomersV3(dataAreaId='usmf',CustomerAccount='US-009')";
    const row = (await (await get(path)).json()) as Record<string, string>;
    const patch = async (etag: string): Promise<number> =>
      (
        await app.request(path, {
          method: "PATCH",
          headers: { authorization: "Bearer causeway", "if-match": etag },
          body: '{"PrimaryContactEmail":"a@new.example"}',
        })
      ).status;
    expect(await patch(row["@odata.etag"] ?? "")).toBe(204);
    expect(await patch(row["@odata.etag"] ?? "")).toBe(412);
    expect((await sim("DELETE", path)).status).toBe(204);
    expect((await get(path)).status).toBe(404);
  });

  it("describes its types in $metadata and lists its sets", async () => {
    const { get } = createFinanceFixture();
    const metadata = await (await get("/data/$metadata")).text();
    expect(metadata).toContain(
      '<EntityType Name="SalesInvoiceHeaderV2"><Key><PropertyRef Name="dataAreaId"/>',
    );
    expect(metadata).toContain('<Property Name="InvoiceDate" Type="Edm.DateTimeOffset"/>');
    const { value } = (await (await get("/data/")).json()) as { value: { name: string }[] };
    expect(value.map(({ name }) => name)).toContain("CustInvoiceJourBiEntities");
  });

  it("refuses to write what is posted", async () => {
    const { sim } = createFinanceFixture();
    const answer = await sim("POST", "/data/SalesInvoiceHeadersV2", {});
    expect(answer.status).toBe(500);
    expect(await messageOf(answer)).toContain("read only");
  });

  it("throttles in F&O's words when told to", async () => {
    const { sim, get } = createFinanceFixture();
    await sim("PUT", "/sim/faults", { status: 429, retryAfter: 3 });
    const response = await get("/data/Companies");
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "3"]);
    expect(await messageOf(response)).toContain("high resource utilization");
  });
});

describe("people in the simulated F&O", () => {
  it("change a customer and add another", async () => {
    const { sim, rows } = createFinanceFixture();
    await sim("PATCH", "/sim/customers/usmf/US-002", { PrimaryContactEmail: "ap@f.example" });
    await sim("POST", "/sim/customers", { company: "usmf", account: "US-010", name: "Ten" });
    const customers = await rows("/data/CustomersV3?$select=PrimaryContactEmail,CustomerAccount");
    expect(customers[1]).toMatchObject({ PrimaryContactEmail: "ap@f.example" });
    expect(customers[3]).toMatchObject({ CustomerAccount: "US-010", PrimaryContactEmail: "" });
  });

  it("change or delete a document in every set that has it, whatever its number", async () => {
    const { sim, rows } = createFinanceFixture();
    await sim("POST", "/sim/post-invoice", { number: "A/1#?+%&" });
    const path = `/sim/invoices/usmf/${encodeURIComponent("A/1#?+%&")}`;
    await sim("PATCH", path, { InvoiceAccount: "US-002" });
    const journal = "/data/CustInvoiceJourBiEntities?$select=InvoiceAccount";
    expect(await rows(journal)).toMatchObject([{ InvoiceAccount: "US-002" }]);
    expect((await sim("DELETE", path)).status).toBe(204);
    expect(await rows(journal)).toEqual([]);
    expect(await rows("/data/SalesInvoiceV2Lines")).toEqual([]);
  });
});
