import {
  equalsNumber,
  equalsText,
  FinanceError,
  type FinanceClient,
} from "../dynamics/finance-client.ts";
import {
  toDay,
  type CustomerRow,
  type FreeTextInvoiceHeaderRow,
  type FreeTextInvoiceLineRow,
  type InvoiceJournalRow,
  type SalesInvoiceHeaderRow,
} from "../dynamics/finance-rows.ts";
import type { InvoiceEvent } from "./parse-business-event.ts";

/** Everything that F&O knows of one document. */
export type InvoiceSource = {
  readonly journal: InvoiceJournalRow;
  readonly customer: CustomerRow;
} & (
  | { readonly kind: "sales"; readonly header: SalesInvoiceHeaderRow }
  | {
      readonly kind: "freeText";
      readonly header: FreeTextInvoiceHeaderRow;
      readonly lines: readonly FreeTextInvoiceLineRow[];
    }
);

export type Enriched =
  | { readonly kind: "found"; readonly source: InvoiceSource }
  /** `missing`: which entity set has no row for it. */
  | { readonly kind: "notFound"; readonly missing: string }
  /** Another document stands under that number. */
  | { readonly kind: "mismatch"; readonly reason: string }
  | { readonly kind: "failed"; readonly error: FinanceError };

const journalColumns = [
  "dataAreaId",
  "InvoiceId",
  "InvoiceDate",
  "LedgerVoucher",
  "InvoiceAccount",
  "OrderAccount",
  "InvoicingName",
  "SalesId",
  "DueDate",
  "CurrencyCode",
  "InvoiceAmount",
  "InvoiceAmountMST",
  "SumTax",
  "SumMarkup",
  "SumLineDisc",
  "EndDisc",
  "LanguageId",
  "Prepayment",
  "IsCorrection",
  "InterCompanyPosted",
  "InterCompanyCompanyId",
  "OneTimeCustomer",
] as const satisfies readonly (keyof InvoiceJournalRow)[];

const customerColumns = [
  "dataAreaId",
  "CustomerAccount",
  "OrganizationName",
  "PersonFirstName",
  "PersonLastName",
  "NameAlias",
  "PrimaryContactEmail",
  "LanguageId",
  "IsOneTimeCustomer",
] as const satisfies readonly (keyof CustomerRow)[];

interface EnrichOptions {
  /** F&O was away: one request of each group goes ahead, and the others follow its answer. */
  readonly isCareful?: boolean;
}

/**
 * Reads the documents of many events, one answer per event in the order given. Events of one company
 * and one day share their requests: a hundred events are a handful of requests. When F&O refuses a
 * shared request, the group is halved until only the event that is at fault suffers.
 */
export async function enrichInvoices(
  finance: FinanceClient,
  events: readonly InvoiceEvent[],
  signal: AbortSignal,
  { isCareful = false }: EnrichOptions = {},
): Promise<readonly Enriched[]> {
  const groups = groupEvents(events);
  const answers = new Map<InvoiceEvent, Enriched>();
  await Promise.all(
    [...groups.values()].map((group) => readGroup(finance, group, signal, answers, isCareful)),
  );
  return events.map((event) => answers.get(event) ?? { kind: "notFound", missing: "the group" });
}

/** By company, day and kind, which a request has in common. */
function groupEvents(events: readonly InvoiceEvent[]): ReadonlyMap<string, InvoiceEvent[]> {
  const groups = new Map<string, InvoiceEvent[]>();
  for (const event of events) {
    const key = JSON.stringify([event.legalEntity, event.date, event.kind]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [event]);
    else group.push(event);
  }
  return groups;
}

async function readGroup(
  finance: FinanceClient,
  events: readonly InvoiceEvent[],
  signal: AbortSignal,
  answers: Map<InvoiceEvent, Enriched>,
  isCareful: boolean,
  hasTimedOut = false,
): Promise<void> {
  try {
    for (const [event, answer] of await readDocuments(finance, events, signal, isCareful)) {
      answers.set(event, answer);
    }
  } catch (error) {
    if (!(error instanceof FinanceError)) throw error;
    const isTimeout = error.code === "FINANCE_TIMEOUT";
    // Halved once only: each time-out costs a minute, and a silent F&O would get all of the invocation's.
    if (events.length > 1 && (isTimeout ? !hasTimedOut : isAboutTheRequest(error))) {
      const half = Math.ceil(events.length / 2);
      const read = (part: readonly InvoiceEvent[]): Promise<void> =>
        readGroup(finance, part, signal, answers, isCareful, hasTimedOut || isTimeout);
      // Together: what times out one after the other would use up the invocation's time.
      await Promise.all([read(events.slice(0, half)), read(events.slice(half))]);
      return;
    }
    for (const event of events) answers.set(event, { kind: "failed", error });
  }
}

