import { describe, expect, it } from "@jest/globals";
import { createDataverseFixture } from "../../../support/dataverse-fixture.ts";
import type { Json } from "../../../support/dataverse-fixture.ts";

const definition = "EntityDefinitions(LogicalName='invoice')";
const column = {
  "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
  SchemaName: "cwy_key",
  MaxLength: 100,
  DisplayName: { LocalizedLabels: [{ Label: "Key", LanguageCode: 1033 }] },
};
const key = { SchemaName: "cwy_key_key", KeyAttributes: ["cwy_key"] };

describe("a simulated Dataverse's metadata", () => {
  it("shows columns and keys of a table", async () => {
    const { call } = createDataverseFixture();

    const { json } = await call(
      "GET",
      `${definition}?$select=LogicalName&$expand=Attributes($select=LogicalName),Keys`,
    );

    const names = (json["Attributes"] as readonly Json[]).map((one) => one["LogicalName"]);
    expect(json).toMatchObject({ LogicalName: "invoice", Keys: [] });
    expect(names).toContain("invoicenumber");
    expect(names).not.toContain("cwy_key");
  });

  it("takes a new column at once and refuses it twice", async () => {
    const { call } = createDataverseFixture();

    const first = await call("POST", `${definition}/Attributes`, column);
    const second = await call("POST", `${definition}/Attributes`, column);
    const read = await call("GET", `${definition}/Attributes(LogicalName='cwy_key')`);
    const used = await call("GET", "invoices?$select=cwy_key");

    expect([first.status, second.status, read.status, used.status]).toEqual([204, 400, 200, 200]);
    expect(read.json).toMatchObject({ AttributeType: "String", MaxLength: 100 });
  });

  it("builds a key's index in the background; only an active key can be used", async () => {
    const { call, clock } = createDataverseFixture();
    await call("POST", `${definition}/Attributes`, column);
    await call("POST", `${definition}/Keys`, key);
    const status = async (): Promise<unknown> => {
      const { json } = await call("GET", `${definition}/Keys(LogicalName='cwy_key_key')`);
      return json["EntityKeyIndexStatus"];
    };

    const pending = await status();
    const early = await call("PATCH", "invoices(cwy_key='k')", { name: "A" });
    await clock.advance(200);
    const building = await status();
    await clock.advance(100);

    expect([pending, early.status, building]).toEqual(["Pending", 400, "InProgress"]);
    expect(await status()).toBe("Active");
    expect((await call("PATCH", "invoices(cwy_key='k')", { name: "A" })).status).toBe(204);
  });

  it("fails a key whose values collide", async () => {
    const { call, clock } = createDataverseFixture();
    await call("POST", `${definition}/Attributes`, column);
    for (const name of ["A", "B"]) await call("POST", "invoices", { name, cwy_key: "same" });

    await call("POST", `${definition}/Keys`, key);
    await clock.advance(300);

    const { json } = await call("GET", `${definition}/Keys`);
    expect(json["value"]).toMatchObject([{ EntityKeyIndexStatus: "Failed" }]);
  });

  it("refuses a column without a prefix and a solution that it does not know", async () => {
    const { call } = createDataverseFixture();
    const header = { "MSCRM.SolutionUniqueName": "causeway" };

    const bare = await call("POST", `${definition}/Attributes`, { ...column, SchemaName: "key" });
    const unknown = await call("POST", `${definition}/Attributes`, column, header);

    expect([bare.status, unknown.status]).toEqual([400, 400]);
  });

  it("has companies and their columns only with dual-write", async () => {
    const plain = createDataverseFixture();
    const dual = createDataverseFixture({ shape: "dualWrite" });
    const filter = encodeURIComponent(
      "msdyn_company/cdm_companycode eq 'usmf' and accountnumber eq 'US-001'",
    );

    const absent = await plain.call("GET", "cdm_companies");
    const found = await dual.call("GET", `accounts?$select=name&$filter=${filter}`);

    expect([absent.status, found.status]).toEqual([404, 200]);
    expect(found.json["value"]).toMatchObject([{ name: "Contoso Retail" }]);
  });
});

describe("a simulated Dataverse's service protection", () => {
  it("refuses the 6,001st request in five minutes and says how long to wait", async () => {
    const { call, clock } = createDataverseFixture({ limits: { enforce: true } });
    for (let index = 0; index < 6_000; index += 1) await call("GET", "WhoAmI");

    const refused = await call("GET", "WhoAmI");
    await clock.advance(300_001);
    const later = await call("GET", "WhoAmI");

    expect([refused.status, later.status]).toEqual([429, 200]);
    expect(refused.json).toMatchObject({ error: { code: "0x80072322" } });
    expect(refused.headers.get("retry-after")).toBe("300");
    expect(later.headers.get("x-ms-ratelimit-burst-remaining-xrm-requests")).toBe("5999");
  });

  it("refuses more than 52 requests at once", async () => {
    const { call } = createDataverseFixture({ limits: { enforce: true } });

    const answers = await Promise.all(Array.from({ length: 60 }, () => call("GET", "WhoAmI")));

    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(8);
    expect(refused[0]?.json).toMatchObject({ error: { code: "0x80072326" } });
  });
});
