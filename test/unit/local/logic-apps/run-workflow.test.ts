import { describe, expect, it } from "@jest/globals";
import { SimulatedClock } from "../../../../local/clock.ts";
import type { Actions, WorkflowDefinition } from "../../../../local/logic-apps/definition.ts";
import type { WorkflowHttpRequest } from "../../../../local/logic-apps/run-ports.ts";
import { runWorkflow, type WorkflowRunOptions } from "../../../../local/logic-apps/run-workflow.ts";

const start = Date.UTC(2026, 0, 15, 8);
const define = (actions: Actions, more: Partial<WorkflowDefinition> = {}): WorkflowDefinition => ({
  triggers: { manual: { type: "Request", kind: "Http" } },
  actions,
  ...more,
});
const run = (actions: Actions, options: WorkflowRunOptions = {}) =>
  runWorkflow(define(actions), { clock: new SimulatedClock(start), ...options });
const compose = (inputs: unknown, after?: Record<string, string[]>) => ({
  type: "Compose",
  inputs,
  ...(after === undefined ? {} : { runAfter: after }),
});
const failing = { type: "Compose", inputs: "@div(1, 0)" };
const call = (inputs: object, more: object = {}) => ({
  type: "Http",
  inputs: { method: "GET", uri: "https://x.example/", ...inputs },
  ...more,
});
const none = { retryPolicy: { type: "none" } };

/** Advances the clock until the run is over. */
async function finish<T>(clock: SimulatedClock, running: Promise<T>): Promise<T> {
  const state = { isOver: false };
  void running.finally(() => {
    state.isOver = true;
  });
  for (let step = 0; step < 500 && !state.isOver; step += 1) await clock.advance(1000);
  return running;
}

describe("the order of actions", () => {
  it("skips what runs after a failure, and fails the run", async () => {
    const record = await run({ A: failing, B: compose(1, { A: ["Succeeded"] }) });
    expect(record.status).toBe("Failed");
    expect(record.actions["A"]).toMatchObject({ status: "Failed", code: "InvalidTemplate" });
    expect(record.actions["B"]).toMatchObject({
      status: "Skipped",
      code: "ActionSkipped",
      error: { code: "ActionDependencyFailed" },
    });
  });

  it("succeeds when the last action handles the failure", async () => {
    const record = await run({ A: failing, B: compose(1, { A: ["FAILED"] }) });
    expect(record.status).toBe("Succeeded");
  });

  it("fails when a handler was skipped because nothing else failed before it", async () => {
    const record = await run({
      A: failing,
      B: compose(1, { A: ["Succeeded"] }),
      C: compose(1, { B: ["Failed"] }),
    });
    expect(record.status).toBe("Failed");
  });

  it("gives a catch scope the results of the try scope's own actions", async () => {
    const record = await run({
      Try: { type: "Scope", actions: { A: failing, B: compose(1, { A: ["Succeeded"] }) } },
      Catch: {
        type: "Scope",
        runAfter: { Try: ["Failed"] },
        actions: {
          Failed: {
            type: "Query",
            inputs: { from: "@result('Try')", where: "@equals(item()['status'], 'Failed')" },
          },
          Name: compose("@first(body('Failed'))['name']", { Failed: ["Succeeded"] }),
        },
      },
    });
    expect(record.status).toBe("Succeeded");
    expect(record.actions["Name"]?.outputs).toBe("A");
  });

  it("refuses actions that wait for each other", async () => {
    await expect(
      run({ A: compose(1, { B: ["Succeeded"] }), B: compose(1, { A: ["Succeeded"] }) }),
    ).rejects.toThrow("The actions wait for each other: A → B → A.");
  });

  it("names an action type that it cannot run", async () => {
    const record = await run({ A: { type: "Liquid" } });
    expect(record.actions["A"]?.error?.message).toBe(
      "The action 'A' has the type 'Liquid', which this local runner does not support.",
    );
  });
});

