import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  createFinanceClient,
  equalsText,
  FinanceError,
  type FinanceQuery,
} from "../../../../functions/src/dynamics/finance-client.ts";
import {
  HttpError,
  type Http,
  type HttpRequest,
  type HttpResponse,
} from "../../../../functions/src/platform/http.ts";
import { answer } from "../../../support/scripted-finance.ts";

const { signal } = new AbortController();
const query: FinanceQuery = {
  entitySet: "SalesInvoiceHeadersV2",
  company: "usmf",
  anyOf: ["InvoiceNumber eq 'CIV-1'"],
};

function clientOf(...answers: readonly (HttpResponse | Error)[]) {
  const requests: HttpRequest[] = [];
  const http: Http = (request) => {
    requests.push(request);
    const next = answers[Math.min(requests.length, answers.length) - 1];
    if (next === undefined || next instanceof Error) return Promise.reject(next ?? new Error());
    return Promise.resolve(next);
  };
  const audiences: string[] = [];
  const getToken = (audience: string): Promise<string> => {
    audiences.push(audience);
    return Promise.resolve("t0ken");
  };
  const baseUrl = "https://fo.example/";
  return { client: createFinanceClient({ baseUrl, http, getToken }), requests, audiences };
}

async function errorOf(response: HttpResponse | Error): Promise<FinanceError> {
  const { client } = clientOf(response);
  const error: unknown = await client.readAll(query, signal).catch((thrown: unknown) => thrown);
  if (!(error instanceof FinanceError)) throw new Error("expected a FinanceError");
  return error;
}

describe("a read from F&O", () => {
  it("asks across companies, by day range, with the right token", async () => {
    const { client, requests, audiences } = clientOf(answer(200, { value: [] }));
    const day = { column: "InvoiceDate", day: "2024-12-31" };
    await client.readAll(
      { ...query, day, expand: "SalesInvoiceLinesV2", select: ["A", "B"] },
      signal,
    );
    expect(requests.map(({ method, url, headers }) => ({ method, url, headers }))).toEqual([
      {
        method: "GET",
        url:
          "https://fo.example/data/SalesInvoiceHeadersV2?cross-company=true" +
          "&$filter=dataAreaId%20eq%20'usmf'%20and%20InvoiceDate%20ge%202024-12-31T00%3A00%3A00Z" +
          "%20and%20InvoiceDate%20lt%202025-01-01T00%3A00%3A00Z%20and%20(InvoiceNumber%20eq%20'CIV-1')" +
          "&$select=A,B&$expand=SalesInvoiceLinesV2",
        headers: { authorization: "Bearer t0ken", accept: "application/json" },
      },
    ]);
    expect(audiences).toEqual(["https://fo.example"]);
  });

  it("follows the next pages, but never to another host", async () => {
    const next = "https://fo.example/data/SalesInvoiceHeadersV2?$skiptoken=x";
    const pages = clientOf(
      answer(200, { value: [1], "@odata.nextLink": next }),
      answer(200, { value: [2] }),
    );
    expect(await pages.client.readAll(query, signal)).toEqual([1, 2]);
    expect(pages.requests[1]?.url).toBe(next);
    const foreign = answer(200, { value: [], "@odata.nextLink": "https://evil.example/data/x" });
    expect((await errorOf(foreign)).code).toBe("FINANCE_ANSWER_UNREADABLE");
  });

  it("spreads many documents over addresses that are short enough", async () => {
    const { client, requests } = clientOf(answer(200, { value: [1] }));
    const anyOf = Array.from({ length: 100 }, (_, index) => `InvoiceNumber eq 'CIV-${index}'`);
    const rows = await client.readAll({ ...query, anyOf }, signal);
    expect(requests.length).toBe(rows.length);
    expect(requests.length).toBeLessThanOrEqual(3);
    expect(Math.max(...requests.map(({ url }) => url.length))).toBeLessThanOrEqual(2000);
    const asked = requests.flatMap(({ url }) => decodeURIComponent(url).match(/'CIV-\d+'/g) ?? []);
    expect(new Set(asked).size).toBe(100);
  });

  it("carries any invoice number there and back", async () => {
    const { client, requests } = clientOf(answer(200, { value: [] }));
    const read = (number: string): Promise<unknown> =>
      client.readAll({ ...query, anyOf: [equalsText("InvoiceNumber", number)] }, signal);
    await read("INV/2024#1?+%&'");
    expect(requests[0]?.url).toContain("(InvoiceNumber%20eq%20'INV%2F2024%231%3F%2B%25%26''')");
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", minLength: 1 }), async (number) => {
        await read(number);
        const filter = new URL(requests.at(-1)?.url ?? "").searchParams.get("$filter") ?? "";
        const literal = /eq '((?:[^']|'')*)'\)$/.exec(
          filter.replace("dataAreaId eq 'usmf' and ", ""),
        );
        expect(literal?.[1]?.replaceAll("''", "'")).toBe(number);
      }),
      { numRuns: 50 },
    );
  });
});

