import { describe, expect, it } from "@jest/globals";
import { createDataverseClient } from "../../../../../functions/src/dynamics/dataverse-client.ts";
import type { DataverseClient } from "../../../../../functions/src/dynamics/dataverse-client.ts";
import { createInvoiceReader } from "../../../../../functions/src/targets/dataverse/read-invoice-keys.ts";
import type { DataverseShape } from "../../../../../local/dataverse/table-metadata.ts";
import { createCeTargetFixture, invoiceEvent } from "../../../../support/ce-target-fixture.ts";
import type { CeTargetFixture } from "../../../../support/ce-target-fixture.ts";
import { dataverseUrl } from "../../../../support/dataverse-fixture.ts";

const signal = new AbortController().signal;
const canceled = { statecode: 3, statuscode: 100003 };

/** CE has what the target wrote of CIV-1 of usmf. */
async function createScene(shape: DataverseShape = "sales") {
  const fixture = await createCeTargetFixture({}, { shape });
  await fixture.deliver(invoiceEvent(1));
  const { clock, http } = fixture;
  const client = createDataverseClient({
    ...{ http, baseUrl: dataverseUrl, getToken: () => Promise.resolve("causeway") },
    clock: { now: () => clock.now(), sleep: (ms) => clock.sleep(ms) },
  });
  const [own = {}] = fixture.rows("invoice");
  return { fixture, client, own, ownId: String(own["invoiceid"]) };
}

function read(client: DataverseClient) {
  const { data, effectkey: effectKey } = invoiceEvent(1);
  if (data === undefined) throw new Error("the event has no document");
  return createInvoiceReader(client)([{ ...data, effectKey }], signal);
}

/** A row that somebody else wrote. */
async function write(
  fixture: CeTargetFixture,
  columns: Readonly<Record<string, unknown>>,
  account = "US-001",
): Promise<string> {
  const id = "9f3c1a52-0000-4000-8000-000000000001";
  const [customer = {}] = fixture.rows("account").filter((row) => row["accountnumber"] === account);
  const [currency = {}] = fixture.rows("transactioncurrency");
  const { status } = await fixture.call("POST", "invoices", {
    invoiceid: id,
    name: "CIV-1",
    "customerid_account@odata.bind": `/accounts(${String(customer["accountid"])})`,
    "transactioncurrencyid@odata.bind": `/transactioncurrencies(${String(currency["transactioncurrencyid"])})`,
    ...columns,
  });
  expect(status).toBe(204);
  return id;
}

describe("what CE holds of an invoice", () => {
  it("is the row under its key, with its total", async () => {
    const { client, ownId } = await createScene();

    expect([...(await read(client)).values()]).toEqual([
      { count: 1, amount: 1083, ids: [ownId], suspects: [] },
    ]);
  });

  it.each([
    ["no key", {}],
    ["another key", { cwy_key: "an-old-key" }],
  ])("may be a row of the same number and customer under %s too", async (_what, columns) => {
    const { client, fixture, ownId } = await createScene();
    const id = await write(fixture, { invoicenumber: "CIV-1", ...columns });

    expect([...(await read(client)).values()]).toMatchObject([
      { count: 1, ids: [ownId], suspects: [id] },
    ]);
  });

  it("is no row of another customer, nor one that was canceled", async () => {
    const { client, fixture } = await createScene();
    const id = await write(fixture, { invoicenumber: "CIV-1" }, "DE-001");
    expect([...(await read(client)).values()]).toMatchObject([{ count: 1, suspects: [] }]);

    const [own = {}] = fixture.rows("invoice").filter((row) => row["cwy_key"] !== undefined);
    fixture.overwrite("invoice", id, {
      _customerid_value: String(own["_customerid_value"]),
      ...canceled,
    });
    expect([...(await read(client)).values()]).toMatchObject([{ count: 1, suspects: [] }]);
  });

  it.each([
    ["usmf", "ARPA-000045", 2],
    ["gbsi", "ARPA-000045", 1],
    ["usmf", "ARPA-000046", 1],
  ])("is dual-write's row of %s and voucher %s: %d", async (company, voucher, count) => {
    const { client, fixture, ownId } = await createScene("dualWrite");
    const [found = {}] = fixture
      .rows("cdm_company")
      .filter((row) => row["cdm_companycode"] === company);
    const id = await write(fixture, {
      msdyn_invoicenumber: "CIV-1",
      msdyn_invoicedate: "2026-01-15T12:00:00Z",
      msdyn_ledgervoucher: voucher,
      "msdyn_company@odata.bind": `/cdm_companies(${String(found["cdm_companyid"])})`,
    });

    expect([...(await read(client)).values()]).toMatchObject([
      { count, ids: count === 2 ? [ownId, id] : [ownId], suspects: [] },
    ]);
  });

  it("is asked for dual-write's columns once where there are none", async () => {
    const { client, fixture } = await createScene();
    const reader = createInvoiceReader(client);
    const { data, effectkey: effectKey } = invoiceEvent(1);
    if (data === undefined) throw new Error("the event has no document");
    fixture.requests.length = 0;
    await reader([{ ...data, effectKey }], signal);
    await reader([{ ...data, effectKey }], signal);

    expect(fixture.requests.filter(({ path }) => path.includes("msdyn_"))).toHaveLength(1);
    expect(fixture.requests).toHaveLength(5);
  });
});
