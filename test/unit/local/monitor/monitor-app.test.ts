import { describe, expect, it } from "@jest/globals";
import { gzipSync } from "node:zlib";
import { createAccessControl } from "../../../../local/access-control.ts";
import { SimulatedClock } from "../../../../local/clock.ts";
import { createIdentityApp } from "../../../../local/identity/identity-app.ts";
import { createMonitorApp } from "../../../../local/monitor/monitor-app.ts";

const componentId = "/subscriptions/s/providers/Microsoft.Insights/components/causeway";
const iKey = "11111111-35a5-4a8f-8f6b-0f5a2c1f7d11";
const services = { clock: new SimulatedClock(Date.now()), log: () => undefined };
const identity = await createIdentityApp(services, {
  tenantId: "7d1f3a52-35a5-4a8f-8f6b-0f5a2c1f7d11",
});

const toEnvelope = (name: string, operationId = "op1"): object => ({
  name: "Microsoft.ApplicationInsights.Event",
  time: "2026-11-24T08:00:00.000Z",
  iKey,
  sampleRate: 100,
  tags: { "ai.operation.id": operationId, "ai.cloud.role": "causeway" },
  data: { baseType: "EventData", baseData: { ver: 2, name, properties: { target: "ce" } } },
});

function createScene(disableLocalAuth = false) {
  const access = createAccessControl();
  const monitor = createMonitorApp({ ...services, access, tokens: identity.tokens });
  monitor.createComponent({ id: componentId, instrumentationKey: iKey, disableLocalAuth });
  const track = (body: string | Buffer, headers: Record<string, string> = {}): Promise<Response> =>
    Promise.resolve(monitor.app.request("/v2.1/track", { method: "POST", body, headers }));
  const query = async (search: string): Promise<{ rows: object[]; counts: object }> =>
    (await (await monitor.app.request(`/telemetry${search}`)).json()) as {
      rows: object[];
      counts: object;
    };
  return { access, track, query };
}

describe("monitor", () => {
  it("keeps what it is sent and finds it by operation and by name", async () => {
    const { track, query } = createScene();
    const response = await track(
      JSON.stringify([toEnvelope("Delivered"), toEnvelope("Parked", "op2")]),
    );
    expect(await response.json()).toEqual({ itemsReceived: 2, itemsAccepted: 2, errors: [] });
    expect((await query("?operationId=op1")).rows).toEqual([
      {
        table: "customEvents",
        timestamp: "2026-11-24T08:00:00.000Z",
        name: "Delivered",
        operation_Id: "op1",
        operation_ParentId: "",
        operation_Name: "",
        cloud_RoleName: "causeway",
        itemCount: 1,
        customDimensions: { target: "ce" },
        customMeasurements: {},
      },
    ]);
    expect((await query("?name=parked&table=customEvents")).rows).toHaveLength(1);
    expect((await query("?table=requests")).rows).toEqual([]);
  });

  it("reads gzip and one envelope a line", async () => {
    const { track, query } = createScene();
    const lines = `${JSON.stringify(toEnvelope("a"))}\n${JSON.stringify(toEnvelope("b"))}\n`;
    await track(gzipSync(lines), { "content-encoding": "gzip" });
    expect((await query("")).rows).toMatchObject([{ name: "a" }, { name: "b" }]);
  });

  it("refuses an unknown instrumentation key and keeps the rest", async () => {
    const { track } = createScene();
    const response = await track(
      JSON.stringify([toEnvelope("a"), { ...toEnvelope("b"), iKey: "x" }]),
    );
    expect(response.status).toBe(206);
    expect(await response.json()).toEqual({
      itemsReceived: 2,
      itemsAccepted: 1,
      errors: [{ index: 1, statusCode: 400, message: "Invalid instrumentation key" }],
    });
  });

  it("takes nothing before it has a component", async () => {
    const tokens = identity.tokens;
    const monitor = createMonitorApp({ ...services, access: createAccessControl(), tokens });
    const body = JSON.stringify([toEnvelope("a")]);
    const response = await monitor.app.request("/v2.1/track", { method: "POST", body });
    expect(response.status).toBe(400);
    expect(monitor.find({ take: 10 })).toEqual([]);
  });

  it("shows metrics and exceptions in the columns that queries ask for", async () => {
    const { track, query } = createScene();
    const metric = { name: "causeway.lag", value: 7, count: 3, min: 1, max: 4 };
    const [base] = [toEnvelope("x")];
    await track(
      JSON.stringify([
        { ...base, data: { baseType: "MetricData", baseData: { metrics: [metric] } } },
        {
          ...base,
          data: {
            baseType: "ExceptionData",
            baseData: { exceptions: [{ typeName: "RangeError" }] },
          },
        },
      ]),
    );
    expect((await query("?table=customMetrics")).rows).toMatchObject([
      { name: "causeway.lag", value: 7, valueCount: 3, valueMin: 1, valueMax: 4 },
    ]);
    expect((await query("?table=exceptions")).rows).toMatchObject([{ type: "RangeError" }]);
  });

  it("answers 400 to what is no telemetry", async () => {
    const { track } = createScene();
    expect((await track("{")).status).toBe(400);
    expect((await track("abc", { "content-encoding": "gzip" })).status).toBe(400);
  });

  it("needs a token with the publisher role where local authentication is off", async () => {
    const { access, track } = createScene(true);
    const principalId = "aaaaaaaa-35a5-4a8f-8f6b-0f5a2c1f7d11";
    const audience = "https://monitor.azure.com/";
    const { token } = await identity.issueToken({ principalId, clientId: principalId, audience });
    const headers = { authorization: `Bearer ${token}` };
    const body = JSON.stringify([toEnvelope("a")]);
    expect((await track(body)).status).toBe(401);
    expect((await track(body, headers)).status).toBe(403);
    const roleId = "3913510d-42f4-4e42-8a64-420c390055eb";
    access.assign({ principalId, roleId, scope: componentId });
    expect((await track(body, headers)).status).toBe(200);
  });

  it("stays within its memory and lets the oldest rows go", async () => {
    const { track, query } = createScene();
    const long = "x".repeat(100_000);
    for (let index = 0; index < 60; index += 1) {
      await track(JSON.stringify([toEnvelope(`${index} ${long}`)]));
    }
    const { rows, counts } = await query("?take=5000");
    expect(rows.length).toBeLessThan(42);
    expect(rows.at(-1)).toMatchObject({ name: `59 ${long}` });
    expect(counts).toMatchObject({
      customEvents: { rows: rows.length, dropped: 60 - rows.length },
    });
  });
});
