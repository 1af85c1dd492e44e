import { beforeEach, describe, expect, it } from "@jest/globals";
import { SimulatedClock } from "../../../../local/clock.ts";
import { createCrmApp, type CrmApp } from "../../../../local/crm/create-crm-app.ts";
import { startOfTest } from "../../../support/local-services.ts";

const invoice = {
  Name: "CIV-000001",
  Company__c: "usmf",
  Customer_Account__c: "US-001",
  Invoice_Date__c: "2026-01-15",
  Currency__c: "USD",
  Total__c: "1250.50",
};
const path = "/services/data/v60.0/sobjects/Invoice__c/Causeway_Key__c";

describe("simulated Salesforce", () => {
  let crm: CrmApp;
  let clock: SimulatedClock;
  let authorization: string;

  beforeEach(async () => {
    clock = new SimulatedClock(startOfTest);
    const credentials = { clientId: "client", clientSecret: "secret" };
    crm = createCrmApp({ clock, ...credentials, baseUrl: () => "http://crm.test" });
    const token = await crm.app.request("/services/oauth2/token", {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: "client",
        client_secret: "secret",
      }),
    });
    authorization = `Bearer ${((await token.json()) as { access_token: string }).access_token}`;
  });

  const patch = (url: string, body: unknown): Response | Promise<Response> =>
    crm.app.request(url, {
      method: "PATCH",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  it("answers 201 to the first upsert of an external id and 200 to the second", async () => {
    const first = await patch(`${path}/key-1`, invoice);
    const second = await patch(`${path}/key-1`, { ...invoice, Total__c: "1.00" });

    expect([first.status, second.status]).toEqual([201, 200]);
    expect(await second.json()).toMatchObject({ success: true, created: false });
    expect(crm.records("Invoice__c")).toMatchObject([{ Total__c: "1.00" }]);
  });

  const ask = async (q: string): Promise<readonly [number, unknown]> => {
    const url = `/services/data/v60.0/query?${new URLSearchParams({ q }).toString()}`;
    const response = await crm.app.request(url, { headers: { authorization } });
    return [response.status, await response.json()];
  };
  const keysOf = (columns: string, list: string): string =>
    `SELECT ${columns} FROM Invoice__c WHERE Causeway_Key__c IN (${list})`;

  it("finds records by a list of external ids, numbers as numbers", async () => {
    await patch(`${path}/key-1`, invoice);
    const [status, body] = await ask(keysOf("Causeway_Key__c, Total__c", "'key-1','key-2'"));

    expect(status).toBe(200);
    expect(body).toMatchObject({
      totalSize: 1,
      done: true,
      records: [{ attributes: { type: "Invoice__c" }, Causeway_Key__c: "key-1", Total__c: 1250.5 }],
    });
  });

  it.each([
    ["is no SOQL", "DELETE FROM Invoice__c", "MALFORMED_QUERY"],
    ["breaks out of its list", keysOf("Id", "'a') OR (Name != 'b'"), "MALFORMED_QUERY"],
    ["names a column that is none", keysOf("Amount__c", "'a'"), "INVALID_FIELD"],
    ["names an object that is none", "SELECT Id FROM Bill__c WHERE Id IN ('a')", "INVALID_TYPE"],
  ])("refuses a query that %s", async (_what, query, errorCode) => {
    expect(await ask(query)).toMatchObject([400, [{ errorCode }]]);
  });

  it("answers 300 and writes nothing when the external id is not unique", async () => {
    for (const Total__c of ["1.00", "2.00"]) {
      await crm.app.request("/sim/records/Invoice__c", {
        method: "POST",
        body: JSON.stringify({ Causeway_Key__c: "twice", Total__c }),
      });
    }

    const response = await patch(`${path}/twice`, invoice);

    expect(response.status).toBe(300);
    expect(await response.json()).toHaveLength(2);
    expect(crm.records("Invoice__c").map((record) => record["Total__c"])).toEqual(["1.00", "2.00"]);
  });

  it("names the missing fields in an error array", async () => {
    const response = await patch(`${path}/key-1`, { ...invoice, Total__c: null });

    expect(response.status).toBe(400);
    expect(await response.json()).toEqual([
      {
        errorCode: "REQUIRED_FIELD_MISSING",
        message: "Required fields are missing: [Total__c]",
        fields: ["Total__c"],
      },
    ]);
  });

  it("answers 200 to a collection with a refused record inside", async () => {
    const response = await patch(
      "/services/data/v60.0/composite/sobjects/Invoice_Line__c/Causeway_Key__c",
      {
        allOrNone: false,
        records: [
          {
            attributes: { type: "Invoice_Line__c" },
            Causeway_Key__c: "a",
            Line_Number__c: 1,
            Amount__c: "5.00",
          },
          {
            attributes: { type: "Invoice_Line__c" },
            Causeway_Key__c: "b",
            Line_Number__c: 2,
            Amount: "5.00",
          },
        ],
      },
    );

    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject([
      { success: true, created: true },
      { success: false, errors: [{ statusCode: "INVALID_FIELD", fields: ["Amount"] }] },
    ]);
  });

  it("refuses a token after two hours", async () => {
    await clock.advance(2 * 60 * 60 * 1000);

    const response = await patch(`${path}/key-1`, invoice);

    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject([{ errorCode: "INVALID_SESSION_ID" }]);
  });
});
