/*
 * Azure Tables over its REST interface. The SDK's client sends every request, and every single write of a
 * transaction, through a pipeline of a dozen policies with tracing and a generic serialiser: a third of the
 * function app's processor time under load (docs/decisions/0042).
 */
import { randomUUID } from "node:crypto";
import type { Clock } from "./clock.ts";
import { HttpError } from "./http.ts";
import type { Http, HttpResponse } from "./http.ts";
import { toEntityPath, quote, toStoredRow } from "./table-entity.ts";
import {
  jsonHeaders,
  readTransactionAnswer,
  toRequest,
  toTransactionRequest,
} from "./table-request.ts";
import type { TableRequest } from "./table-request.ts";
import { TableError } from "./table-store.ts";
import type { RowPage, RowQuery, TableErrorCode, TableStore, Write } from "./table-store.ts";

export interface AzureTableStoreOptions {
  /** `https://<account>.table.core.windows.net` */
  readonly endpoint: string;
  readonly http: Http;
  readonly clock: Clock;
  /** The value of the header `Authorization` for a request at `date`. */
  readonly authorize: (url: string, date: string) => Promise<string>;
}

/** The audience of a token for `authorize`. */
export const storageAudience = "https://storage.azure.com";

const serviceVersion = "2019-02-02";
/** The service gives up after 30 s. */
const timeoutMs = 35_000;
/** Few and short: delivery has its own rule for storage being away, and a message's lock is running. */
const retryDelaysMs = [200, 400] as const;
const longestRetryAfterMs = 1_000;

/** An answer that is an error; its code is the service's own: "EntityAlreadyExists", "TableNotFound". */
class TableResponseError extends Error {
  readonly status: number;
  readonly serviceCode: string;

  constructor(status: number, body: string | undefined) {
    const serviceCode = /"code":\s*"(\w+)"/.exec(body ?? "")?.[1] ?? "";
    super(`storage answered ${status} ${serviceCode}`.trim());
    this.name = "TableResponseError";
    this.status = status;
    this.serviceCode = serviceCode;
  }
}

export function createAzureTableStore(options: AzureTableStoreOptions): TableStore {
  const endpoint = options.endpoint.replace(/\/$/, "");
  const send = (request: TableRequest): Promise<HttpResponse> =>
    sendWithRetries({ ...options, endpoint }, request);
  const creatingTable = async <T>(table: string, run: () => Promise<T>): Promise<T> => {
    try {
      return await run();
    } catch (error) {
      if (serviceCodeOf(error) !== "TableNotFound") throw error;
      await createTable(send, table);
      return run();
    }
  };
  return {
    get: (table, keys) =>
      attempt(table, async () => {
        const answer = await send({
          method: "GET",
          path: toEntityPath(table, keys),
          headers: jsonHeaders,
        });
        if (answer.status === 404) return undefined;
        return toStoredRow(JSON.parse(accepted(answer).body) as Record<string, unknown>);
      }),
    write: (table, write) =>
      attempt(table, () =>
        creatingTable(table, async () => {
          const answer = accepted(await send(toRequest(table, write)));
          return answer.headers.get("etag") ?? "";
        }),
      ),
    transaction: (table, writes) =>
      attempt(table, () => creatingTable(table, () => submit(send, endpoint, table, writes))),
    query: (table, query) => attempt(table, () => readPage(send, table, query)),
  };
}

type Send = (request: TableRequest) => Promise<HttpResponse>;

async function sendWithRetries(
  { endpoint, http, clock, authorize }: AzureTableStoreOptions,
  request: TableRequest,
): Promise<HttpResponse> {
  const url = `${endpoint}/${request.path}`;
  for (let tries = 0; ; tries += 1) {
    const pauseMs = retryDelaysMs[tries];
    const date = new Date(clock.now()).toUTCString();
    try {
      const answer = await http({
        method: request.method,
        url,
        headers: {
          ...request.headers,
          "x-ms-version": serviceVersion,
          "x-ms-date": date,
          "x-ms-client-request-id": randomUUID(),
          dataserviceversion: "3.0;",
          maxdataserviceversion: "3.0;NetFx",
          authorization: await authorize(url, date),
        },
        ...(request.body === undefined ? {} : { body: request.body }),
        timeoutMs,
      });
      if (pauseMs === undefined || !isBusy(answer)) return answer;
    } catch (error) {
      // After a time-out the next one would be as long.
      const isOver = !(error instanceof HttpError) || error.code === "TIMEOUT";
      if (pauseMs === undefined || isOver) throw error;
    }
    await clock.sleep(pauseMs);
  }
}

