import { createServer } from "node:http";
import type { Server, ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "@jest/globals";
import { createHttp } from "../../../../functions/src/platform/http.ts";

let server: Server | undefined;
const http = createHttp();
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server === undefined ? resolve(null) : server.close(resolve)));
  server = undefined;
});

async function serve(answer: (response: ServerResponse, body: string) => void): Promise<string> {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => answer(response, Buffer.concat(chunks).toString()));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("http", () => {
  it("gives any status as an answer, with headers of any case", async () => {
    const url = await serve((response, body) => {
      response.writeHead(429, { "Retry-After": "7" }).end(`got ${body}`);
    });
    const answer = await http({ method: "POST", url, body: "Ä" });
    expect([answer.status, answer.headers.get("retry-AFTER"), answer.body]).toEqual([
      429,
      "7",
      "got Ä",
    ]);
    expect(answer.headers.get("x-none")).toBeNull();
  });

  it("reads compressed answers", async () => {
    const url = await serve((response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("plain"));
    });
    expect((await http({ method: "GET", url })).body).toBe("plain");
  });

  it("knows that nothing was sent when nobody listens", async () => {
    const url = await serve(() => undefined);
    await new Promise((resolve) => server?.close(resolve));
    await expect(http({ method: "GET", url })).rejects.toMatchObject({
      code: "CONNECTION_REFUSED",
      sent: false,
    });
  });

  it("says that it may have been received when the time is up or the connection breaks", async () => {
    const url = await serve((response, body) => {
      if (body === "reset") response.destroy();
    });
    await expect(http({ method: "POST", url, body: "", timeoutMs: 400 })).rejects.toMatchObject({
      code: "TIMEOUT",
      sent: true,
    });
    await expect(http({ method: "POST", url, body: "reset" })).rejects.toMatchObject({
      code: "CONNECTION_RESET",
      sent: true,
    });
  });

  it("stops when it is told to, and names the host only", async () => {
    const url = await serve(() => undefined);
    const stop = new AbortController();
    const call = http({ method: "GET", url: `${url}/secret?key=1`, signal: stop.signal });
    stop.abort();
    await expect(call).rejects.toMatchObject({ code: "ABORTED" });
    await expect(call).rejects.not.toThrow("secret");
  });
});
