import { closest } from "fastest-levenshtein";
import { FinanceError } from "./finance-error.ts";
import type { FinanceWorld } from "./finance-world.ts";
import { computeAmounts } from "./invoice-amounts.ts";
import type { InvoiceAmounts, LineInput } from "./invoice-amounts.ts";
import { companies, isKnownCurrency, products } from "./master-data.ts";
import type { Company } from "./master-data.ts";

type DocumentKind = "sales" | "freeText" | "creditNote" | "prepayment";

export interface PostRequest {
  readonly kind?: DocumentKind;
  readonly company?: string;
  readonly customer?: string;
  /** A number of made-up lines, or the lines. */
  readonly lines?: number | readonly LineInput[];
  /** From the company's number sequence when left out. */
  readonly number?: string;
  /** `YYYY-MM-DD`; today (UTC) when left out. */
  readonly date?: string;
  /** 30 days later when left out; null for none. */
  readonly dueDate?: string | null;
  /** The company's when left out. */
  readonly currency?: string;
  readonly charges?: number;
  readonly discount?: number;
  /** The other company of an intercompany sale. */
  readonly interCompany?: string;
  /** A free-text credit note that corrects this invoice. */
  readonly corrects?: string;
  readonly oneTimeCustomer?: boolean;
}

const DAY_MS = 86_400_000;
const MEMBERS: Readonly<Record<keyof PostRequest, true>> = {
  kind: true,
  company: true,
  customer: true,
  lines: true,
  number: true,
  date: true,
  dueDate: true,
  currency: true,
  charges: true,
  discount: true,
  interCompany: true,
  corrects: true,
  oneTimeCustomer: true,
};
const PREFIXES: Readonly<Record<DocumentKind, string>> = {
  sales: "CIV-",
  freeText: "FTI-",
  creditNote: "CCN-",
  prepayment: "CPI-",
};
/** What is to be posted, with everything that the request left open filled in. */
export interface Document {
  readonly company: Company;
  readonly account: string;
  readonly customerName: string;
  readonly language: string;
  readonly kind: DocumentKind;
  readonly isFreeText: boolean;
  readonly number: string;
  readonly voucher: string;
  /** "" for free text. */
  readonly salesOrder: string;
  readonly date: string;
  readonly dueDate: string | undefined;
  readonly currency: string;
  readonly amounts: InvoiceAmounts;
  readonly request: PostRequest;
}

/** Takes numbers from the sequences; refuses unknown companies, customers and currencies. */
export function toDocument(world: FinanceWorld, request: PostRequest, nowMs: number): Document {
  assertKnown(request);
  const { kind = "sales" } = request;
  const company = findCompany(request.company ?? "usmf");
  const customer = findCustomer(world, company.id, request.customer);
  const currency = request.currency ?? company.currency;
  if (!isKnownCurrency(currency)) {
    throw new FinanceError("UNKNOWN_MASTER_DATA", `There is no currency ${currency}`);
  }
  const isFreeText = kind === "freeText" || request.corrects !== undefined;
  const date = toDay(request.date ?? new Date(nowMs).toISOString().slice(0, 10));
  const dueDate = request.dueDate === undefined ? addDays(date, 30) : request.dueDate;
  return {
    company,
    account: String(customer["CustomerAccount"]),
    customerName: String(customer["OrganizationName"]),
    language: String(customer["LanguageId"]),
    kind,
    isFreeText,
    number: request.number ?? world.nextNumber(company.id, PREFIXES[kind], isFreeText ? 8 : 6),
    voucher: world.nextNumber(company.id, "ARI", 8),
    salesOrder: isFreeText ? "" : world.nextNumber(company.id, "SO-", 6),
    date,
    dueDate: dueDate === null ? undefined : toDay(dueDate),
    currency,
    amounts: computeAmounts({
      lines: toLines(request, isFreeText),
      products,
      isCredit: kind === "creditNote",
      currency,
      companyCurrency: company.currency,
      taxRate: company.taxRate,
      charges: request.charges ?? 0,
      discount: request.discount ?? 0,
    }),
    request,
  };
}

/** A slip of the pen would otherwise post another document than the one that was meant. */
function assertKnown(request: PostRequest): void {
  const { kind = "sales" } = request;
  const kinds = Object.keys(PREFIXES);
  if (!kinds.includes(kind)) {
    throw new FinanceError("BAD_REQUEST", `kind must be one of ${kinds.join(", ")}, not ${kind}`);
  }
  const unknown = Object.keys(request).find((name) => !(name in MEMBERS));
  if (unknown === undefined) return;
  const known = [...Object.keys(MEMBERS), "door", "repeat", "wait"];
  throw new FinanceError(
    "BAD_REQUEST",
    `${unknown} is no member; there are ${known.join(", ")} (the nearest is ${closest(unknown, known)})`,
  );
}

function toLines(request: PostRequest, isFreeText: boolean): readonly LineInput[] {
  const { lines = 2 } = request;
  if (typeof lines !== "number") return lines;
  return Array.from({ length: lines }, (_, index) =>
    isFreeText ? { description: `Consulting, part ${index + 1}`, unitPrice: 100 + index } : {},
  );
}

function findCompany(id: string): Company {
  const company = companies.find((one) => one.id === id.toLowerCase());
  if (company === undefined) {
    throw new FinanceError("UNKNOWN_MASTER_DATA", `There is no company ${id}`);
  }
  return company;
}

function findCustomer(
  world: FinanceWorld,
  company: string,
  account: string | undefined,
): Readonly<Record<string, unknown>> {
  const table = world.table("CustomersV3");
  const row =
    account === undefined
      ? table.rows.find(({ values }) => values["dataAreaId"] === company)
      : table.find({ dataAreaId: company, CustomerAccount: account });
  if (row === undefined) {
    throw new FinanceError(
      "UNKNOWN_MASTER_DATA",
      `There is no customer ${account ?? ""} in ${company}`,
    );
  }
  return row.values;
}

function toDay(text: string): string {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || Number.isNaN(Date.parse(text))) {
    throw new FinanceError("BAD_REQUEST", `${text} is no date of the form YYYY-MM-DD`);
  }
  return text;
}

function addDays(day: string, days: number): string {
  return new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);
}