/** Worth another try within the time that a caller has. */
function isBusy({ status, headers }: HttpResponse): boolean {
  if (status !== 408 && status !== 429 && status < 500) return false;
  return Number(headers.get("retry-after") ?? 0) * 1_000 <= longestRetryAfterMs;
}

function accepted(answer: HttpResponse): HttpResponse {
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw new TableResponseError(answer.status, answer.body);
}

/** Months' tables appear when first written; two instances may do so at once. */
async function createTable(send: Send, table: string): Promise<void> {
  const body = JSON.stringify({ TableName: table });
  const headers = { ...jsonHeaders, prefer: "return-no-content" };
  const answer = await send({ method: "POST", path: "Tables", headers, body });
  if (answer.status !== 409) accepted(answer);
  else if (!answer.body.includes("TableAlreadyExists")) accepted(answer);
}

async function submit(
  send: Send,
  endpoint: string,
  table: string,
  writes: readonly Write[],
): Promise<readonly string[]> {
  if (writes.length === 0) return [];
  const answer = accepted(await send(toTransactionRequest(endpoint, table, writes)));
  const parts = readTransactionAnswer(answer.body);
  const refused = parts.find(({ status }) => status >= 300 || status === 0);
  if (refused !== undefined) throw new TableResponseError(refused.status, refused.body);
  if (parts.length !== writes.length) throw new TableResponseError(502, undefined);
  return parts.map(({ etag }) => etag);
}

async function readPage(send: Send, table: string, query: RowQuery): Promise<RowPage> {
  const parameters = new URLSearchParams({ $filter: toFilter(query) });
  if (query.select !== undefined) {
    parameters.set("$select", ["PartitionKey", "RowKey", ...query.select].join(","));
  }
  if (query.limit !== undefined) parameters.set("$top", String(query.limit));
  for (const [name, value] of readContinuation(query.continuation)) parameters.set(name, value);
  // A plus sign is not a space to every implementation.
  const text = parameters.toString().replaceAll("+", "%20");
  const path = `${table}()?${text}`;
  const answer = await send({ method: "GET", path, headers: jsonHeaders });
  if (answer.status === 404) return { rows: [] };
  const { value } = JSON.parse(accepted(answer).body) as {
    readonly value: readonly Record<string, unknown>[];
  };
  const continuation = toContinuation(answer);
  const rows = value.map(toStoredRow);
  return continuation === undefined ? { rows } : { rows, continuation };
}

function toFilter({ partitionKey, from, below }: RowQuery): string {
  const conditions =
    typeof partitionKey === "string"
      ? [`PartitionKey eq ${quote(partitionKey)}`]
      : [
          `PartitionKey ge ${quote(partitionKey.from)}`,
          `PartitionKey lt ${quote(partitionKey.below)}`,
        ];
  if (from !== undefined) conditions.push(`RowKey ge ${quote(from)}`);
  if (below !== undefined) conditions.push(`RowKey lt ${quote(below)}`);
  return conditions.join(" and ");
}

const continuationNames = ["NextPartitionKey", "NextRowKey"] as const;

function toContinuation({ headers }: HttpResponse): string | undefined {
  const entries = continuationNames.flatMap((name) => {
    const value = headers.get(`x-ms-continuation-${name}`);
    return value === null ? [] : [[name, value] as const];
  });
  if (entries.length === 0) return undefined;
  return Buffer.from(JSON.stringify(entries), "utf8").toString("base64url");
}

function readContinuation(text: string | undefined): readonly (readonly [string, string])[] {
  if (text === undefined || text === "") return [];
  return JSON.parse(Buffer.from(text, "base64url").toString("utf8")) as readonly [string, string][];
}

async function attempt<T>(table: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw new TableError(toTableErrorCode(error), table, error);
  }
}

function toTableErrorCode(error: unknown): TableErrorCode {
  // No answer, or no token to ask with.
  if (!(error instanceof TableResponseError)) return "UNAVAILABLE";
  const { status, serviceCode } = error;
  // A month's table that was just created can answer 409 TableBeingDeleted/AlreadyExists: try again.
  if (status === 409) return serviceCode.startsWith("Table") ? "UNAVAILABLE" : "EXISTS";
  if (status === 412) return "CHANGED";
  if (status === 404) return "ABSENT";
  if (status === 408 || status === 429 || status >= 500) return "UNAVAILABLE";
  // A role assignment that has not arrived yet.
  if (status === 401 || status === 403) return "UNAVAILABLE";
  return "FAILED";
}

function serviceCodeOf(error: unknown): string {
  return error instanceof TableResponseError ? error.serviceCode : "";
}
