import { describe, expect, it } from "@jest/globals";
import {
  HttpError,
  type Http,
  type HttpRequest,
} from "../../../../../functions/src/platform/http.ts";
import { createWorkflowCall } from "../../../../../functions/src/targets/workflow/workflow-call.ts";

function setUp(http: Http) {
  const call = createWorkflowCall({
    http,
    getToken: (audience) => Promise.resolve(`token for ${audience}`),
    accessEndpoint: "https://logic.test/workflows/w1/",
    audience: "https://management.azure.com/",
  });
  const { signal } = new AbortController();
  return () => call({ step: "send" }, { traceparent: "00-a-b-01", eventId: "e1", signal });
}

const answer =
  (status: number, body: string, headers: Record<string, string> = {}): Http =>
  () =>
    Promise.resolve({ status, body, headers: { get: (name) => headers[name] ?? null } });

describe("createWorkflowCall", () => {
  it("invokes the Request trigger with a token and no sig", async () => {
    const requests: HttpRequest[] = [];

    await setUp((request) => {
      requests.push(request);
      return answer(200, '{"status":"delivered"}')(request);
    })();

    expect(requests).toMatchObject([
      {
        method: "POST",
        url: "https://logic.test/workflows/w1/triggers/manual/paths/invoke?api-version=2016-10-01",
        headers: {
          authorization: "Bearer token for https://management.azure.com",
          "x-ms-client-tracking-id": "e1",
          traceparent: "00-a-b-01",
        },
      },
    ]);
  });

  it.each([
    [
      "the workflow's own answer",
      answer(409, '{"status":"reject","code":"X"}'),
      { kind: "answered", status: 409, body: { code: "X" } },
    ],
    [
      "a refusal of the platform",
      answer(403, '{"error":{"code":"AuthorizationFailed"}}'),
      { kind: "refused", status: 403, afterMs: undefined },
    ],
    [
      "throttling with its pause",
      answer(429, "", { "retry-after": "7" }),
      { kind: "refused", status: 429, afterMs: 7000 },
    ],
    [
      "a gateway's time-out, after which the workflow may have run",
      answer(504, ""),
      { kind: "noAnswer", code: "HTTP_504", sent: true },
    ],
    [
      "a run that ended without its Response, which may have had its effect",
      answer(502, '{"error":{"code":"NoResponse"}}'),
      { kind: "noAnswer", code: "HTTP_502", sent: true },
    ],
    [
      "an answer that is not ours, behind which anything may stand",
      answer(202, ""),
      { kind: "noAnswer", code: "HTTP_202", sent: true },
    ],
  ])("tells %s", async (_what, http, expected) => {
    expect(await setUp(http)()).toMatchObject(expected);
  });

  it("tells whether a call without an answer may have arrived", async () => {
    const call = setUp((request) =>
      Promise.reject(new HttpError("CONNECTION_RESET", request, true)),
    );

    expect(await call()).toEqual({ kind: "noAnswer", code: "CONNECTION_RESET", sent: true });
  });
});
