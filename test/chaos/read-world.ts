import { odata, TableClient, TableServiceClient } from "@azure/data-tables";
import type { Environment } from "../../local/environment.ts";

/** One document of F&O, by its number, which no other document of the run has. */
export interface WorldSnapshot {
  /** By number. */
  readonly finance: ReadonlyMap<string, Content>;
  readonly ce: readonly InvoiceRecord[];
  readonly crm: readonly InvoiceRecord[];
  readonly mails: readonly Mail[];
  readonly ledger: readonly LedgerRow[];
  readonly failures: readonly FailureRow[];
}

/** What an invoice says, in whatever system. */
export interface Content {
  readonly total: number;
  /** The customer's number. */
  readonly account: string;
  /** `number:quantity:amount` of each, sorted. */
  readonly lines: readonly string[];
}

export interface InvoiceRecord extends Content {
  readonly id: string;
  readonly number: string;
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
  const [documents, ce, crmInvoices, messages, ledger, failures] = await Promise.all([
    readFinance(environment, finance.baseUrl),
    readCe(dataverse.baseUrl),
    readCrm(crm.baseUrl),
    list<{ operationId: string | null; subject: string; to: readonly string[] }>(
      `${mail.baseUrl}/messages`,
    ),
    readLedger(storage.connectionString),
    readFailures(storage.connectionString),
  ]);
  return {
    ...{ finance: documents, ce, crm: crmInvoices },
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

type Fields = Readonly<Record<string, string | number | undefined>>;

async function readCe(baseUrl: string): Promise<readonly InvoiceRecord[]> {
  const [invoices, details, accounts] = await Promise.all(
    ["invoice", "invoicedetail", "account"].map((table) =>
      list<Fields>(`${baseUrl}/sim/rows/${table}`),
    ),
  );
  const numbers = new Map(accounts?.map((row) => [row["accountid"], row["accountnumber"]]));
  const lines = groupLines(details ?? [], (row) => [
    row["_invoiceid_value"] ?? row["invoiceid"],
    toLine(row["lineitemnumber"], row["quantity"], row["cwy_amount"]),
  ]);
  return (invoices ?? []).map((row) => ({
    id: String(row["invoiceid"]),
    number: String(row["invoicenumber"]),
    total: Number(row["cwy_total"]),
    account: String(numbers.get(row["_customerid_value"])),
    lines: lines(row["invoiceid"]),
  }));
}

async function readCrm(baseUrl: string): Promise<readonly InvoiceRecord[]> {
  const [invoices, details] = await Promise.all(
    ["Invoice__c", "Invoice_Line__c"].map((name) => list<Fields>(`${baseUrl}/sim/records/${name}`)),
  );
  const lines = groupLines(details ?? [], (row) => [
    String(row["Causeway_Key__c"]).replace(/:[^:]*$/, ""),
    toLine(row["Line_Number__c"], row["Quantity__c"], row["Amount__c"]),
  ]);
  return (invoices ?? []).map((row) => ({
    id: String(row["Id"]),
    number: String(row["Name"]),
    total: Number(row["Total__c"]),
    account: String(row["Customer_Account__c"]),
    lines: lines(row["Causeway_Key__c"]),
  }));
}

function toLine(...[number, quantity, amount]: readonly unknown[]): string {
  return [number, quantity, amount].map(Number).join(":");
}

/** Lines of the document with a key. */
function groupLines(
  rows: readonly Fields[],
  read: (row: Fields) => readonly [string | number | undefined, string],
): (key: string | number | undefined) => readonly string[] {
  const groups = new Map<string | number | undefined, string[]>();
  for (const row of rows) {
    const [key, line] = read(row);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [line]);
    else group.push(line);
  }
  return (key) => (groups.get(key) ?? []).sort();
}

/** All posted documents, over OData as anybody would read them. */
async function readFinance(
  { identity }: Environment,
  baseUrl: string,
): Promise<ReadonlyMap<string, Content>> {
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
  const read = async (set: string, ...columns: readonly string[]): Promise<readonly Fields[]> => {
    const rows: Fields[] = [];
    let next: string | undefined =
      `${baseUrl}/data/${set}?cross-company=true&$select=${columns.join(",")}`;
    while (next !== undefined) {
      const page = (await call(next, { headers: { authorization: `Bearer ${access_token}` } })) as {
        readonly value: readonly Fields[];
        readonly "@odata.nextLink"?: string;
      };
      rows.push(...page.value);
      next = page["@odata.nextLink"];
    }
    return rows;
  };
  const [journal, salesLines, freeTexts, freeTextLines] = await Promise.all([
    read("CustInvoiceJourBiEntities", "InvoiceId", "InvoiceAmount", "InvoiceAccount"),
    read(
      "SalesInvoiceV2Lines",
      ...["InvoiceNumber", "LineCreationSequenceNumber", "InvoicedQuantity", "LineAmount"],
    ),
    read("FreeTextInvoiceHeaders", "InvoiceIdentifier", "FreeTextNumber"),
    read(
      "FreeTextInvoiceLines",
      ...["ParentRecId", "LineNumber", "Quantity", "TransactionCurrencyAmount"],
    ),
  ]);
  const numbers = new Map(
    freeTexts.map((row) => [row["InvoiceIdentifier"], row["FreeTextNumber"]]),
  );
  const ofSales = groupLines(salesLines, (row) => [
    row["InvoiceNumber"],
    toLine(row["LineCreationSequenceNumber"], row["InvoicedQuantity"], row["LineAmount"]),
  ]);
  const ofFreeTexts = groupLines(freeTextLines, (row) => [
    numbers.get(row["ParentRecId"]),
    toLine(row["LineNumber"], row["Quantity"], row["TransactionCurrencyAmount"]),
  ]);
  return new Map(
    journal.map((row) => {
      const number = String(row["InvoiceId"]);
      const content = {
        total: Number(row["InvoiceAmount"]),
        account: String(row["InvoiceAccount"]),
        lines: [...ofSales(number), ...ofFreeTexts(number)],
      };
      return [number, content];
    }),
  );
}

async function list<T>(url: string): Promise<readonly T[]> {
  return (await call(url)) as readonly T[];
}

async function call(url: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}`);
  return response.json();
}
