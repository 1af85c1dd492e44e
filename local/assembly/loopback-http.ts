import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { FrontDoor } from "../front-door.ts";
import { createInsideRequest } from "../inside-request.ts";
import { readAnswer } from "../read-answer.ts";

export interface LoopbackRequest {
  readonly method: string;
  readonly uri: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface LoopbackResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export type LoopbackHttp = (request: LoopbackRequest) => Promise<LoopbackResponse>;

/** A door of this process by its port. */
type FindDoor = (port: number) => Pick<FrontDoor, "answer"> | undefined;

const defaultTimeoutMs = 120_000;

/**
 * How local services call each other: http and https with the local authority trusted, nothing kept but
 * sockets. A service behind a door of this process is asked without one: a connection to oneself is paid for
 * twice, and is a third of what a workflow's call costs.
 */
export function createLoopbackHttp(
  ca: string,
  findDoor: FindDoor = () => undefined,
): LoopbackHttp & { close(): void } {
  const http = new HttpAgent({ keepAlive: true });
  const https = new HttpsAgent({ keepAlive: true, ca });
  const send: LoopbackHttp = (request) => {
    const door = findDoor(Number(new URL(request.uri).port));
    return door === undefined ? sendOver(http, https, request) : askDoor(door, request);
  };
  return Object.assign(send, {
    close: () => {
      http.destroy();
      https.destroy();
    },
  });
}

async function askDoor(
  door: Pick<FrontDoor, "answer">,
  { method, uri, headers, body, timeoutMs = defaultTimeoutMs, signal }: LoopbackRequest,
): Promise<LoopbackResponse> {
  const payload = body === undefined ? undefined : Buffer.from(body);
  const request = createInsideRequest({
    url: uri,
    method,
    headers:
      payload === undefined
        ? headers
        : { ...headers, "content-length": String(payload.byteLength) },
    body: payload,
  });
  const answer = async (): Promise<LoopbackResponse> => {
    const response = await door.answer(request);
    if (response === undefined) throw new Error("socket hang up");
    return readAnswer(response);
  };
  return withinTime(answer(), timeoutMs, signal);
}

/** What was begun goes on unheard, as behind a connection that its client has closed. */
function withinTime<T>(
  work: Promise<T>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new Error("the request was aborted"));
    const timer = setTimeout(() => reject(new Error("the request timed out")), timeoutMs);
    if (signal?.aborted === true) abort();
    signal?.addEventListener("abort", abort, { once: true });
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    work.then(resolve, reject).finally(finish);
  });
}

function sendOver(
  http: HttpAgent,
  https: HttpsAgent,
  { method, uri, headers, body, timeoutMs = defaultTimeoutMs, signal }: LoopbackRequest,
): Promise<LoopbackResponse> {
  return new Promise((resolve, reject) => {
    const url = new URL(uri);
    const isSecure = url.protocol === "https:";
    const payload = body === undefined ? undefined : Buffer.from(body);
    const outgoing = (isSecure ? httpsRequest : httpRequest)(
      url,
      {
        method,
        agent: isSecure ? https : http,
        timeout: timeoutMs,
        ...(signal === undefined ? {} : { signal }),
        headers: {
          ...headers,
          ...(payload === undefined ? {} : { "content-length": payload.byteLength }),
        },
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.on("error", reject);
        incoming.on("end", () =>
          resolve({
            statusCode: incoming.statusCode ?? 0,
            headers: flatten(incoming.headers),
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error("the request timed out")));
    outgoing.on("error", reject);
    outgoing.end(payload);
  });
}

function flatten(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      if (value === undefined) return [];
      return [[name, typeof value === "string" ? value : value.join(", ")] as const];
    }),
  );
}
