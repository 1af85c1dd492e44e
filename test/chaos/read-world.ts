import { odata, TableClient, TableServiceClient } from "@azure/data-tables";
import type { Environment } from "../../local/environment.ts";

/** One document of F&O, by its number, which no other document of the run has. */
export interface WorldSnapshot {
  /** Totals by number. */
  readonly finance: ReadonlyMap<string, number>;
  readonly ce: readonly CeInvoice[];
  readonly crm: readonly CrmInvoice[];
  readonly mails: readonly Mail[];
  readonly ledger: readonly LedgerRow[];
  readonly failures: readonly FailureRow[];
}

export interface CeInvoice {
  readonly id: string;
  readonly number: string;
  readonly lines: number;
  readonly total: number;
}

export interface CrmInvoice {
  readonly id: string;
  readonly number: string;
  readonly lines: number;
  readonly total: number;
}

export interface Mail {
  readonly operationId: string;
  readonly number: string;
  /** All recipients. */
  readonly to: string;
}

export interface LedgerRow {
  readonly eventId: string;
  /** "intake" for the event itself. */
  readonly target: string;
  readonly state: string;
  readonly code: string;
  readonly rule: string;
  readonly reference: string;
  readonly failureId: string;
  readonly hop: number;
  readonly attempts: number;
}

export interface FailureRow {
  readonly failureId: string;
  readonly target: string;
  readonly code: string;
  readonly reason: string;
  readonly eventId: string;
  readonly status: string;
}

const insecure = { allowInsecureConnection: true };

/** Reads everything from outside: by the systems' own addresses, and storage by its key. Nothing of ours judges. */
export async function readWorld(environment: Environment): Promise<WorldSnapshot> {
  const { finance, dataverse, crm, mail, storage } = environment;
  const [journal, invoices, details, records, lines, messages, ledger, failures] =
    await Promise.all([
      readFinance(environment, finance.baseUrl),
      list<{ invoiceid: string; invoicenumber: string; cwy_total: number | string }>(
        `${dataverse.baseUrl}/sim/rows/invoice`,
      ),
      list<{ _invoiceid_value?: string; invoiceid?: string }>(
        `${dataverse.baseUrl}/sim/rows/invoicedetail`,
      ),
      list<{ Id: string; Name: string; Causeway_Key__c: string; Total__c: number }>(
        `${crm.baseUrl}/sim/records/Invoice__c`,
      ),
      list<{ Causeway_Key__c: string }>(`${crm.baseUrl}/sim/records/Invoice_Line__c`),
      list<{ operationId: string | null; subject: string; to: readonly string[] }>(
        `${mail.baseUrl}/messages`,
      ),
      readLedger(storage.connectionString),
      readFailures(storage.connectionString),
    ]);
  const ceLines = countBy(details.map((row) => row._invoiceid_value ?? row.invoiceid ?? ""));
  const crmLines = countBy(lines.map((row) => row.Causeway_Key__c.replace(/:[^:]*$/, "")));
  return {
    finance: journal,
    ce: invoices.map(({ invoiceid, invoicenumber, cwy_total }) => ({
      id: invoiceid,
      number: invoicenumber,
      total: Number(cwy_total),
      lines: ceLines.get(invoiceid) ?? 0,
    })),
    crm: records.map(({ Id, Name, Causeway_Key__c, Total__c }) => ({
      id: Id,
      number: Name,
      total: Total__c,
      lines: crmLines.get(Causeway_Key__c) ?? 0,
    })),
    mails: messages.map(({ operationId, subject, to }) => ({
      operationId: operationId ?? "",
      to: to.join(", "),
      number: numberPattern.exec(subject)?.[0] ?? subject,
    })),
    ledger,
    failures,
  };
}

/** Every document of a run has such a number; a mail says it in its subject. */
export const numberPattern = /CHAOS-\d{6}/;

