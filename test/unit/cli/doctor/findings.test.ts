import { describe, expect, it } from "@jest/globals";
import type { AzureReader } from "../../../../cli/doctor/azure-reader.ts";
import { createAzureReader } from "../../../../cli/doctor/azure-reader.ts";
import { examine } from "../../../../cli/doctor/findings.ts";
import { toDeployedStack } from "../../../../cli/doctor/read-stack.ts";

const group = "/subscriptions/s/resourceGroups/rg-causeway-dev";
const stack = {
  appId: `${group}/providers/Microsoft.Web/sites/func-causeway-dev`,
  insightsId: `${group}/providers/Microsoft.Insights/components/appi-causeway-dev`,
  appUrl: "https://func-causeway-dev.azurewebsites.net",
};
const functions = ["business-events-door", "intake", "record-failure", "sweep"];

/** A stack in which everything is well, but for what the test says. */
function scripted(change: Partial<AzureReader> = {}): AzureReader {
  return {
    get: () => Promise.resolve({ properties: { state: "Running" } }),
    ask: () => Promise.resolve({ status: 200, body: '{"status":"ok","parts":[]}' }),
    list: (path) =>
      Promise.resolve(
        path.endsWith("/functions")
          ? functions.map((name) => ({ name: `func/${name}` }))
          : path.endsWith("/eventSubscriptions")
            ? [{ name: "evgs", properties: { provisioningState: "Succeeded" } }]
            : [{ name: "one", id: `${group}/one`, provisioningState: "Succeeded" }],
      ),
    query: (_id, query) =>
      Promise.resolve(
        query.includes("endpointTest")
          ? [{ events: 1 }]
          : query.includes('"probe"')
            ? [{ target: "ce", result: "ok", code: "" }]
            : query.includes('"sweep"')
              ? [{ sweeps: 6 }]
              : [],
      ),
    ...change,
  };
}

describe("causeway doctor", () => {
  it("finds nothing in a stack that is well", async () => {
    const findings = await examine(scripted(), stack);

    expect(findings.map(({ result }) => result)).toEqual(Array.from({ length: 9 }, () => "ok"));
  });

  it("says what was seen and what to do", async () => {
    const findings = await examine(
      scripted({
        get: () => Promise.resolve({ properties: { state: "Stopped" } }),
        query: (_id, query) =>
          Promise.resolve(
            query.includes("CE_DENIED") ? [{ code: "CE_DENIED", deliveries: 12 }] : [],
          ),
      }),
      stack,
    );

    expect(findings.filter(({ result }) => result === "wrong")).toEqual([
      expect.objectContaining({ check: "The function app runs", seen: "it is Stopped" }),
      expect.objectContaining({ seen: "none has come" }),
      expect.objectContaining({ seen: "no probe has been told of" }),
      expect.objectContaining({ seen: "CE_DENIED × 12" }),
      expect.objectContaining({ seen: "no sweep has been told of" }),
    ]);
    expect(findings.filter(({ fix, result }) => result !== "ok" && fix === undefined)).toEqual([]);
  });

  it.each([
    [
      503,
      '{"status":"notOk","parts":[{"part":"ledger","code":"UNAVAILABLE"}]}',
      "ledger: UNAVAILABLE",
    ],
    [403, "", "it is closed to this machine"],
    [502, "<html>", "it answered 502 and no health"],
  ])("tells an app that answers %i from one that is well", async (status, body, seen) => {
    const urls: string[] = [];
    const ask = (url: string) => Promise.resolve({ status, body: (urls.push(url), body) });
    const findings = await examine(scripted({ ask }), stack);

    expect(urls).toEqual(["https://func-causeway-dev.azurewebsites.net/api/health"]);
    expect(findings.filter(({ result }) => result !== "ok").map((one) => one.seen)).toEqual([seen]);
  });

  it("does not let one look that fails keep it from the others", async () => {
    const findings = await examine(
      scripted({ get: () => Promise.reject(new Error("Azure answered 403 for /x.")) }),
      stack,
    );

    expect(findings.filter(({ result }) => result !== "ok")).toEqual([
      {
        check: "The function app runs",
        result: "unknown",
        seen: "Azure answered 403 for /x.",
        fix: "sign in as somebody who may read the stack's resource group",
      },
    ]);
  });

  it("reads the resources out of the stack's addresses", () => {
    const portal = "https://portal.azure.com/#resource";

    expect(
      toDeployedStack({
        functionApp: "https://func-causeway-dev.azurewebsites.net",
        functionAppInPortal: portal + stack.appId,
        applicationInsights: `${portal}${stack.insightsId}/searchV1`,
      }),
    ).toEqual(stack);
    expect(() => toDeployedStack({})).toThrow("addresses.functionAppInPortal");
  });
});

describe("reading Azure", () => {
  it("follows pages, and makes rows of a query's table", async () => {
    const urls: string[] = [];
    const answers: readonly object[] = [
      { value: [{ name: "a" }], nextLink: "https://management.azure.com/next" },
      { value: [{ name: "b" }] },
      { tables: [{ columns: [{ name: "events" }], rows: [[7]] }] },
    ];
    const reader = createAzureReader(
      Object.assign(
        ({ url }: { readonly url: string }) => {
          urls.push(url);
          const body = JSON.stringify(answers[urls.length - 1] ?? {});
          return Promise.resolve({ status: 200, headers: {}, body });
        },
        { close: () => undefined },
      ) as unknown as Parameters<typeof createAzureReader>[0],
      () => Promise.resolve("token"),
    );

    expect(await reader.list(`${group}/resources`, "2021-04-01")).toEqual([
      { name: "a" },
      { name: "b" },
    ]);
    expect(await reader.query(stack.insightsId, "x")).toEqual([{ events: 7 }]);
    expect(urls[1]).toBe("https://management.azure.com/next");
  });
});