/** One event's number or row can break a request for all; throttling and outages are nobody's fault. */
function isAboutTheRequest(error: FinanceError): boolean {
  return (
    error.code === "FINANCE_REFUSED" ||
    error.code === "FINANCE_FAILED" ||
    error.code === "FINANCE_ANSWER_TOO_LARGE"
  );
}

type Answers = readonly (readonly [InvoiceEvent, Enriched])[];

async function readDocuments(
  finance: FinanceClient,
  events: readonly InvoiceEvent[],
  signal: AbortSignal,
  isCareful: boolean,
): Promise<Answers> {
  const [first] = events;
  if (first === undefined) return [];
  const { legalEntity: company, date: day, kind } = first;
  const numbers = [...new Set(events.map((event) => event.number))];
  const accounts = [...new Set(events.map((event) => event.account))];
  const readingJournals = finance.readAll<InvoiceJournalRow>(
    {
      entitySet: "CustInvoiceJourBiEntities",
      company,
      anyOf: numbers.map((number) => equalsText("InvoiceId", number)),
      day: { column: "InvoiceDate", day },
      select: journalColumns,
    },
    signal,
  );
  if (isCareful) await readingJournals;
  const [journals, customers, headers] = await Promise.all([
    readingJournals,
    finance.readAll<CustomerRow>(
      {
        entitySet: "CustomersV3",
        company,
        anyOf: accounts.map((account) => equalsText("CustomerAccount", account)),
        select: customerColumns,
      },
      signal,
    ),
    readHeaders(finance, kind, company, numbers, day, signal),
  ]);
  const shared = { journals, customers };
  const answers = events.map((event) => [event, matchDocument(event, headers, shared)] as const);
  const missing = answers
    .filter(([, answer]) => answer.kind === "notFound")
    .map(([event]) => event);
  if (missing.length === 0) return answers;
  const others = await findOthers(finance, missing, signal);
  return answers.map(([event, answer]) => [event, others.get(event) ?? answer] as const);
}

type Headers =
  | { readonly kind: "sales"; readonly rows: readonly SalesInvoiceHeaderRow[] }
  | {
      readonly kind: "freeText";
      readonly rows: readonly FreeTextInvoiceHeaderRow[];
      readonly lines: readonly FreeTextInvoiceLineRow[];
    };

async function readHeaders(
  finance: FinanceClient,
  kind: InvoiceEvent["kind"],
  company: string,
  numbers: readonly string[],
  day: string | undefined,
  signal: AbortSignal,
): Promise<Headers> {
  const range = day === undefined ? {} : { day: { column: "InvoiceDate", day } };
  if (kind === "sales") {
    const anyOf = numbers.map((number) => equalsText("InvoiceNumber", number));
    const rows = await finance.readAll<SalesInvoiceHeaderRow>(
      {
        entitySet: "SalesInvoiceHeadersV2",
        company,
        anyOf,
        ...range,
        // Without a day only the existence of the number is asked.
        ...(day === undefined ? {} : { expand: "SalesInvoiceLinesV2" }),
      },
      signal,
    );
    return { kind, rows };
  }
  const anyOf = numbers.map((number) => equalsText("FreeTextNumber", number));
  const rows = await finance.readAll<FreeTextInvoiceHeaderRow>(
    { entitySet: "FreeTextInvoiceHeaders", company, anyOf, ...range },
    signal,
  );
  if (rows.length === 0 || day === undefined) return { kind, rows, lines: [] };
  const parents = rows.map((row) => equalsNumber("ParentRecId", row.InvoiceIdentifier));
  const lines = await finance.readAll<FreeTextInvoiceLineRow>(
    { entitySet: "FreeTextInvoiceLines", company, anyOf: parents },
    signal,
  );
  return { kind, rows, lines };
}

interface Shared {
  readonly journals: readonly InvoiceJournalRow[];
  readonly customers: readonly CustomerRow[];
}

