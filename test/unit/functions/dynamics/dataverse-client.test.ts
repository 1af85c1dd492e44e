import { describe, expect, it } from "@jest/globals";
import { fromBatchBody, toBatchBody } from "../../../../functions/src/dynamics/dataverse-batch.ts";
import { createDataverseClient } from "../../../../functions/src/dynamics/dataverse-client.ts";
import { DataverseError, toFailure } from "../../../../functions/src/dynamics/dataverse-failure.ts";
import { HttpError } from "../../../../functions/src/platform/http.ts";
import type { Http, HttpRequest } from "../../../../functions/src/platform/http.ts";

const baseUrl = "https://org.crm.example";
const now = Date.UTC(2026, 0, 15, 9, 30);

function clientOn(http: Http): ReturnType<typeof createDataverseClient> {
  return createDataverseClient({
    http,
    getToken: (audience) => Promise.resolve(`token for ${audience}`),
    baseUrl,
    clock: { now: () => now, sleep: () => Promise.resolve() },
  });
}

function answering(requests: HttpRequest[], ...bodies: readonly unknown[]): Http {
  return (request) => {
    requests.push(request);
    const body = JSON.stringify(bodies[requests.length - 1] ?? { value: [] });
    return Promise.resolve({ status: 200, headers: new Headers(), body });
  };
}

function lines(...text: readonly string[]): string {
  return `${text.join("\r\n")}\r\n`;
}

describe("the Dataverse client", () => {
  it("asks with its token and reads every page", async () => {
    const requests: HttpRequest[] = [];
    const next = `${baseUrl}/api/data/v9.2/accounts?$skiptoken=1`;
    const client = clientOn(
      answering(requests, { value: [{ a: 1 }], "@odata.nextLink": next }, { value: [{ a: 2 }] }),
    );

    const rows = await client.findRows("accounts", {
      select: ["a"],
      by: ["n"],
      values: [["O'Hara & Co"]],
    });

    expect(rows).toEqual([{ a: 1 }, { a: 2 }]);
    expect(requests.map(({ url }) => url)).toEqual([
      `${baseUrl}/api/data/v9.2/accounts?$select=a&$filter=n%20eq%20'O''Hara%20%26%20Co'`,
      next,
    ]);
    expect(requests[0]?.headers).toMatchObject({ authorization: `Bearer token for ${baseUrl}` });
  });

  it("cuts a query for many keys before its address gets too long", async () => {
    const requests: HttpRequest[] = [];
    const values = Array.from({ length: 1000 }, (_, index) => [`key-${index}`]);

    await clientOn(answering(requests)).findRows("invoices", { select: ["a"], by: ["k"], values });

    expect(requests.length).toBeGreaterThan(1);
    expect(Math.max(...requests.map(({ url }) => url.length))).toBeLessThan(9_000);
    const asked = requests.flatMap(({ url }) => decodeURIComponent(url).match(/'key-\d+'/g) ?? []);
    expect(new Set(asked).size).toBe(1000);
  });

  it.each([
    ["CONNECTION_REFUSED", false, "unreachable"],
    ["TIMEOUT", true, "unsure"],
    ["CONNECTION_RESET", true, "unsure"],
  ] as const)("tells %s (sent: %s) as %s", async (code, sent, kind) => {
    const client = clientOn((request) => Promise.reject(new HttpError(code, request, sent)));

    const error = await client.send("GET", "WhoAmI").catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(DataverseError);
    expect(error).toMatchObject({ failure: { kind, code } });
  });
});

describe("a Dataverse refusal", () => {
  it.each([
    [429, "0x80072322", "throttled"],
    [400, "0x80072326", "throttled"],
    [401, "", "denied"],
    [403, "0x80040220", "denied"],
    [404, "0x80060891", "gone"],
    [412, "0x80060892", "transient"],
    [500, "0x80040216", "transient"],
    [503, "", "unreachable"],
    [400, "0x80044331", "permanent"],
  ])("of status %d and code %s is %s", (status, code, kind) => {
    const body = code === "" ? "<html>" : JSON.stringify({ error: { code, message: "m" } });

    expect(toFailure(status, body, undefined).kind).toBe(kind);
  });
});

describe("a batch", () => {
  it("holds one changeset per unit with CRLF line ends and content ids", () => {
    const operation = {
      method: "PATCH",
      path: "invoices(cwy_key='k')",
      body: { name: "A" },
    } as const;

    const body = toBatchBody([[operation, operation], [operation]], "b1");

    expect(body.split("\n").every((line) => line === "" || line.endsWith("\r"))).toBe(true);
    expect(body.match(/^Content-ID: \d$/gm)).toEqual([
      "Content-ID: 1",
      "Content-ID: 2",
      "Content-ID: 1",
    ]);
    expect(body).toContain("PATCH /api/data/v9.2/invoices(cwy_key='k') HTTP/1.1\r\n");
    expect(body.endsWith("--b1--\r\n")).toBe(true);
  });

  it("answers per changeset: done, failed inside or bare, and not run", () => {
    const http = ["Content-Type: application/http", "Content-Transfer-Encoding: binary", ""];
    const body = lines(
      "--r",
      "Content-Type: multipart/mixed; boundary=c",
      "",
      "--c",
      ...http,
      "HTTP/1.1 204 No Content",
      "OData-EntityId: https://o/invoices(1)",
      "",
      "",
      "--c--",
      "--r",
      ...http,
      "HTTP/1.1 400 Bad Request",
      "",
      '{"error":{"code":"0x80044331","message":"too long"}}',
      "--r",
      "Content-Type: multipart/mixed; boundary=d",
      "",
      "--d",
      ...http,
      "HTTP/1.1 429 Too Many Requests",
      "Retry-After: 3",
      "",
      "{}",
      "--d--",
      "--r--",
    );

    const answers = fromBatchBody(body, "multipart/mixed; boundary=r", 4, now);

    expect(answers).toMatchObject([
      { kind: "done", entityIds: ["https://o/invoices(1)"] },
      { kind: "failed", failure: { kind: "permanent", code: "0x80044331", message: "too long" } },
      { kind: "failed", failure: { kind: "throttled", afterMs: 3_000 } },
      { kind: "notRun" },
    ]);
  });
});