/** Rows of `open`: what is not settled yet. A few are enough to know. */
export async function countOpen(connectionString: string): Promise<number> {
  const table = TableClient.fromConnectionString(connectionString, "open", insecure);
  try {
    const pages = table
      .listEntities({ queryOptions: { select: ["RowKey"] } })
      .byPage({ maxPageSize: 1000 });
    for await (const page of pages) return page.length;
  } catch (error) {
    if ((error as { readonly statusCode?: number }).statusCode !== 404) throw error;
  }
  return 0;
}

/** Every state of every delivery, only to see whether any is not settled. */
async function readLedger(connectionString: string): Promise<readonly LedgerRow[]> {
  const service = TableServiceClient.fromConnectionString(connectionString, insecure);
  const rows: LedgerRow[] = [];
  for await (const { name } of service.listTables()) {
    if (name?.startsWith("ledger") !== true) continue;
    const table = TableClient.fromConnectionString(connectionString, name, insecure);
    const select = [...ledgerColumns];
    for await (const row of table.listEntities<Partial<LedgerRow>>({ queryOptions: { select } })) {
      rows.push({
        eventId: row.eventId ?? "",
        target: row.target ?? "",
        state: row.state ?? "",
        code: row.code ?? "",
        rule: row.rule ?? "",
        reference: row.reference ?? "",
        failureId: row.failureId ?? "",
        hop: row.hop ?? 0,
        attempts: row.attempts ?? 0,
      });
    }
  }
  return rows;
}

const ledgerColumns = [
  "eventId",
  "target",
  "state",
  "code",
  "rule",
  "reference",
  "failureId",
  "hop",
  "attempts",
] as const;

/** Every failure that the store has, open or not. */
export async function readFailures(connectionString: string): Promise<readonly FailureRow[]> {
  const table = TableClient.fromConnectionString(connectionString, "failures", insecure);
  const found: FailureRow[] = [];
  const select = ["PartitionKey", "RowKey", "code", "reason", "eventId", "status"];
  try {
    const rows = table.listEntities<Partial<FailureRow>>({
      // The failures themselves; the other rows of the table are ways to find them.
      queryOptions: { select, filter: odata`RowKey ge ${"f|"} and RowKey lt ${"f~"}` },
    });
    for await (const row of rows) {
      found.push({
        failureId: row.rowKey?.slice("f|".length) ?? "",
        target: row.partitionKey ?? "",
        code: row.code ?? "",
        reason: row.reason ?? "",
        eventId: row.eventId ?? "",
        status: row.status ?? "",
      });
    }
  } catch (error) {
    // Nothing failed yet: the table is made by the first failure.
    if ((error as { readonly statusCode?: number }).statusCode !== 404) throw error;
  }
  return found;
}

/** Numbers and totals of all posted documents, over OData as anybody would read them. */
async function readFinance(
  { identity }: Environment,
  baseUrl: string,
): Promise<ReadonlyMap<string, number>> {
  const { access_token } = (await call(
    `${identity.baseUrl}/${identity.tenantId}/oauth2/v2.0/token`,
    {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: identity.clientId,
        client_secret: identity.clientSecret,
        scope: `${baseUrl}/.default`,
      }),
    },
  )) as { readonly access_token: string };
  const totals = new Map<string, number>();
  let next: string | undefined =
    `${baseUrl}/data/CustInvoiceJourBiEntities?cross-company=true&$select=InvoiceId,InvoiceAmount`;
  while (next !== undefined) {
    const page = (await call(next, { headers: { authorization: `Bearer ${access_token}` } })) as {
      readonly value: readonly {
        readonly InvoiceId: string;
        readonly InvoiceAmount: number | string;
      }[];
      readonly "@odata.nextLink"?: string;
    };
    for (const { InvoiceId, InvoiceAmount } of page.value)
      totals.set(InvoiceId, Number(InvoiceAmount));
    next = page["@odata.nextLink"];
  }
  return totals;
}

async function list<T>(url: string): Promise<readonly T[]> {
  return (await call(url)) as readonly T[];
}

async function call(url: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}`);
  return response.json();
}

function countBy(keys: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
