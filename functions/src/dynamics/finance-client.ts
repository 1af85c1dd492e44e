import { bulkhead } from "cockatiel";
import { CausewayError } from "../platform/causeway-error.ts";
import { HttpError, type Http, type HttpResponse } from "../platform/http.ts";
import { readRetryAfter } from "../platform/read-retry-after.ts";
import type { GetToken } from "../platform/token.ts";

export type FinanceErrorCode =
  /** No answer, or an answer of something in front of F&O. */
  | "FINANCE_UNREACHABLE"
  /** F&O has the request and did not answer in time: it may be away, or the request too much for it. */
  | "FINANCE_TIMEOUT"
  | "FINANCE_THROTTLED"
  /** 401 or 403: the app is not registered in F&O, or its user lacks a role. */
  | "FINANCE_UNAUTHORIZED"
  /** F&O tried and failed (500). */
  | "FINANCE_FAILED"
  /** F&O does not understand the request (4xx). */
  | "FINANCE_REFUSED"
  | "FINANCE_ANSWER_TOO_LARGE"
  | "FINANCE_ANSWER_UNREADABLE";

export class FinanceError extends CausewayError<FinanceErrorCode> {
  /** Nothing was tried by F&O: an outage for everybody, no attempt of this event. */
  readonly unreachable: boolean;
  /** F&O's own Retry-After. */
  readonly afterMs: number | undefined;
  /** F&O's text, cut short. It may name customers: for a failure's reason, never for a log. */
  readonly detail: string;

  constructor(
    code: FinanceErrorCode,
    options: {
      readonly entitySet: string;
      readonly status?: number;
      readonly unreachable: boolean;
      readonly afterMs?: number;
      readonly detail?: string;
      readonly cause?: unknown;
    },
  ) {
    const { entitySet, status } = options;
    const answer = status === undefined ? "no answer" : `status ${status}`;
    super(code, `Reading ${entitySet} from F&O ended with ${answer} (${code}).`, {
      fate: code === "FINANCE_REFUSED" ? "permanent" : "transient",
      ids: { entitySet, ...(status === undefined ? {} : { status }) },
      cause: options.cause,
    });
    this.name = "FinanceError";
    this.unreachable = options.unreachable;
    this.afterMs = options.afterMs;
    this.detail = options.detail ?? "";
  }
}

export interface FinanceQuery {
  readonly entitySet: string;
  /** Company that every row must be of; all companies when left out. */
  readonly company?: string;
  /** Rows for which one of these holds; they are spread over as many requests as addresses allow. */
  readonly anyOf: readonly string[];
  /** Calendar day of a date column. F&O keeps dates at noon UTC, so days are compared as ranges. */
  readonly day?: { readonly column: string; readonly day: string };
  readonly select?: readonly string[];
  readonly expand?: string;
}

export interface FinanceClient {
  /** All rows of all pages of all requests that the query needs. Throws FinanceError. */
  readAll<Row>(query: FinanceQuery, signal: AbortSignal): Promise<readonly Row[]>;
}

export interface FinanceClientOptions {
  /** `https://<environment>.operations.dynamics.com`; also the token's audience. */
  readonly baseUrl: string;
  readonly http: Http;
  readonly getToken: GetToken;
  readonly timeoutMs?: number;
  /**
   * IIS refuses query strings over 2,048 characters by default; what F&O's front end allows is not
   * documented. https://learn.microsoft.com/iis/configuration/system.webserver/security/requestfiltering/requestlimits/
   */
  readonly maxUrlLength?: number;
  /** F&O throttles by resource use: a backlog must not become a flood. */
  readonly maxRequestsInFlight?: number;
}

const defaultTimeoutMs = 60_000;
const defaultMaxUrlLength = 2_000;
const defaultMaxRequestsInFlight = 6;
/** F&O's own sample waits this long when the header is missing. */
const defaultThrottleMs = 30_000;
const maxDetailLength = 300;

/** Reads F&O's OData entities, across companies and page by page. */
export function createFinanceClient(options: FinanceClientOptions): FinanceClient {
  const base = options.baseUrl.replace(/\/+$/, "");
  const gate = bulkhead(options.maxRequestsInFlight ?? defaultMaxRequestsInFlight, Infinity);
  const maxUrlLength = options.maxUrlLength ?? defaultMaxUrlLength;
  const readPages = async <Row>(
    first: string,
    entitySet: string,
    signal: AbortSignal,
  ): Promise<readonly Row[]> => {
    const rows: Row[] = [];
    let url: string | undefined = first;
    while (url !== undefined) {
      const page: Page = await readPage(url, entitySet, options, signal);
      for (const row of page.value) rows.push(row as Row);
      url = page["@odata.nextLink"];
      if (url !== undefined && new URL(url).host !== new URL(base).host) {
        // Followed with our token, so only where that token belongs.
        throw new FinanceError("FINANCE_ANSWER_UNREADABLE", { entitySet, unreachable: false });
      }
    }
    return rows;
  };
  return {
    readAll: async <Row>(query: FinanceQuery, signal: AbortSignal): Promise<readonly Row[]> => {
      const urls = toUrls(base, query, maxUrlLength);
      const pages = await Promise.all(
        urls.map((url) => gate.execute(() => readPages<Row>(url, query.entitySet, signal))),
      );
      return pages.flat();
    },
  };
}

interface Page {
  readonly value: readonly unknown[];
  readonly "@odata.nextLink"?: string;
}

