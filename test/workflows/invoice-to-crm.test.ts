import { describe, expect, it } from "@jest/globals";
import { validateWorkflow } from "../../local/logic-apps/validate-workflow.ts";
import { readDefinition, runLogicApp } from "./support/run-logic-app.ts";
import { type ScriptedAnswer, scriptHttp, sentJson } from "./support/scripted-http.ts";

const request = {
  effectKey: "0f1e2d3c-0000-5000-8000-000000000001",
  object: "Invoice__c",
  externalIdField: "Causeway_Key__c",
  record: { Name: "CIV-000123", Total__c: 1083.5, Due_Date__c: null },
  lines: [
    { Line_Number__c: 1, Amount__c: 1000 },
    { Line_Number__c: 2, Amount__c: 83.5 },
  ],
};

const secret = { status: 200, body: { value: "s3cr&t" } };
const token = { status: 200, body: { access_token: "T0K" } };
const created = { status: 201, body: { id: "a0B1", success: true, errors: [], created: true } };
const written = (count: number): ScriptedAnswer => ({
  status: 200,
  body: Array.from({ length: count }, (_, index) => ({
    id: `a1L${index}`,
    success: true,
    created: true,
    errors: [],
  })),
});
const upsertInvoice = "PATCH /services/data/v60.0/sobjects/Invoice__c";
const upsertLines = "PATCH /services/data/v60.0/composite/sobjects/Invoice_Line__c";
const success = {
  "GET /secrets/crm": secret,
  "POST /services/oauth2/token": token,
  [upsertInvoice]: created,
  [upsertLines]: written(2),
};

const answerOf = async (script: Parameters<typeof scriptHttp>[0]) => {
  const run = await runLogicApp("invoice-to-crm", request, scriptHttp(script));
  return { statusCode: run.response?.statusCode, body: run.response?.body };
};

const question = {
  step: "read",
  object: "Invoice__c",
  externalIdField: "Causeway_Key__c",
  effectKeys: [request.effectKey, "0f1e2d3c-0000-5000-8000-000000000002"],
};

describe("invoice-to-crm, asked what it holds", () => {
  const ask = (script: Parameters<typeof scriptHttp>[0], body: object = question) => {
    const http = scriptHttp({
      "GET /secrets/crm": secret,
      "POST /services/oauth2/token": token,
      ...script,
    });
    return runLogicApp("invoice-to-crm", body, http).then((run) => ({ run, http }));
  };
  const query = "GET /services/data/v60.0/query";

  it("answers with the key and the total of each record, and writes nothing", async () => {
    const found = [{ Causeway_Key__c: request.effectKey, Total__c: 1083.5 }];
    const { run, http } = await ask({
      [query]: { status: 200, body: { totalSize: 1, done: true, records: found } },
    });

    expect(run.status).toBe("Succeeded");
    expect(run.response).toMatchObject({
      statusCode: 200,
      body: { status: "read", records: [{ effectKey: request.effectKey, amount: 1083.5 }] },
    });
    expect(http.requests.map(({ method }) => method)).toEqual(["GET", "POST", "GET"]);
    expect(new URL(http.requests[2]?.uri ?? "").searchParams.get("q")).toBe(
      `SELECT Causeway_Key__c, Total__c FROM Invoice__c WHERE Causeway_Key__c IN ('${question.effectKeys.join("','")}')`,
    );
  });

  it.each([
    ["the CRM is not well", { [query]: { status: 503, body: [] } }, "HTTP 503"],
    ["the token is refused", { "POST /services/oauth2/token": { status: 400 } }, "HTTP 400"],
  ])("says that it could not when %s, in the run's history too", async (_why, script, reason) => {
    const { run } = await ask(script);

    expect(run.status).toBe("Failed");
    expect(run.response).toMatchObject({
      statusCode: 503,
      body: { status: "retry", code: "CRM_NOT_READ", reason },
    });
  });

  it("asks nobody for keys that are none", async () => {
    const { run, http } = await ask({}, { ...question, effectKeys: ["x') OR (Name != '"] });

    expect(run.response).toMatchObject({ statusCode: 503, body: { code: "CRM_NOT_READ" } });
    expect(http.requests).toEqual([]);
  });
});