describe("branches and loops", () => {
  it("takes one branch of an If and skips the other", async () => {
    const record = await run({
      If: {
        type: "If",
        expression: { and: [{ greater: ["@add(1, 1)", 1] }, { not: { equals: ["a", "b"] } }] },
        actions: { Yes: compose("y") },
        else: { actions: { No: compose("n") } },
      },
    });
    expect(record.actions["If"]?.inputs).toEqual({ expressionResult: true });
    expect(record.actions["Yes"]?.status).toBe("Succeeded");
    expect(record.actions["No"]?.error?.code).toBe("ActionBranchingConditionNotSatisfied");
  });

  it("takes the default of a Switch where no case fits", async () => {
    const record = await run({
      Switch: {
        type: "Switch",
        expression: "@string('c')",
        cases: { One: { case: "a", actions: { A: compose(1) } } },
        default: { actions: { B: compose(2) } },
      },
    });
    expect([record.actions["A"]?.status, record.actions["B"]?.status]).toEqual([
      "Skipped",
      "Succeeded",
    ]);
  });

  it("runs a Foreach over every item and keeps a record of each", async () => {
    const record = await run({
      Loop: {
        type: "Foreach",
        foreach: "@createArray('a', 'b')",
        actions: { C: compose("@concat(items('Loop'), iterationIndexes('Loop'))") },
      },
    });
    const repetitions = record.actions["C"]?.repetitions ?? [];
    expect(repetitions.map(({ outputs }) => outputs)).toEqual(["a0", "b1"]);
    expect(repetitions[1]?.repetitionIndexes).toEqual([{ scopeName: "Loop", itemIndex: 1 }]);
  });

  it("runs no more iterations at once than allowed, 20 where nothing is said", async () => {
    const peakOf = async (loop: object): Promise<number> => {
      let now = 0;
      let peak = 0;
      const http = async () => {
        peak = Math.max(peak, (now += 1));
        await new Promise((resolve) => setImmediate(resolve));
        now -= 1;
        return { statusCode: 200 };
      };
      await run(
        {
          Loop: { type: "Foreach", foreach: "@range(0, 60)", actions: { C: call(none) }, ...loop },
        },
        { http },
      );
      return peak;
    };
    expect(await peakOf({})).toBe(20);
    expect(await peakOf({ operationOptions: "Sequential" })).toBe(1);
    expect(await peakOf({ runtimeConfiguration: { concurrency: { repetitions: 3 } } })).toBe(3);
  });

  it("repeats an Until and counts only the last iteration's failure", async () => {
    const record = await run({
      Init: {
        type: "InitializeVariable",
        inputs: { variables: [{ name: "n", type: "integer", value: 0 }] },
      },
      Until: {
        type: "Until",
        runAfter: { Init: ["Succeeded"] },
        expression: "@equals(variables('n'), 3)",
        actions: {
          More: { type: "IncrementVariable", inputs: { name: "n" } },
          Div: compose("@div(6, sub(variables('n'), 1))", { More: ["Succeeded"] }),
        },
      },
      After: compose("@outputs('Div')", { Until: ["Succeeded"] }),
    });
    expect(record.actions["Until"]).toMatchObject({ status: "Succeeded", iterationCount: 3 });
    expect(record.actions["After"]?.outputs).toBe(3);
  });

  it("ends an Until at its limit, as a failure only where that is asked for", async () => {
    const until = {
      type: "Until",
      expression: "@equals(1, 2)",
      limit: { count: 2, timeout: "PT1H" },
      actions: {},
    };
    const quiet = await run({ Until: until });
    const strict = await run({ Until: { ...until, operationOptions: "FailWhenLimitsReached" } });
    expect([quiet.status, strict.status]).toEqual(["Succeeded", "Failed"]);
  });

  it("ends the run at a Terminate, skipping the rest", async () => {
    const record = await run({
      End: {
        type: "Terminate",
        inputs: { runStatus: "Failed", runError: { code: "E1", message: "why" } },
      },
      After: compose(1, { End: ["Succeeded"] }),
    });
    expect(record).toMatchObject({
      status: "Failed",
      code: "E1",
      error: { code: "E1", message: "why" },
    });
    expect(record.actions["After"]?.status).toBe("Skipped");
  });
});