describe("what F&O answers", () => {
  it.each([
    [401, "FINANCE_UNAUTHORIZED", true],
    [403, "FINANCE_UNAUTHORIZED", true],
    [404, "FINANCE_REFUSED", false],
    [400, "FINANCE_REFUSED", false],
    [429, "FINANCE_THROTTLED", false],
    [500, "FINANCE_FAILED", false],
    [502, "FINANCE_UNREACHABLE", true],
    [503, "FINANCE_UNREACHABLE", true],
    [504, "FINANCE_TIMEOUT", false],
  ] as const)("with %i is %s", async (status, code, unreachable) => {
    expect(await errorOf(answer(status, ""))).toMatchObject({ code, unreachable });
  });

  it("says when to come again, in seconds or as a date of its own clock", async () => {
    const after = async (headers: Record<string, string>): Promise<number | undefined> =>
      (await errorOf(answer(429, "", headers))).afterMs;
    expect(await after({ "retry-after": "7" })).toBe(7000);
    expect(await after({})).toBe(30_000);
    expect(
      await after({
        "retry-after": "Fri, 14 Jun 2024 08:31:00 GMT",
        date: "Fri, 14 Jun 2024 08:30:00 GMT",
      }),
    ).toBe(60_000);
  });

  it("keeps F&O's own text out of the message and short in the detail", async () => {
    const message = `Write failed for customer Contoso Retail.\tInfolog: ${"x".repeat(400)}`;
    const body = {
      error: { code: "", message: "An error has occurred.", innererror: { message } },
    };
    const error = await errorOf(answer(500, body));
    expect(error.message).toBe(
      "Reading SalesInvoiceHeadersV2 from F&O ended with status 500 (FINANCE_FAILED).",
    );
    expect(error.detail).toMatch(/^Write failed for customer Contoso Retail\. Infolog: x+…$/);
    expect(error.detail).toHaveLength(301);
  });

  it("is an outage when there is no answer at all", async () => {
    const refused = new HttpError(
      "CONNECTION_REFUSED",
      { method: "GET", url: "https://fo" },
      false,
    );
    const error = await errorOf(refused);
    expect(error).toMatchObject({ code: "FINANCE_UNREACHABLE", unreachable: true });
    expect(error.cause).toBe(refused);
  });

  it.each([
    ["TIMEOUT", true, "FINANCE_TIMEOUT", false],
    ["TIMEOUT", false, "FINANCE_UNREACHABLE", true],
    ["CONNECTION_RESET", true, "FINANCE_UNREACHABLE", true],
    ["RESPONSE_TOO_LARGE", true, "FINANCE_ANSWER_TOO_LARGE", false],
    ["RESPONSE_UNREADABLE", true, "FINANCE_ANSWER_UNREADABLE", false],
  ] as const)("is no usable one: %s, sent %s, is %s", async (http, sent, code, unreachable) => {
    const failed = new HttpError(http, { method: "GET", url: "https://fo" }, sent);
    expect(await errorOf(failed)).toMatchObject({ code, unreachable });
  });

  it.each(["<html>", "{}", '{"value":1}'])("is unreadable when it is %s", async (body) => {
    expect((await errorOf(answer(200, body))).code).toBe("FINANCE_ANSWER_UNREADABLE");
  });
});
