import { describe, expect, it } from "@jest/globals";
import { validateWorkflow } from "../../local/logic-apps/validate-workflow.ts";
import { readDefinition, runLogicApp } from "./support/run-logic-app.ts";
import { scriptHttp, sentJson } from "./support/scripted-http.ts";

const operationId = "3b241101-e2bb-5255-8caf-4136c566a962";
const line = {
  number: 1,
  product: "D0001",
  description: "Speaker <b>& more</b>",
  quantity: "2",
  unit: "ea",
  unitPrice: "500.00",
  amount: "1000.00",
  tax: "83.00",
};
const request = {
  step: "send",
  operationId,
  generation: 0,
  sender: "DoNotReply@usmf.example",
  to: [{ address: "ap@contoso-retail.example", displayName: "Contoso Retail" }],
  subject: "Invoice CIV-1 & more",
  texts: {
    heading: "Invoice CIV-1",
    greeting: "Dear <Contoso>",
    totalLabel: "Total",
    dueDateLabel: "Due date",
  },
  invoice: {
    company: "usmf",
    number: "CIV-1",
    documentType: "invoice",
    date: "2026-01-15",
    dueDate: null,
    currency: "USD",
    total: "1083.00",
    tax: "83.00",
    lines: [line],
  },
  notice: null,
};
const withoutInvoice = Object.fromEntries(
  Object.entries(request).filter(([name]) => name !== "invoice"),
);
const statusRequest = { step: "status", operationId, generation: 0 };
const accepted = {
  status: 202,
  headers: { "operation-location": "https://mail.example/emails/operations/1", "retry-after": "1" },
  body: { id: operationId, status: "Running" },
};
const statusPath = `GET /emails/operations/${operationId}`;

const answerTo = async (body: unknown, script: Parameters<typeof scriptHttp>[0]) => {
  const run = await runLogicApp("invoice-email", body, scriptHttp(script));
  return { statusCode: run.response?.statusCode, body: run.response?.body };
};

interface SentMail {
  readonly senderAddress: string;
  readonly recipients: { readonly to: readonly unknown[] };
  readonly content: { readonly subject: string; readonly html: string; readonly plainText: string };
}

const mailOf = async (body: unknown): Promise<SentMail> => {
  const script = scriptHttp({ "POST /emails:send": accepted });
  await runLogicApp("invoice-email", body, script);
  return sentJson(script.requests[0]) as SentMail;
};

