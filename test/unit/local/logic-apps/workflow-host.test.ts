import { describe, expect, it } from "@jest/globals";
import { SimulatedClock } from "../../../../local/clock.ts";
import type { LocalServices, TokenClaims } from "../../../../local/cloud.ts";
import {
  createWorkflowHost,
  type WorkflowDeployment,
} from "../../../../local/logic-apps/workflow-host.ts";

const claims: TokenClaims = {
  issuer: "https://sts.windows.net/t1/",
  audience: "https://management.azure.com",
  principalId: "function-app",
  clientId: "c1",
  tenantId: "t1",
};
const services: LocalServices = {
  clock: new SimulatedClock(Date.UTC(2026, 0, 15)),
  access: { assign: () => undefined, allows: () => true, assignments: () => [] },
  tokens: {
    verify: (token, audiences) => {
      if (token === "expired") return Promise.reject(new Error("it has expired"));
      const isForUs = audiences.includes("https://management.azure.com/");
      const principalId = token === "other" ? "somebody" : claims.principalId;
      return isForUs
        ? Promise.resolve({ ...claims, principalId })
        : Promise.reject(new Error("wrong audience"));
    },
  },
  log: () => undefined,
};
const policies = {
  one: {
    type: "AAD",
    claims: [
      { name: "iss", value: "https://sts.windows.net/t1/" },
      { name: "aud", value: "https://management.azure.com/" },
      { name: "oid", value: "function-app" },
    ],
  },
};
const deployment: WorkflowDeployment = {
  id: "/subscriptions/1/workflows/wf",
  name: "wf",
  definition: {
    $schema:
      "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
    parameters: { p: { type: "String" } },
    triggers: {
      manual: {
        type: "Request",
        kind: "Http",
        inputs: {
          schema: { type: "object", required: ["n"], properties: { n: { type: "integer" } } },
        },
        operationOptions: "EnableSchemaValidation",
      },
    },
    actions: {
      Respond: {
        type: "Response",
        kind: "Http",
        inputs: {
          statusCode: 201,
          body: { twice: "@mul(triggerBody()['n'], 2)", p: "@parameters('p')" },
        },
      },
      Token: {
        type: "Compose",
        inputs: "@string(triggerOutputs()['headers'])",
        runAfter: { Respond: ["Succeeded"] },
      },
    },
  },
  parameters: { p: { value: "x" } },
  accessControl: { triggers: { openAuthenticationPolicies: { policies } } },
};

const createHost = () =>
  createWorkflowHost({
    services,
    http: () => Promise.resolve({ statusCode: 200 }),
    getToken: () => Promise.resolve("t"),
    log: () => undefined,
  });
