import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

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

/** How local services call each other: http and https with the local authority trusted, nothing kept but sockets. */
export function createLoopbackHttp(ca: string): LoopbackHttp & { close(): void } {
  const http = new HttpAgent({ keepAlive: true });
  const https = new HttpsAgent({ keepAlive: true, ca });
  const send: LoopbackHttp = ({ method, uri, headers, body, timeoutMs = 120_000, signal }) =>
    new Promise((resolve, reject) => {
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
  return Object.assign(send, {
    close: () => {
      http.destroy();
      https.destroy();
    },
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
