import type { EventGridPublisherClientOptions } from "@azure/eventgrid";

type HttpClient = NonNullable<EventGridPublisherClientOptions["httpClient"]>;
type PipelineRequest = Parameters<HttpClient["sendRequest"]>[0];
type PipelineResponse = Awaited<ReturnType<HttpClient["sendRequest"]>>;
type HttpHeaders = PipelineResponse["headers"];

/** How local services call each other, as far as this needs it. */
export type Exchange = (request: {
  readonly method: string;
  readonly uri: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}) => Promise<{
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}>;

/** The place that an Azure SDK has for another HTTP client; the request is the genuine client's own. */
export function createInProcessClient(exchange: Exchange): HttpClient {
  return {
    sendRequest: async (request) => {
      const { statusCode, headers, body } = await exchange(toExchange(request));
      return {
        request,
        status: statusCode,
        headers: createHeaders(headers),
        bodyAsText: body.toString("utf8"),
      };
    },
  };
}

function toExchange({
  method,
  url,
  headers,
  body,
  timeout,
}: PipelineRequest): Parameters<Exchange>[0] {
  if (body !== undefined && body !== null && typeof body !== "string") {
    throw new TypeError("only text is sent in this process");
  }
  return {
    method,
    uri: url,
    headers: headers.toJSON(),
    ...(typeof body === "string" ? { body } : {}),
    ...(timeout > 0 ? { timeoutMs: timeout } : {}),
  };
}

function createHeaders(headers: Readonly<Record<string, string>>): HttpHeaders {
  const values = new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return {
    get: (name) => values.get(name.toLowerCase()),
    has: (name) => values.has(name.toLowerCase()),
    set: (name, value) => void values.set(name.toLowerCase(), String(value)),
    delete: (name) => void values.delete(name.toLowerCase()),
    toJSON: () => Object.fromEntries(values),
    [Symbol.iterator]: () => values[Symbol.iterator](),
  };
}
