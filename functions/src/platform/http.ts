import { Agent as HttpAgent, request as httpRequest } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { gunzip } from "node:zlib";
import { CausewayError } from "./causeway-error.ts";

export interface HttpRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole exchange, body included. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: string;
}

/** Any status is an answer; only an exchange without an answer throws (HttpError). */
export type Http = (request: HttpRequest) => Promise<HttpResponse>;

export type HttpErrorCode =
  | "TIMEOUT"
  | "ABORTED"
  | "CONNECTION_REFUSED"
  | "CONNECTION_RESET"
  | "NOT_FOUND_HOST"
  | "TLS_FAILED"
  | "RESPONSE_TOO_LARGE"
  | "RESPONSE_UNREADABLE"
  | "CONNECTION_FAILED";

export class HttpError extends CausewayError<HttpErrorCode> {
  /** Whether the request may have been received; false means that nothing left this machine. */
  readonly sent: boolean;

  constructor(code: HttpErrorCode, request: HttpRequest, sent: boolean, cause?: unknown) {
    // Only the host is named: paths and queries carry business keys.
    const host = hostOf(request.url);
    super(code, `${request.method} ${host} got no answer: ${code}`, {
      fate: "transient",
      ids: { host },
      cause,
    });
    this.name = "HttpError";
    this.sent = sent;
  }
}

const defaultTimeoutMs = 100_000;
/** F&O pages of 10,000 rows stay far below this; an endless answer must not take the process. */
const maxResponseBytes = 64 * 1024 * 1024;

/**
 * One pool of kept-alive connections. node:http and not fetch: it tells whether a connection was made
 * (`sent`), and it costs half the processor time per call.
 */
export function createHttp(
  options: { readonly maxSockets?: number } = {},
): Http & { close(): void } {
  const agentOptions = { keepAlive: true, maxSockets: options.maxSockets ?? 64 };
  const http = new HttpAgent(agentOptions);
  const https = new HttpsAgent(agentOptions);
  const send: Http = (request) => exchange(request, http, https);
  return Object.assign(send, {
    close: () => {
      http.destroy();
      https.destroy();
    },
  });
}

function exchange(request: HttpRequest, http: HttpAgent, https: HttpsAgent): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    const url = new URL(request.url);
    const secure = url.protocol === "https:";
    const body = request.body === undefined ? undefined : Buffer.from(request.body, "utf8");
    let sent = false;
    const outgoing = (secure ? httpsRequest : httpRequest)(url, {
      method: request.method,
      agent: secure ? https : http,
      headers: {
        "accept-encoding": "gzip",
        ...request.headers,
        ...(body === undefined ? {} : { "content-length": body.byteLength }),
      },
    });
    const fail = (code: HttpErrorCode, cause?: unknown): void => {
      finish();
      reject(new HttpError(code, request, sent, cause));
      outgoing.destroy();
    };
    const timer = setTimeout(() => fail("TIMEOUT"), request.timeoutMs ?? defaultTimeoutMs);
    const abort = (): void => fail("ABORTED", request.signal?.reason);
    const finish = (): void => {
      clearTimeout(timer);
      request.signal?.removeEventListener("abort", abort);
    };
    watchConnection(outgoing, secure, () => (sent = true));
    outgoing.on("error", (error) => fail(toErrorCode(error), error));
    outgoing.on("response", (incoming) => {
      readBody(incoming).then(
        (text) => {
          finish();
          resolve({
            status: incoming.statusCode ?? 0,
            headers: { get: (name) => headerOf(incoming, name) },
            body: text,
          });
        },
        (error: unknown) => fail(toErrorCode(error), error),
      );
    });
    if (request.signal?.aborted) abort();
    else {
      request.signal?.addEventListener("abort", abort, { once: true });
      outgoing.end(body);
    }
  });
}

function watchConnection(outgoing: ClientRequest, secure: boolean, onConnected: () => void): void {
  outgoing.on("socket", (socket) => {
    if (!socket.connecting) onConnected();
    else socket.once(secure ? "secureConnect" : "connect", onConnected);
  });
}

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > maxResponseBytes) throw new BodyError("RESPONSE_TOO_LARGE");
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  if (incoming.headers["content-encoding"] !== "gzip" || bytes.byteLength === 0) {
    return bytes.toString("utf8");
  }
  return new Promise((resolve, reject) => {
    gunzip(bytes, { maxOutputLength: maxResponseBytes }, (error, plain) => {
      if (error === null) resolve(plain.toString("utf8"));
      else reject(new BodyError("RESPONSE_UNREADABLE", error));
    });
  });
}

class BodyError extends Error {
  readonly httpCode: HttpErrorCode;

  constructor(httpCode: HttpErrorCode, cause?: unknown) {
    super(httpCode, { cause });
    this.httpCode = httpCode;
  }
}

function toErrorCode(error: unknown): HttpErrorCode {
  if (error instanceof BodyError) return error.httpCode;
  const code =
    typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  switch (code) {
    case "ECONNREFUSED":
      return "CONNECTION_REFUSED";
    case "ECONNRESET":
    case "EPIPE":
      return "CONNECTION_RESET";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "NOT_FOUND_HOST";
    case "ETIMEDOUT":
      return "TIMEOUT";
    default:
      return /CERT|SSL|TLS|SELF_SIGNED|ISSUER/.test(code) ? "TLS_FAILED" : "CONNECTION_FAILED";
  }
}

function headerOf(incoming: IncomingMessage, name: string): string | null {
  const value = incoming.headers[name.toLowerCase()];
  if (value === undefined) return null;
  return Array.isArray(value) ? value.join(", ") : value;
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return "invalid address";
  }
}