function matchDocument(event: InvoiceEvent, headers: Headers, shared: Shared): Enriched {
  if (headers.kind === "sales") return matchSales(event, headers.rows, shared);
  const rows = headers.rows.filter((row) => row.FreeTextNumber === event.number);
  const header = rows.find((row) => isSame(row.InvoiceAccount, event.account));
  if (header === undefined) {
    return rows.length === 0
      ? { kind: "notFound", missing: "FreeTextInvoiceHeaders" }
      : { kind: "mismatch", reason: otherAccount(event) };
  }
  const journal = matchJournal(event, shared.journals);
  if (journal === undefined) return { kind: "notFound", missing: "CustInvoiceJourBiEntities" };
  const customer = matchCustomer(event, shared.customers);
  if (customer === undefined) return { kind: "notFound", missing: "CustomersV3" };
  const id = String(header.InvoiceIdentifier);
  const lines = headers.lines.filter((line) => String(line.ParentRecId) === id);
  return { kind: "found", source: { kind: "freeText", header, lines, journal, customer } };
}

function matchSales(
  event: InvoiceEvent,
  headers: readonly SalesInvoiceHeaderRow[],
  shared: Shared,
): Enriched {
  const rows = headers.filter(
    (row) => row.InvoiceNumber === event.number && toDay(row.InvoiceDate) === event.date,
  );
  const ours = rows.filter((row) => isSame(row.InvoiceCustomerAccountNumber, event.account));
  // The voucher is part of the key, and the event does not carry it: the order decides between two.
  const ofOrder = ours.filter((row) => isSame(row.SalesOrderNumber, event.salesOrder));
  const [header, second] = ours.length > 1 ? ofOrder : ours;
  if (header === undefined || second !== undefined) {
    if (rows.length === 0) return { kind: "notFound", missing: "SalesInvoiceHeadersV2" };
    const several = `${ours.length} documents share number, day and account`;
    return { kind: "mismatch", reason: ours.length > 1 ? several : otherAccount(event) };
  }
  const journal = matchJournal(event, shared.journals, header.LedgerVoucher);
  if (journal === undefined) return { kind: "notFound", missing: "CustInvoiceJourBiEntities" };
  const customer = matchCustomer(event, shared.customers);
  if (customer === undefined) return { kind: "notFound", missing: "CustomersV3" };
  return { kind: "found", source: { kind: "sales", header, journal, customer } };
}

function matchJournal(
  event: InvoiceEvent,
  journals: readonly InvoiceJournalRow[],
  voucher?: string,
): InvoiceJournalRow | undefined {
  return journals.find(
    (row) =>
      row.InvoiceId === event.number &&
      toDay(row.InvoiceDate) === event.date &&
      isSame(row.InvoiceAccount, event.account) &&
      (voucher === undefined || row.LedgerVoucher === voucher),
  );
}

function matchCustomer(
  event: InvoiceEvent,
  customers: readonly CustomerRow[],
): CustomerRow | undefined {
  return customers.find((row) => isSame(row.CustomerAccount, event.account));
}

/** What was not found on its day: does another day's document stand under the number? */
async function findOthers(
  finance: FinanceClient,
  events: readonly InvoiceEvent[],
  signal: AbortSignal,
): Promise<ReadonlyMap<InvoiceEvent, Enriched>> {
  const others = new Map<InvoiceEvent, Enriched>();
  const [first] = events;
  if (first === undefined) return others;
  // F&O reads * as a wildcard, and without a day such a question could mean every invoice there is.
  const asked = events.map((event) => event.number).filter((number) => !number.includes("*"));
  const numbers = [...new Set(asked)];
  const { kind, legalEntity } = first;
  const headers = await readHeaders(finance, kind, legalEntity, numbers, undefined, signal);
  const found =
    headers.kind === "sales" ? headers.rows.map(toSalesKey) : headers.rows.map(toTextKey);
  for (const event of events) {
    const days = found.filter(({ number }) => number === event.number).map(({ day }) => day);
    // On the event's own day it is there and only its journal or customer lags behind.
    if (days.length === 0 || days.includes(event.date)) continue;
    const reason = `${event.number} of ${event.date} is not there; F&O has one of ${days.join(", ")}`;
    others.set(event, { kind: "mismatch", reason });
  }
  return others;
}

interface FoundKey {
  readonly number: string;
  readonly day: string | null;
}

function toSalesKey(row: SalesInvoiceHeaderRow): FoundKey {
  return { number: row.InvoiceNumber, day: toDay(row.InvoiceDate) };
}

function toTextKey(row: FreeTextInvoiceHeaderRow): FoundKey {
  return { number: row.FreeTextNumber, day: toDay(row.InvoiceDate) };
}

function otherAccount(event: InvoiceEvent): string {
  return `${event.number} of ${event.date} belongs to another account than ${event.account}`;
}

/** F&O's keys ignore case. */
function isSame(a: string | null | undefined, b: string | null): boolean {
  return (a ?? "").toLowerCase() === (b ?? "").toLowerCase();
}