const start = (change: Partial<WorkflowDeployment> = {}) => {
  const host = createHost();
  const { accessEndpointPath, callbackPath } = host.deploy({ ...deployment, ...change });
  const invoke = (
    body: unknown,
    headers: Record<string, string> = { authorization: "Bearer good" },
  ) =>
    host.app.request(`${accessEndpointPath}/triggers/manual/paths/invoke?api-version=2016-10-01`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  return { host, invoke, accessEndpointPath, callbackPath };
};

describe("calling a workflow", () => {
  it("answers with the Response and says which run it was", async () => {
    const { invoke } = start();
    const answer = await invoke(
      { n: 21 },
      { authorization: "Bearer good", "x-ms-client-tracking-id": "event-1" },
    );
    expect(answer.status).toBe(201);
    expect(await answer.json()).toEqual({ twice: 42, p: "x" });
    expect(answer.headers.get("x-ms-client-tracking-id")).toBe("event-1");
    expect(answer.headers.get("x-ms-workflow-run-id")).toMatch(/^0858/);
    expect(answer.headers.get("x-ms-correlation-id")).toMatch(/^[\da-f-]{36}$/);
  });

  it("has the same address for the same workflow in every process", () => {
    expect(start().accessEndpointPath).toBe(start().accessEndpointPath);
    expect(start({ id: "/other" }).accessEndpointPath).not.toBe(start().accessEndpointPath);
  });

  it.each([
    ["no token", {}, "MissingAuthorization"],
    ["a token that is not good", { authorization: "Bearer expired" }, "InvalidAuthenticationToken"],
    ["somebody else's token", { authorization: "Bearer other" }, "MisMatchingOAuthClaims"],
  ])("refuses %s", async (_what, headers, code) => {
    const answer = await start().invoke({ n: 1 }, headers);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: { code } });
  });

  it("takes a signature only where no policy asks for tokens", async () => {
    const open = start({ accessControl: {} });
    const headers = { "content-type": "application/json" };
    const request = { method: "POST", headers, body: '{"n":1}' };
    expect((await open.host.app.request(open.callbackPath, request)).status).toBe(201);
    expect((await open.invoke({ n: 1 })).status).toBe(401);
    const guarded = start();
    expect((await guarded.host.app.request(guarded.callbackPath, request)).status).toBe(401);
  });

  it.each([
    ["a body that does not fit the schema", { n: "x" }, {}, 400, "TriggerInputSchemaMismatch"],
    [
      "a workflow that is switched off",
      { n: 1 },
      { state: "Disabled" },
      404,
      "WorkflowTriggerIsNotEnabled",
    ],
  ])("refuses %s", async (_what, body, change, status, code) => {
    const answer = await start(change).invoke(body);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ error: { code } });
  });

  it("can be switched off and on by its name, and by no name that is not there", async () => {
    const { host, invoke } = start({ name: "logic-causeway-local-wf" });
    expect(host.names()).toEqual(["logic-causeway-local-wf"]);
    host.setEnabled("logic-causeway-local-wf", false);
    expect((await invoke({ n: 1 })).status).toBe(404);
    host.setEnabled("logic-causeway-local-wf", true);
    expect((await invoke({ n: 1 })).status).toBe(201);
    expect(() => host.setEnabled("wf", false)).toThrow("There is no workflow 'wf'");
  });

  it("answers 202 at once where there is no Response, and 502 where none was reached", async () => {
    const withActions = (actions: object) =>
      start({ definition: { ...(deployment.definition as object), actions } });
    const silent = withActions({ C: { type: "Compose", inputs: 1 } });
    const never = withActions({
      C: { type: "Compose", inputs: "@div(1, 0)" },
      R: {
        type: "Response",
        kind: "Http",
        inputs: { statusCode: 200 },
        runAfter: { C: ["Succeeded"] },
      },
    });
    expect((await silent.invoke({ n: 1 })).status).toBe(202);
    expect((await never.invoke({ n: 1 })).status).toBe(502);
  });

  it("refuses to deploy what Azure would refuse", () => {
    expect(() =>
      start({
        definition: { ...(deployment.definition as object), actions: { A: { type: "Nope" } } },
      }),
    ).toThrow("actions/A: The action type 'Nope' is unknown.");
    expect(() => start({ parameters: {} })).toThrow("The workflow parameter 'p' has no value.");
  });

  it("keeps the caller's token out of the run and shows the run's history", async () => {
    const { host, invoke, accessEndpointPath } = start();
    const answer = await invoke({ n: 1 });
    const run = answer.headers.get("x-ms-workflow-run-id") ?? "";
    await new Promise((resolve) => setImmediate(resolve));
    const actions = await (
      await host.app.request(`${accessEndpointPath}/runs/${run}/actions`)
    ).text();
    expect(JSON.parse(actions)).toMatchObject({
      value: [{ name: "Respond", properties: { status: "Succeeded" } }, { name: "Token" }],
    });
    expect(actions).not.toContain("Bearer");
    expect(host.runs("wf")).toMatchObject([{ name: run, status: "Succeeded" }]);
  });
});