describe("data actions", () => {
  it("filters, maps, joins and makes tables", async () => {
    const from = [
      { a: 1, b: "x,y" },
      { a: 2, b: "z" },
    ];
    const record = await run({
      Query: { type: "Query", inputs: { from, where: "@greater(item()['a'], 1)" } },
      Select: { type: "Select", inputs: { from, select: { n: "@add(item()?['a'], 1)" } } },
      Join: { type: "Join", inputs: { from: [1, true, null], joinWith: ";" } },
      Table: { type: "Table", inputs: { from, format: "CSV" } },
    });
    const bodies = ["Query", "Select", "Join", "Table"].map(
      (name) => (record.actions[name]?.outputs as { body: unknown }).body,
    );
    expect(bodies).toEqual([
      [{ a: 2, b: "z" }],
      [{ n: 2 }, { n: 3 }],
      "1;True;",
      'a,b\r\n1,"x,y"\r\n2,z\r\n',
    ]);
  });

  it("fails a ParseJson whose content does not fit", async () => {
    const record = await run({
      Parse: {
        type: "ParseJson",
        inputs: {
          content: '{"a":"x"}',
          schema: { type: "object", properties: { a: { type: "integer" } } },
        },
      },
    });
    expect(record.actions["Parse"]).toMatchObject({
      status: "Failed",
      code: "SchemaValidationFailed",
    });
  });

  it("keeps a variable's type", async () => {
    const record = await run({
      Init: { type: "InitializeVariable", inputs: { variables: [{ name: "f", type: "float" }] } },
      Whole: {
        type: "SetVariable",
        inputs: { name: "f", value: 2 },
        runAfter: { Init: ["Succeeded"] },
      },
      Text: {
        type: "SetVariable",
        inputs: { name: "f", value: "2" },
        runAfter: { Whole: ["Succeeded"] },
      },
    });
    expect([record.actions["Whole"]?.status, record.actions["Text"]?.status]).toEqual([
      "Succeeded",
      "Failed",
    ]);
  });

  it("uses a static result in place of an action", async () => {
    const definition = define(
      {
        A: call(
          {},
          { runtimeConfiguration: { staticResult: { name: "s", staticResultOptions: "Enabled" } } },
        ),
      },
      {
        staticResults: {
          s: { status: "Succeeded", outputs: { statusCode: 200, body: { ok: 1 } } },
        },
        outputs: { o: { type: "Int", value: "@body('A')['ok']" } },
      },
    );
    const record = await runWorkflow(definition, { clock: new SimulatedClock(start) });
    expect(record.outputs).toEqual({ o: { type: "Int", value: 1 } });
  });
});