describe("invoice-email", () => {
  it("is a definition without problems", async () => {
    expect(validateWorkflow(await readDefinition("invoice-email"))).toEqual([]);
  });

  it("sends one mail under the operation id that it was given, with its identity's token", async () => {
    const script = scriptHttp({ "POST /emails:send": accepted });
    const run = await runLogicApp("invoice-email", request, script);
    expect(run.response).toMatchObject({
      statusCode: 202,
      body: { status: "accepted", operationId },
    });
    expect(script.requests).toHaveLength(1);
    expect(script.requests[0]).toMatchObject({
      uri: "https://mail.example/emails:send?api-version=2025-09-01",
      headers: {
        "operation-id": operationId,
        authorization: "Bearer token of /identities/mail for https://communication.azure.com",
      },
    });
  });

  it("puts subject, sender and recipients into the mail as they are", async () => {
    const mail = await mailOf(request);
    expect(mail.senderAddress).toBe("DoNotReply@usmf.example");
    expect(mail.recipients.to).toEqual(request.to);
    expect(mail.content.subject).toBe("Invoice CIV-1 & more");
  });

  it("escapes every text of the HTML and leaves the plain text alone", async () => {
    const { html, plainText } = (await mailOf(request)).content;
    expect(html).toContain("<td>Speaker &lt;b&gt;&amp; more&lt;/b&gt;</td>");
    expect(html).toContain("<p>Dear &lt;Contoso&gt;</p>");
    expect(html).not.toContain("<Contoso>");
    expect(plainText).toContain("Speaker <b>& more</b>  2 ea  1000.00");
  });

  it("shows amounts with their currency and leaves out rows without a value", async () => {
    const { html } = (await mailOf(request)).content;
    expect(html).toContain('<th align="left">Total</th><th align="right">1083.00 USD</th>');
    expect(html).not.toContain("Due date");
  });

  it("says where a redirected mail would have gone", async () => {
    const { html, plainText } = (await mailOf({ ...request, notice: "Was for <ap@contoso>" }))
      .content;
    expect(html).toContain("Was for &lt;ap@contoso&gt;");
    expect(plainText.startsWith("Was for <ap@contoso>\n\n")).toBe(true);
  });

  it("lists 500 lines", async () => {
    const lines = Array.from({ length: 500 }, (_, index) => ({
      ...line,
      number: index + 1,
      description: `Item ${index + 1}`,
    }));
    const { html } = (await mailOf({ ...request, invoice: { ...request.invoice, lines } })).content;
    expect(html.split("<td>Item ")).toHaveLength(501);
  });

  it.each([
    [
      "throttling",
      {
        status: 429,
        headers: { "retry-after": "60" },
        body: { error: { code: "TooManyRequests", message: "limit" } },
      },
      503,
      { status: "retry", code: "MAIL_THROTTLED", retryAfterSeconds: 60 },
    ],
    [
      "a refused address",
      { status: 400, body: { error: { code: "InvalidRecipients", message: "bad" } } },
      409,
      { status: "reject", code: "MAIL_REJECTED", reason: "Send: HTTP 400 InvalidRecipients: bad" },
    ],
    [
      "a role that is missing",
      { status: 403, body: { error: { code: "Forbidden", message: "no role" } } },
      503,
      { status: "retry", code: "MAIL_UNAUTHORIZED" },
    ],
    [
      "a service that is away",
      { status: 503, body: {} },
      503,
      { status: "retry", code: "MAIL_UNAVAILABLE" },
    ],
    [
      "an error in the middle of sending",
      { status: 500, body: {} },
      504,
      { status: "unsure", code: "MAIL_OUTCOME_UNKNOWN" },
    ],
    ["no answer at all", "neverAnswers" as const, 504, { status: "unsure", code: "MAIL_TIMEOUT" }],
  ])("answers a send what follows from %s", async (_what, answer, statusCode, body) => {
    expect(await answerTo(request, { "POST /emails:send": answer })).toMatchObject({
      statusCode,
      body,
    });
  });

  it("is unsure about a send whose connection broke", async () => {
    expect(await answerTo(request, {})).toMatchObject({
      statusCode: 504,
      body: { status: "unsure", code: "MAIL_OUTCOME_UNKNOWN" },
    });
  });

  it.each([
    [
      "Succeeded",
      { status: 200, body: { status: "Succeeded" } },
      200,
      { status: "delivered", reference: operationId },
    ],
    ["Running", { status: 200, body: { status: "Running" } }, 200, { status: "running" }],
    ["NotStarted", { status: 200, body: { status: "NotStarted" } }, 200, { status: "running" }],
    [
      "Failed",
      {
        status: 200,
        body: { status: "Failed", error: { code: "EmailDropped", message: "refused" } },
      },
      409,
      {
        status: "reject",
        code: "MAIL_FAILED",
        reason: "The mail service failed: EmailDropped refused",
      },
    ],
    [
      "Canceled",
      { status: 200, body: { status: "Canceled" } },
      409,
      { status: "reject", code: "MAIL_CANCELED" },
    ],
    [
      "an unknown operation",
      { status: 404, body: { error: { code: "OperationNotFound", message: "no" } } },
      404,
      { status: "absent" },
    ],
    [
      "throttling",
      { status: 429, headers: { "retry-after": "9" }, body: {} },
      503,
      { status: "retry", code: "MAIL_THROTTLED", retryAfterSeconds: 9 },
    ],
    ["no answer", "neverAnswers" as const, 503, { status: "retry", code: "MAIL_TIMEOUT" }],
  ])(
    "answers a question for the status what follows from %s",
    async (_what, answer, statusCode, body) => {
      expect(await answerTo(statusRequest, { [statusPath]: answer })).toMatchObject({
        statusCode,
        body,
      });
    },
  );

  it("rejects a step that it does not know", async () => {
    expect(await answerTo({ ...request, step: "cancel" }, {})).toMatchObject({
      statusCode: 409,
      body: { status: "reject", code: "WORKFLOW_FAILED" },
    });
  });

  it("rejects a request without an invoice", async () => {
    expect(await answerTo(withoutInvoice, { "POST /emails:send": accepted })).toMatchObject({
      statusCode: 409,
      body: { status: "reject", code: "WORKFLOW_FAILED" },
    });
  });

  it("keeps addresses and texts out of its history", async () => {
    const run = await runLogicApp(
      "invoice-email",
      request,
      scriptHttp({ "POST /emails:send": accepted }),
    );
    const history = JSON.stringify({ actions: run.actions, trigger: run.trigger });
    for (const text of ["contoso", "Contoso", "Speaker", "1083.00"])
      expect(history).not.toContain(text);
  });
});