describe("invoice-to-crm", () => {
  it("is a definition without problems", async () => {
    expect(validateWorkflow(await readDefinition("invoice-to-crm"))).toEqual([]);
  });

  it("writes the invoice and its lines, and answers with the record's id", async () => {
    const script = scriptHttp(success);
    const run = await runLogicApp("invoice-to-crm", request, script);
    expect(run.status).toBe("Succeeded");
    expect(run.response).toMatchObject({
      statusCode: 200,
      body: { status: "delivered", reference: "a0B1", created: true },
    });
    expect(script.requests.map(({ method, uri }) => `${method} ${uri}`)).toEqual([
      "GET https://vault.example/secrets/crm?api-version=7.4",
      "POST https://crm.example/services/oauth2/token",
      "PATCH https://crm.example/services/data/v60.0/sobjects/Invoice__c/Causeway_Key__c/0f1e2d3c-0000-5000-8000-000000000001",
      "PATCH https://crm.example/services/data/v60.0/composite/sobjects/Invoice_Line__c/Causeway_Key__c",
    ]);
  });

  it("signs in with the vault's secret and uses the token that it gets", async () => {
    const script = scriptHttp(success);
    await runLogicApp("invoice-to-crm", request, script);
    const [vault, signIn, upsert] = script.requests;
    expect(vault?.headers["authorization"]).toBe(
      "Bearer token of /identities/crm for https://vault.azure.net",
    );
    expect(signIn?.body).toBe(
      "grant_type=client_credentials&client_id=client%261&client_secret=s3cr%26t",
    );
    expect(upsert?.headers["authorization"]).toBe("Bearer T0K");
  });

  it("names each line by the invoice's key and its number, and points it at the invoice", async () => {
    const script = scriptHttp(success);
    await runLogicApp("invoice-to-crm", request, script);
    expect(sentJson(script.requests[2])).toEqual(request.record);
    expect(sentJson(script.requests[3])).toMatchObject({
      allOrNone: false,
      records: [
        {
          attributes: { type: "Invoice_Line__c" },
          Causeway_Key__c: "0f1e2d3c-0000-5000-8000-000000000001:1",
          Invoice__r: { Causeway_Key__c: "0f1e2d3c-0000-5000-8000-000000000001" },
          Line_Number__c: 1,
          Amount__c: 1000,
        },
        { Causeway_Key__c: "0f1e2d3c-0000-5000-8000-000000000001:2", Amount__c: 83.5 },
      ],
    });
  });

  it("writes 500 lines in three calls", async () => {
    const lines = Array.from({ length: 500 }, (_, index) => ({
      Line_Number__c: index + 1,
      Amount__c: 1,
    }));
    const script = scriptHttp({
      ...success,
      [upsertLines]: (sent) => written((sentJson(sent) as { records: unknown[] }).records.length),
    });
    const run = await runLogicApp("invoice-to-crm", { ...request, lines }, script);
    const counts = script.requests
      .slice(3)
      .map((sent) => (sentJson(sent) as { records: unknown[] }).records.length);
    expect(run.response?.statusCode).toBe(200);
    expect(counts).toEqual([200, 200, 100]);
  });

  it("reads the id where an older API version answers an update without a body", async () => {
    const answer = await answerOf({
      ...success,
      [upsertInvoice]: { status: 204 },
      "GET /services/data/v60.0/sobjects/Invoice__c": { status: 200, body: { Id: "a0B9" } },
    });
    expect(answer).toEqual({
      statusCode: 200,
      body: { status: "delivered", reference: "a0B9", created: false },
    });
  });

  it.each([
    [
      "an external id that is not unique",
      {
        [upsertInvoice]: {
          status: 300,
          body: ["/services/data/v60.0/sobjects/Invoice__c/1", "/2"],
        },
      },
      409,
      { status: "reject", code: "CRM_AMBIGUOUS" },
    ],
    [
      "a field that the CRM refuses",
      {
        [upsertInvoice]: {
          status: 400,
          body: [
            {
              message: "Required fields are missing: [Name]",
              errorCode: "REQUIRED_FIELD_MISSING",
              fields: ["Name"],
            },
          ],
        },
      },
      409,
      {
        status: "reject",
        code: "CRM_REJECTED",
        reason:
          "Upsert_invoice: HTTP 400 REQUIRED_FIELD_MISSING: Required fields are missing: [Name] (Name)",
      },
    ],
    [
      "a line that the CRM refuses",
      {
        [upsertLines]: {
          status: 200,
          body: [
            { id: "a1L0", success: true, created: true, errors: [] },
            {
              success: false,
              errors: [
                { statusCode: "STRING_TOO_LONG", message: "too long", fields: ["Description__c"] },
              ],
            },
          ],
        },
      },
      409,
      {
        status: "reject",
        code: "CRM_REJECTED",
        reason: "Upsert_lines: HTTP 200 STRING_TOO_LONG: too long (Description__c)",
      },
    ],
    [
      "a locked row",
      {
        [upsertInvoice]: {
          status: 400,
          body: [{ message: "unable to obtain exclusive access", errorCode: "UNABLE_TO_LOCK_ROW" }],
        },
      },
      503,
      { status: "retry", code: "CRM_LOCKED" },
    ],
    [
      "a client that gets no token",
      {
        "POST /services/oauth2/token": {
          status: 400,
          body: { error: "invalid_client", error_description: "invalid client credentials" },
        },
      },
      503,
      {
        status: "retry",
        code: "CRM_TOKEN_REFUSED",
        reason: "Get_token: HTTP 400: invalid client credentials",
      },
    ],
    [
      "a vault that refuses the identity",
      {
        "GET /secrets/crm": { status: 403, body: { error: { code: "Forbidden", message: "no" } } },
      },
      503,
      { status: "retry", code: "CRM_SECRET_UNAVAILABLE" },
    ],
    [
      "the daily limit, which comes as 403",
      {
        [upsertInvoice]: {
          status: 403,
          body: [{ message: "limit exceeded", errorCode: "REQUEST_LIMIT_EXCEEDED" }],
        },
      },
      503,
      { status: "retry", code: "CRM_THROTTLED" },
    ],
    [
      "a CRM that is down",
      { [upsertLines]: { status: 502, body: "<html>" } },
      503,
      { status: "retry", code: "CRM_UNAVAILABLE" },
    ],
    [
      "an upsert without an answer",
      { [upsertInvoice]: "neverAnswers" as const },
      504,
      { status: "unsure", code: "CRM_TIMEOUT" },
    ],
    [
      "lines without an answer",
      { [upsertLines]: "neverAnswers" as const },
      504,
      { status: "unsure", code: "CRM_TIMEOUT" },
    ],
    [
      "a token request without an answer, where nothing was written",
      { "POST /services/oauth2/token": "neverAnswers" as const },
      503,
      { status: "retry", code: "CRM_TIMEOUT" },
    ],
  ])("answers what follows from %s", async (_what, change, statusCode, body) => {
    expect(await answerOf({ ...success, ...change })).toMatchObject({ statusCode, body });
  });

  it("passes on how long a throttling CRM asks to wait", async () => {
    const answer = await answerOf({
      ...success,
      [upsertInvoice]: { status: 429, headers: { "retry-after": "17" }, body: [] },
    });
    expect(answer).toMatchObject({
      statusCode: 503,
      body: { status: "retry", code: "CRM_THROTTLED", retryAfterSeconds: 17 },
    });
  });

  it("stops writing lines at the first chunk that fails, and never repeats a call", async () => {
    const lines = Array.from({ length: 500 }, (_, index) => ({
      Line_Number__c: index + 1,
      Amount__c: 1,
    }));
    const script = scriptHttp({ ...success, [upsertLines]: { status: 500, body: [] } });
    const run = await runLogicApp("invoice-to-crm", { ...request, lines }, script);
    expect(script.requests).toHaveLength(4);
    expect(run).toMatchObject({ status: "Failed", code: "CRM_UNAVAILABLE" });
  });

  it("rejects a request that lacks its parts instead of letting it run in circles", async () => {
    const run = await runLogicApp("invoice-to-crm", { effectKey: "k" }, scriptHttp(success));
    expect(run.response).toMatchObject({
      statusCode: 409,
      body: { status: "reject", code: "WORKFLOW_FAILED" },
    });
  });

  it("keeps secrets, tokens and invoices out of its history", async () => {
    const run = await runLogicApp("invoice-to-crm", request, scriptHttp(success));
    const history = JSON.stringify({ actions: run.actions, trigger: run.trigger });
    for (const secretText of ["s3cr", "T0K", "CIV-000123", "1083.5"])
      expect(history).not.toContain(secretText);
  });
});