describe("calls", () => {
  it("sends what the inputs say, and goes on with the caller's trace", async () => {
    const sent: WorkflowHttpRequest[] = [];
    await run(
      {
        A: call({
          method: "POST",
          queries: { q: "a b" },
          body: { n: "@float('5')" },
          authentication: { type: "Basic", username: "u", password: "p" },
        }),
      },
      {
        trigger: {
          headers: {
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "x-ms-client-tracking-id": "event-1",
          },
        },
        http: (request) => {
          sent.push(request);
          return Promise.resolve({ statusCode: 204 });
        },
      },
    );
    expect(sent[0]).toMatchObject({
      method: "POST",
      uri: "https://x.example/?q=a%20b",
      body: '{"n":5.0}',
    });
    expect(sent[0]?.headers).toMatchObject({
      authorization: "Basic dTpw",
      "content-type": "application/json; charset=utf-8",
      "x-ms-client-tracking-id": "event-1",
    });
    expect(sent[0]?.headers["traceparent"]).toMatch(
      /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[\da-f]{16}-01$/,
    );
  });

  it("fails an answer that is no success and still gives its outputs", async () => {
    const http = () =>
      Promise.resolve({
        statusCode: 404,
        headers: { "content-type": "application/json" },
        body: '{"e":1}',
      });
    const record = await run(
      { A: call(none), B: compose("@body('A')?['e']", { A: ["Failed"] }) },
      { http },
    );
    expect(record.actions["A"]).toMatchObject({ status: "Failed", code: "NotFound" });
    expect(record.actions["B"]?.outputs).toBe(1);
  });

  it("retries as the policy says, and shows it", async () => {
    const clock = new SimulatedClock(start);
    const times: number[] = [];
    const http = () => {
      times.push((clock.now() - start) / 1000);
      return Promise.resolve({ statusCode: times.length < 3 ? 503 : 200 });
    };
    const actions = { A: call({ retryPolicy: { type: "fixed", count: 4, interval: "PT10S" } }) };
    const record = await finish(clock, run(actions, { http, clock }));
    expect(times).toEqual([0, 10, 20]);
    expect(record.actions["A"]?.retryHistory?.map(({ code }) => code)).toEqual([
      "ServiceUnavailable",
      "ServiceUnavailable",
    ]);
  });

  it("follows a 202 to its end unless told not to", async () => {
    const http = (request: WorkflowHttpRequest) =>
      Promise.resolve(
        request.method === "POST"
          ? { statusCode: 202, headers: { location: "/done", "retry-after": "1" } }
          : { statusCode: 200, body: { at: request.uri } },
      );
    const clock = new SimulatedClock(start);
    const post = { method: "POST" };
    const actions = { A: call(post), B: call(post, { operationOptions: "DisableAsyncPattern" }) };
    const record = await finish(clock, run(actions, { http, clock }));
    expect(record.actions["A"]?.outputs).toMatchObject({ body: { at: "https://x.example/done" } });
    expect(record.actions["B"]?.outputs).toMatchObject({ statusCode: 202 });
  });

  it("cuts a call off at its own limit", async () => {
    const clock = new SimulatedClock(start);
    const http = () => new Promise<never>(() => undefined);
    const record = await finish(
      clock,
      run({ A: call({}, { limit: { timeout: "PT30S" } }) }, { http, clock }),
    );
    expect(record.actions["A"]).toMatchObject({
      status: "TimedOut",
      code: "ActionTimedOut",
      endTime: "2026-01-15T08:00:30.0000000Z",
    });
  });

  it("asks for the identity's token, and fails the call when there is none", async () => {
    const action = {
      A: call({
        ...none,
        authentication: {
          type: "ManagedServiceIdentity",
          audience: "https://vault.azure.net",
          identity: "/ids/a",
        },
      }),
    };
    const http = (request: WorkflowHttpRequest) =>
      Promise.resolve({ statusCode: 200, body: { with: request.headers["authorization"] } });
    const good = await run(action, {
      http,
      getToken: (identity, audience) => Promise.resolve(`${identity ?? ""} ${audience}`),
    });
    const bad = await run(action, {
      http,
      getToken: () => Promise.reject(new Error("unknown identity")),
    });
    expect(good.actions["A"]?.outputs).toMatchObject({
      body: { with: "Bearer /ids/a https://vault.azure.net" },
    });
    expect(bad.actions["A"]).toMatchObject({
      status: "Failed",
      code: "WorkflowManagedIdentityConfigurationInvalid",
    });
  });

  it("hides secured data, also where others use it", async () => {
    const http = () => Promise.resolve({ statusCode: 200, body: { secret: "hush" } });
    const record = await run(
      {
        A: call(none, { runtimeConfiguration: { secureData: { properties: ["outputs"] } } }),
        B: compose("@body('A')['secret']", { A: ["Succeeded"] }),
        C: compose("@concat(outputs('B'), '!')", { B: ["Succeeded"] }),
      },
      { http },
    );
    expect(record.actions["A"]?.inputs).toBeDefined();
    expect(JSON.stringify(record)).not.toContain("hush");
    expect(record.status).toBe("Succeeded");
  });

  it("calls a connector by its connection, with the path decoded", async () => {
    const action = {
      type: "ApiConnection",
      inputs: {
        host: { connection: { name: "/subscriptions/1/connections/servicebus" } },
        method: "post",
        path: "/@{encodeURIComponent(encodeURIComponent('a/b'))}/messages",
        body: { x: 1 },
      },
    };
    const record = await run(
      { A: action },
      {
        connectors: {
          servicebus: (given) => Promise.resolve({ statusCode: 200, body: given.path }),
        },
      },
    );
    expect(record.actions["A"]?.outputs).toMatchObject({ body: "/a/b/messages" });
  });

  it("answers once, with the first Response", async () => {
    const record = await run({
      One: {
        type: "Response",
        kind: "Http",
        inputs: { statusCode: 201, headers: { a: 1 }, body: { ok: true } },
      },
      Two: {
        type: "Response",
        kind: "Http",
        inputs: { statusCode: 200 },
        runAfter: { One: ["Succeeded"] },
      },
    });
    expect(record.response).toEqual({ statusCode: 201, headers: { a: "1" }, body: { ok: true } });
    expect(record.actions["Two"]?.status).toBe("Failed");
  });

  it("waits on the clock that it was given", async () => {
    const clock = new SimulatedClock(start);
    const record = await finish(
      clock,
      run({ W: { type: "Wait", inputs: { interval: { count: 2, unit: "Minute" } } } }, { clock }),
    );
    expect(record.endTime).toBe("2026-01-15T08:02:00.0000000Z");
  });
});
