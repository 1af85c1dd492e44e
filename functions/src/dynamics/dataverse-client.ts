import { randomUUID } from "node:crypto";
import type { Clock } from "../platform/clock.ts";
import type { Http, HttpResponse } from "../platform/http.ts";
import type { GetToken } from "../platform/token.ts";
import { fromBatchBody, toBatchBody } from "./dataverse-batch.ts";
import type { Changeset, ChangesetAnswer } from "./dataverse-batch.ts";
import { DataverseError, failureOf, toConnectionError } from "./dataverse-failure.ts";

export type DataverseRow = Readonly<Record<string, unknown>>;

export interface DataverseClientOptions {
  readonly http: Http;
  readonly getToken: GetToken;
  /** `https://org.crm.dynamics.com`; also the token's audience. */
  readonly baseUrl: string;
  readonly clock: Clock;
  /** Per call. Dataverse itself gives up after 2 minutes. */
  readonly timeoutMs?: number;
}

interface CallOptions {
  readonly signal?: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

interface RowQuery {
  readonly select: readonly string[];
  /** Column, or `_x_value` of a lookup, or a path through one (`msdyn_company/cdm_companycode`). */
  readonly by: readonly string[];
  /** One list of values per wanted row, in the order of `by`. */
  readonly values: readonly (readonly string[])[];
}

export interface DataverseClient {
  /** Any call behind `/api/data/v9.2/`; throws DataverseError for every status from 400 on. */
  send(method: string, path: string, body?: unknown, options?: CallOptions): Promise<HttpResponse>;
  /** Every row that has one of the values, in as few requests as addresses allow. */
  findRows(
    entitySet: string,
    query: RowQuery,
    options?: CallOptions,
  ): Promise<readonly DataverseRow[]>;
  /** Independent changesets in one request; a failed one does not stop the others. */
  batch(
    changesets: readonly Changeset[],
    options?: CallOptions,
  ): Promise<readonly ChangesetAnswer[]>;
}

const apiPath = "/api/data/v9.2/";
const defaultTimeoutMs = 90_000;
/** Dataverse takes 32 KB, but servers in between often 16 KB for all headers, of which a token takes some. */
const maxFilterLength = 8_000;

/** Dataverse's Web API. Nothing is retried here: policy has one place, and it is not this one. */
export function createDataverseClient(options: DataverseClientOptions): DataverseClient {
  const { http, baseUrl, clock } = options;
  const exchange = async (
    method: string,
    url: string,
    body: string | undefined,
    contentType: string,
    call: CallOptions,
  ): Promise<HttpResponse> => {
    const token = await options.getToken(baseUrl).catch((cause: unknown) => {
      throw new DataverseError(
        { kind: "unreachable", code: "TOKEN_UNAVAILABLE", message: "no token for Dataverse" },
        cause,
      );
    });
    const headers = {
      accept: "application/json",
      "odata-version": "4.0",
      "odata-maxversion": "4.0",
      // Keeps caches in between from answering reads.
      ...(method === "GET" ? { "if-none-match": "null" } : {}),
      ...(body === undefined ? {} : { "content-type": contentType }),
      ...call.headers,
      authorization: `Bearer ${token}`,
    };
    const response = await http({
      method,
      url,
      headers,
      timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
      ...(body === undefined ? {} : { body }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    }).catch((error: unknown) => {
      throw toConnectionError(error);
    });
    if (response.status >= 400) throw new DataverseError(failureOf(response, clock.now()));
    return response;
  };
  const send: DataverseClient["send"] = (method, path, body, call = {}) =>
    exchange(
      method,
      toUrl(baseUrl, path),
      body === undefined ? undefined : JSON.stringify(body),
      "application/json; charset=utf-8",
      call,
    );
  return {
    send,
    findRows: async (entitySet, query, call = {}) => {
      const rows: DataverseRow[] = [];
      for (const filter of toFilters(query)) {
        const search = `$select=${query.select.join(",")}&$filter=${encodeURIComponent(filter)}`;
        let next: string | undefined = `${entitySet}?${search}`;
        while (next !== undefined) {
          const response = await send("GET", next, undefined, call);
          const page = JSON.parse(response.body) as DataversePage;
          rows.push(...page.value);
          next = page["@odata.nextLink"];
        }
      }
      return rows;
    },
    batch: async (changesets, call = {}) => {
      const boundary = `batch_${randomUUID()}`;
      const response = await exchange(
        "POST",
        toUrl(baseUrl, "$batch"),
        toBatchBody(changesets, boundary),
        `multipart/mixed; boundary=${boundary}`,
        { ...call, headers: { ...call.headers, prefer: "odata.continue-on-error" } },
      );
      const type = response.headers.get("content-type") ?? "";
      return fromBatchBody(response.body, type, changesets.length, clock.now());
    },
  };
}

interface DataversePage {
  readonly value: readonly DataverseRow[];
  readonly "@odata.nextLink"?: string;
}

/** A text literal of a filter or a key, quotes doubled; not yet percent-encoded. */
function toLiteral(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** `invoices(cwy_key='…')`, encoded for a path. Only for values without characters that break addresses. */
export function toKeyPath(entitySet: string, column: string, value: string): string {
  return `${entitySet}(${column}=${encodeURIComponent(toLiteral(value))})`;
}

function toUrl(baseUrl: string, path: string): string {
  return path.startsWith("http") ? path : `${baseUrl}${apiPath}${path}`;
}

/** Rows joined by `or`, cut where the address would become too long. */
function toFilters({ by, values }: RowQuery): readonly string[] {
  const filters: string[] = [];
  let current = "";
  for (const row of values) {
    const terms = by.map((name, index) => `${name} eq ${toTerm(name, row[index] ?? "")}`);
    const condition = terms.length === 1 ? (terms[0] ?? "") : `(${terms.join(" and ")})`;
    const longer = current === "" ? condition : `${current} or ${condition}`;
    if (current !== "" && encodeURIComponent(longer).length > maxFilterLength) {
      filters.push(current);
      current = condition;
    } else {
      current = longer;
    }
  }
  if (current !== "") filters.push(current);
  return filters;
}

/** Ids stand bare; everything else that we look for is text. */
function toTerm(name: string, value: string): string {
  return /^_.+_value$/.test(name) ? value : toLiteral(value);
}
