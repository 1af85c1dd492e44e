import { describe, expect, it } from "@jest/globals";
import { columns as installed } from "../../../../cli/ce/desired-state.ts";
import { findIndexedRows } from "../../../../local/dataverse/find-indexed-rows.ts";
import { readTables } from "../../../../local/dataverse/table-metadata.ts";
import { TableStore } from "../../../../local/dataverse/table-store.ts";
import { parseFilter } from "../../../../local/odata/parse-filter.ts";
import invoiceTable from "../../../../schemas/targets/dataverse/invoice.json" with { type: "json" };
import lineTable from "../../../../schemas/targets/dataverse/invoicedetail.json" with { type: "json" };
import { createDataverseFixture } from "../../../support/dataverse-fixture.ts";
import type { Json } from "../../../support/dataverse-fixture.ts";

describe("a simulated Dataverse's queries", () => {
  it("page by the caller's size and count all rows", async () => {
    const { call } = createDataverseFixture();
    const path = "accounts?$select=accountnumber&$orderby=accountnumber desc&$count=true";

    const first = await call("GET", path, undefined, { prefer: "odata.maxpagesize=3" });
    const next = String(first.json["@odata.nextLink"]).split("/v9.2/")[1] ?? "";
    const second = await call("GET", next, undefined, { prefer: "odata.maxpagesize=3" });

    const numbers = [first, second].flatMap(({ json }) =>
      (json["value"] as readonly Json[]).map((row) => row["accountnumber"]),
    );
    expect(numbers).toEqual(["US-002", "US-001", "JP-001", "GB-001", "DE-001"]);
    expect(first.json["@odata.count"]).toBe(5);
    expect(second.json["@odata.nextLink"]).toBeUndefined();
  });

  it("show lookups as ids, and their tables when annotations are asked for", async () => {
    const { call } = createDataverseFixture();
    const prefer = { prefer: 'odata.include-annotations="*"' };

    const plain = await call(
      "GET",
      "products?$select=_defaultuomid_value&$expand=defaultuomid($select=name)",
    );
    const annotated = await call("GET", "products?$select=_defaultuomid_value", undefined, prefer);

    const [product] = plain.json["value"] as readonly Json[];
    expect(product).toMatchObject({ defaultuomid: { name: "ea" } });
    expect(annotated.json["value"]).toMatchObject([
      { "_defaultuomid_value@Microsoft.Dynamics.CRM.lookuplogicalname": "uom" },
      {},
    ]);
  });

  it.each([
    ["accounts?$select=nosuch", 400],
    ["accounts?$select=ownerid", 400],
    ["accounts?$filter=nosuch eq 1", 400],
    ["accounts?$skip=1", 400],
    ["accounts?$filter=_ownerid_value eq '00000000-0000-0000-0000-000000000000'", 400],
    ["accounts?$filter=accountnumber eq 5", 400],
    ["accounts?$filter=_ownerid_value eq 00000000-0000-0000-0000-000000000000", 200],
    ["accounts?$filter=name eq", 400],
    ["nosuch", 404],
    ["accounts(00000000-0000-0000-0000-000000000000)", 404],
    ["accounts(name='x')", 400],
  ])("answer %s with %d", async (path, status) => {
    const { call } = createDataverseFixture();

    const answer = await call("GET", path);

    expect(answer.status).toBe(status);
  });

  it.each([
    ["accountnumber eq 'a-1' or accountnumber eq 'A-2'", 2],
    ["statecode eq 0 and (accountnumber eq 'A-1' or accountnumber eq 'A-2')", 2],
    ["accountnumber eq 'A-1' or name eq 'Many'", undefined],
    ["accountnumber eq 'A-1' and name ne 'Many' or statecode eq 0", undefined],
  ])("look at few rows for %s", (filter, count) => {
    const account = readTables("sales").find(({ logicalName }) => logicalName === "account");
    const table = account === undefined ? undefined : new TableStore(account);
    for (let index = 0; index < 50; index += 1) {
      table?.put({ accountid: `id-${index}`, accountnumber: `A-${index}`, statecode: 0 });
    }

    const rows = table === undefined ? [] : findIndexedRows(table, parseFilter(filter));

    expect(rows?.length).toBe(count);
  });

  it("take an invoice's lines away with it", async () => {
    const fixture = createDataverseFixture();
    const { json } = await fixture.call(
      "POST",
      "invoices",
      { name: "A" },
      { prefer: "return=representation" },
    );
    const path = `invoices(${String(json["invoiceid"])})`;
    await fixture.call("POST", "invoicedetails", {
      "invoiceid@odata.bind": `/${path}`,
      isproductoverridden: true,
      productdescription: "A",
      quantity: 1,
    });

    const { status } = await fixture.call("DELETE", path);

    expect(status).toBe(204);
    expect([...fixture.rows("invoice"), ...fixture.rows("invoicedetail")]).toEqual([]);
  });
});

describe("the columns that mappings may name", () => {
  it.each([invoiceTable, lineTable])("of $table are Dataverse's or installed by us", (target) => {
    const table = readTables("dualWrite").find(({ logicalName }) => logicalName === target.table);
    const own = installed.filter((column) => column.table === target.table).map(({ name }) => name);

    const unknown = Object.keys(target.columns).filter(
      (name) => table?.columns.has(name) !== true && !own.includes(name),
    );

    expect(unknown).toEqual([]);
    expect(Object.keys(target.lookups).every((name) => table?.navigation.has(name))).toBe(true);
  });
});
