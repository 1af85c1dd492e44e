import { describe, expect, it } from "@jest/globals";
import { createAzureTableStore } from "../../../../functions/src/platform/azure-table-store.ts";
import { HttpError } from "../../../../functions/src/platform/http.ts";
import type {
  HttpErrorCode,
  HttpRequest,
  HttpResponse,
} from "../../../../functions/src/platform/http.ts";
import type { TableStore } from "../../../../functions/src/platform/table-store.ts";

type Answer =
  | { readonly status: number; readonly body?: string; readonly retryAfter?: string }
  | { readonly lost: HttpErrorCode };

const keys = { partitionKey: "p", rowKey: "r" };
const insert = { kind: "insert", row: { ...keys, columns: {} } } as const;
const written = { status: 204 };
const notFound = (code: string): Answer => ({
  status: 404,
  body: `{"odata.error":{"code":"${code}","message":{"lang":"en-US","value":"0:no"}}}`,
});

/** A store over answers in their order, with what was asked and how long it paused. */
function storeOver(answers: readonly Answer[], authorize = () => Promise.resolve("Bearer t")) {
  const asked: HttpRequest[] = [];
  const pauses: number[] = [];
  const store: TableStore = createAzureTableStore({
    endpoint: "https://account.table.core.windows.net/",
    clock: { now: () => 0, sleep: (ms) => Promise.resolve(void pauses.push(ms)) },
    authorize,
    http: (request): Promise<HttpResponse> => {
      const answer = answers[asked.push(request) - 1];
      if (answer === undefined) throw new Error("asked too often");
      if ("lost" in answer) throw new HttpError(answer.lost, request, true);
      const headers = new Map(Object.entries({ "retry-after": answer.retryAfter, etag: "e" }));
      return Promise.resolve({
        status: answer.status,
        headers: { get: (name) => headers.get(name) ?? null },
        body: answer.body ?? "",
      });
    },
  });
  return { store, asked, pauses };
}

describe("the client of Azure Tables", () => {
  it("asks twice more when storage is busy or a connection is lost", async () => {
    const { store, pauses } = storeOver([{ status: 503 }, { lost: "CONNECTION_RESET" }, written]);
    expect(await store.write("t", insert)).toBe("e");
    expect(pauses).toEqual([200, 400]);
  });

  it.each([
    ["three times busy", [{ status: 503 }, { status: 500 }, { status: 429 }]],
    ["busy for longer than a caller waits", [{ status: 503, retryAfter: "2" }]],
    ["silent until the time is up", [{ lost: "TIMEOUT" as const }]],
    ["not yet allowed", [{ status: 403 }]],
  ])("says UNAVAILABLE when storage is %s", async (_what, answers) => {
    const { store, asked } = storeOver(answers);
    await expect(store.get("t", keys)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(asked).toHaveLength(answers.length);
  });

  it("says UNAVAILABLE when there is no token to ask with", async () => {
    const { store, asked } = storeOver([], () => Promise.reject(new Error("no identity")));
    await expect(store.get("t", keys)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(asked).toHaveLength(0);
  });

  it("makes a table that is not there, also when another process does so at the same time", async () => {
    const exists = { status: 409, body: '{"odata.error":{"code":"TableAlreadyExists"}}' };
    const { store, asked } = storeOver([notFound("TableNotFound"), exists, written]);
    await store.write("t", insert);
    expect(asked.map(({ url }) => new URL(url).pathname)).toEqual(["/t", "/Tables", "/t"]);
  });

  it("tells a missing row from a missing table", async () => {
    const { store } = storeOver([notFound("ResourceNotFound")]);
    const change = { kind: "replace", row: insert.row, etag: "e" } as const;
    await expect(store.write("t", change)).rejects.toMatchObject({ code: "ABSENT" });
  });

  it("takes a transaction for written only when each part is answered", async () => {
    const part = (line: string): string => `--changesetresponse_1\r\n\r\n${line}\r\n\r\n`;
    const body = `${part("HTTP/1.1 204 No Content")}--changesetresponse_1--`;
    const { store } = storeOver([{ status: 202, body }]);
    await expect(store.transaction("t", [insert, insert])).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
  });
});
