/*
 * A function app as samples show it, for comparison: one message at a time, one HTTP call to each target,
 * no ledger, no batch, no policy. What throws is abandoned and comes again at once. It reads the same
 * queue, under the same identity, and does the same to the same systems as Causeway.
 */
import { app } from "@azure/functions";
import { ManagedIdentityCredential } from "@azure/identity";
import { ServiceBusClient } from "@azure/service-bus";
import { toCrmMessage, toInvoiceBatch, toMailMessage } from "./sample-messages.ts";
import type { Row, SampleInvoice } from "./sample-messages.ts";

const settings = process.env;
const financeUrl = settings["CAUSEWAY_FINANCE_URL"] ?? "";
const dataverseUrl = settings["CAUSEWAY_DATAVERSE_URL"] ?? "";
const workflows = JSON.parse(settings["CAUSEWAY_WORKFLOWS"] ?? "{}") as Record<string, string>;
const workflowAudience = settings["CAUSEWAY_WORKFLOW_AUDIENCE"] ?? "";
const credential = new ManagedIdentityCredential({ clientId: settings["AZURE_CLIENT_ID"] ?? "" });
const sender = new ServiceBusClient(
  settings["ServiceBus__fullyQualifiedNamespace"] ?? "",
  credential,
).createSender("integration-events");

app.serviceBusQueue("take-in", {
  connection: "ServiceBus",
  queueName: "business-events",
  handler: async (message: unknown) => {
    const event = toBusinessEvent(message);
    if (event["BusinessEventId"] === "BusinessEventsTestEndpointContract") return;
    const invoice = await readInvoice(event);
    const properties = Object.fromEntries(targetsThatRun().map((name) => [`to_${name}`, "1"]));
    await sender.sendMessages({ body: invoice, applicationProperties: properties });
  },
});

app.serviceBusTopic("deliver-ce", {
  connection: "ServiceBus",
  topicName: "integration-events",
  subscriptionName: "ce",
  handler: async (message: unknown) => {
    const invoice = message as SampleInvoice;
    const accountId = await findAccount(String(invoice.header["InvoiceCustomerAccountNumber"]));
    const { body, contentType } = toInvoiceBatch(invoice, accountId);
    const answer = await call(`${dataverseUrl}/api/data/v9.2/$batch`, dataverseUrl, {
      method: "POST",
      headers: { "content-type": contentType },
      body,
    });
    if (/HTTP\/1\.1 [45]/.test(answer)) throw new Error("CE refused the invoice");
  },
});

for (const [name, toMessage] of [
  ["crm", toCrmMessage],
  ["email", toMailMessage],
] as const) {
  app.serviceBusTopic(`deliver-${name}`, {
    connection: "ServiceBus",
    topicName: "integration-events",
    subscriptionName: name,
    handler: async (message: unknown) => {
      const url = `${workflows[name] ?? ""}/triggers/manual/paths/invoke?api-version=2016-10-01`;
      await call(url, workflowAudience.replace(/\/+$/, ""), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(toMessage(message as SampleInvoice)),
      });
    },
  });
}

function targetsThatRun(): readonly string[] {
  return ["ce", "crm", "email"].filter((name) => name === "ce" || workflows[name] !== undefined);
}

/** Event Grid's envelope holds F&O's own JSON as text. */
function toBusinessEvent(message: unknown): Row {
  const { data } = message as { readonly data?: unknown };
  if (data === undefined) return message as Row;
  return (typeof data === "string" ? JSON.parse(data) : data) as Row;
}

async function readInvoice(event: Row): Promise<SampleInvoice> {
  const company = String(event["LegalEntity"]).toLowerCase();
  const number = String(event["InvoiceId"]);
  const isFreeText = String(event["BusinessEventId"]).startsWith("CustFreeText");
  const ofInvoice = `dataAreaId eq '${company}' and InvoiceNumber eq '${number}'`;
  const account = String(event["InvoiceAccount"]);
  const [headers, lines, customers] = await Promise.all([
    readFinance("SalesInvoiceHeadersV2", ofInvoice),
    isFreeText ? [] : readFinance("SalesInvoiceV2Lines", ofInvoice),
    readFinance("CustomersV3", `dataAreaId eq '${company}' and CustomerAccount eq '${account}'`),
  ]);
  const [header] = headers;
  const [customer] = customers;
  if (header === undefined || customer === undefined) throw new Error("F&O has no such invoice");
  return { company, number, eventId: String(event["EventId"]), header, lines, customer };
}

async function readFinance(entitySet: string, filter: string): Promise<readonly Row[]> {
  const url = `${financeUrl}/data/${entitySet}?cross-company=true&$filter=${encodeURIComponent(filter)}`;
  return (JSON.parse(await call(url, financeUrl)) as { readonly value: readonly Row[] }).value;
}

const accounts = new Map<string, string>();

async function findAccount(number: string): Promise<string> {
  const known = accounts.get(number);
  if (known !== undefined) return known;
  const filter = encodeURIComponent(`accountnumber eq '${number}'`);
  const url = `${dataverseUrl}/api/data/v9.2/accounts?$select=accountid&$filter=${filter}`;
  const { value } = JSON.parse(await call(url, dataverseUrl)) as { readonly value: readonly Row[] };
  const id = String(value[0]?.["accountid"]);
  accounts.set(number, id);
  return id;
}

const tokens = new Map<string, { readonly token: string; readonly expiresOnTimestamp: number }>();

async function call(url: string, audience: string, init: RequestInit = {}): Promise<string> {
  let token = tokens.get(audience);
  if (token === undefined || token.expiresOnTimestamp < Date.now() + 60_000) {
    token = await credential.getToken(`${audience}/.default`);
    tokens.set(audience, token);
  }
  const response = await fetch(url, {
    ...init,
    headers: {
      ...(init.headers as Record<string, string>),
      authorization: `Bearer ${token.token}`,
    },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} of ${new URL(url).host}`);
  return text;
}