async function readPage(
  url: string,
  entitySet: string,
  options: FinanceClientOptions,
  signal: AbortSignal,
): Promise<Page> {
  const response = await send(url, entitySet, options, signal);
  if (response.status !== 200) throw toError(response, entitySet);
  try {
    const page = JSON.parse(response.body) as Partial<Page>;
    if (Array.isArray(page.value)) return page as Page;
  } catch {
    // Falls through: a page that is not JSON is as unreadable as one without rows.
  }
  throw new FinanceError("FINANCE_ANSWER_UNREADABLE", {
    entitySet,
    status: response.status,
    unreachable: false,
  });
}

async function send(
  url: string,
  entitySet: string,
  options: FinanceClientOptions,
  signal: AbortSignal,
): Promise<HttpResponse> {
  try {
    const token = await options.getToken(options.baseUrl.replace(/\/+$/, ""));
    return await options.http({
      method: "GET",
      url,
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
      timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
      signal,
    });
  } catch (cause) {
    const detail = cause instanceof HttpError ? cause.code : "no token";
    const code = toCode(cause);
    const unreachable = code === "FINANCE_UNREACHABLE";
    throw new FinanceError(code, { entitySet, unreachable, detail, cause });
  }
}

/** What an exchange without a usable answer says about F&O. */
function toCode(cause: unknown): FinanceErrorCode {
  if (!(cause instanceof HttpError)) return "FINANCE_UNREACHABLE";
  if (cause.code === "RESPONSE_TOO_LARGE") return "FINANCE_ANSWER_TOO_LARGE";
  if (cause.code === "RESPONSE_UNREADABLE") return "FINANCE_ANSWER_UNREADABLE";
  return cause.code === "TIMEOUT" && cause.sent ? "FINANCE_TIMEOUT" : "FINANCE_UNREACHABLE";
}

function toError(response: HttpResponse, entitySet: string): FinanceError {
  const { status } = response;
  const detail = detailOf(response.body);
  const afterMs = readRetryAfter(response);
  const later = afterMs === undefined ? {} : { afterMs };
  const base = { entitySet, status, detail };
  if (status === 429) {
    const wait = { afterMs: afterMs ?? defaultThrottleMs };
    return new FinanceError("FINANCE_THROTTLED", { ...base, ...wait, unreachable: false });
  }
  if (status === 401 || status === 403) {
    // Wrong for every event until somebody grants it: an outage, and no event's own fault.
    return new FinanceError("FINANCE_UNAUTHORIZED", { ...base, unreachable: true });
  }
  if (status === 504) {
    return new FinanceError("FINANCE_TIMEOUT", { ...base, ...later, unreachable: false });
  }
  if (status === 502 || status === 503 || status === 408) {
    return new FinanceError("FINANCE_UNREACHABLE", { ...base, ...later, unreachable: true });
  }
  if (status >= 500) {
    return new FinanceError("FINANCE_FAILED", { ...base, ...later, unreachable: false });
  }
  return new FinanceError("FINANCE_REFUSED", { ...base, unreachable: false });
}

/** The useful text is innererror.message; the rest is a stack trace. */
function detailOf(body: string): string {
  try {
    const { error } = JSON.parse(body) as {
      readonly error?: {
        readonly message?: unknown;
        readonly innererror?: { readonly message?: unknown };
      };
    };
    const text = error?.innererror?.message ?? error?.message;
    return typeof text === "string" ? truncate(text) : "";
  } catch {
    return "";
  }
}

function truncate(text: string): string {
  const line = text.replace(/[\u0000-\u001f\u007f]+/g, " ").trim();
  if (line.length <= maxDetailLength) return line;
  // Not in the middle of a surrogate pair: tables refuse half of one.
  return `${line.slice(0, maxDetailLength).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** `column eq 'text'`; a quote inside is doubled. */
export function equalsText(column: string, value: string): string {
  return `${column} eq '${value.replaceAll("'", "''")}'`;
}

/** `column eq 5637144576`: Int64 keys stand bare. */
export function equalsNumber(column: string, value: number | string): string {
  return `${column} eq ${value}`;
}

function toUrls(base: string, query: FinanceQuery, maxLength: number): readonly string[] {
  const urlOf = (conditions: readonly string[]): string => toUrl(base, query, conditions);
  const urls: string[] = [];
  let chunk: string[] = [];
  const separatorLength = encodeURIComponent(" or ").length;
  const frameLength = urlOf([]).length;
  let length = frameLength;
  for (const condition of query.anyOf) {
    const added = encodeURIComponent(condition).length + separatorLength;
    if (chunk.length > 0 && length + added > maxLength) {
      urls.push(urlOf(chunk));
      chunk = [];
      length = frameLength;
    }
    chunk.push(condition);
    length += added;
  }
  if (chunk.length > 0) urls.push(urlOf(chunk));
  return urls;
}

function toUrl(base: string, query: FinanceQuery, conditions: readonly string[]): string {
  const { day, select, expand } = query;
  const filter = [
    ...(query.company === undefined ? [] : [equalsText("dataAreaId", query.company)]),
    ...(day === undefined ? [] : toDayRange(day.column, day.day)),
    `(${conditions.join(" or ")})`,
  ].join(" and ");
  return (
    `${base}/data/${query.entitySet}?cross-company=true` +
    `&$filter=${encodeURIComponent(filter)}` +
    (select === undefined ? "" : `&$select=${select.join(",")}`) +
    (expand === undefined ? "" : `&$expand=${expand}`)
  );
}

function toDayRange(column: string, day: string): readonly string[] {
  const start = Date.parse(`${day}T00:00:00Z`);
  const next = new Date(start + 86_400_000).toISOString().slice(0, 10);
  return [`${column} ge ${day}T00:00:00Z`, `${column} lt ${next}T00:00:00Z`];
}
