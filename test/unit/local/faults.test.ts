import { describe, expect, it } from "@jest/globals";
import { Hono } from "hono";
import { SimulatedClock } from "../../../local/clock.ts";
import { createFaults } from "../../../local/faults.ts";

function setUp(random = 0): { app: Hono; clock: SimulatedClock; calls: () => number } {
  const clock = new SimulatedClock(0);
  const app = new Hono();
  let calls = 0;
  app.use(createFaults(clock, { random: () => random }).middleware);
  app.all("*", (context) => context.json({ calls: (calls += 1) }));
  return { app, clock, calls: () => calls };
}

const put = (app: Hono, body: string): Response | Promise<Response> =>
  app.request("/sim/faults", { method: "PUT", body });

describe("the faults of a simulated system", () => {
  it("answer with the status and Retry-After until they end by themselves", async () => {
    const { app, clock, calls } = setUp();
    await put(app, '{"status":503,"retryAfter":2,"forMs":1000}');
    const response = await app.request("/data");
    expect([response.status, response.headers.get("retry-after"), calls()]).toEqual([503, "2", 0]);
    await clock.advance(1000);
    expect((await app.request("/data")).status).toBe(200);
  });

  it("hit a share of the requests and none below /sim/", async () => {
    const { app } = setUp(0.3);
    await put(app, '{"status":500,"rate":0.3}');
    expect((await app.request("/data")).status).toBe(200);
    await put(app, '{"status":500,"rate":0.31}');
    expect((await app.request("/data")).status).toBe(500);
    expect((await app.request("/sim/other")).status).toBe(200);
  });

  it("can make an answer slow without breaking it", async () => {
    const { app, clock } = setUp();
    await put(app, '{"latencyMs":50}');
    const response = app.request("/data");
    await clock.advance(50);
    expect((await response).status).toBe(200);
  });

  it.each([
    ["GET", "/data", undefined, 200],
    ["POST", "/services/oauth2/token", "grant_type=client_credentials", 200],
    ["POST", "/api/$batch", "--b\r\n\r\nGET /api/invoices HTTP/1.1\r\n\r\n--b--", 200],
    ["POST", "/api/$batch", "--b\r\n\r\nPOST /api/invoices HTTP/1.1\r\n\r\n{}\r\n--b--", 500],
    ["PATCH", "/data", "{}", 500],
  ])("can hit writes only: %s %s", async (method, path, body, status) => {
    const { app } = setUp();
    await put(app, '{"status":500,"onlyWrites":true}');
    const init = body === undefined ? { method } : { method, body };
    expect((await app.request(path, init)).status).toBe(status);
  });

  it("can carry the request out and lose its answer", async () => {
    const { app, calls } = setUp();
    await put(app, '{"status":504,"afterEffect":true}');
    expect((await app.request("/data")).status).toBe(504);
    expect(calls()).toBe(1);
  });

  it("can carry the request out and answer too late", async () => {
    const { app, clock, calls } = setUp();
    await put(app, '{"latencyMs":90000,"afterEffect":true}');
    const response = app.request("/data");
    await clock.advance(89_999);
    expect(calls()).toBe(1);
    await clock.advance(1);
    expect(await (await response).json()).toEqual({ calls: 1 });
  });

  it("count the requests that came, hit or not", async () => {
    const faults = createFaults(new SimulatedClock(0));
    const app = new Hono();
    app.use(faults.middleware);
    app.all("*", (context) => context.text("fine"));
    faults.set({ status: 503 });
    await app.request("/data");
    faults.clear();
    await app.request("/data");
    await app.request("/sim/other");
    expect(faults.seen()).toBe(2);
  });

  it("go on when the one that was put over them is taken away", async () => {
    const faults = createFaults(new SimulatedClock(0));
    const app = new Hono();
    app.use(faults.middleware);
    app.all("*", (context) => context.text("fine"));
    const status = async (): Promise<number> => (await app.request("/data")).status;
    faults.set({ status: 503 });
    const takeAway = faults.over({ status: 429 });
    expect(await status()).toBe(429);
    takeAway();
    takeAway();
    expect(await status()).toBe(503);
    faults.clear();
    expect(await status()).toBe(200);
  });

  it("end with DELETE", async () => {
    const { app } = setUp();
    await put(app, '{"status":503}');
    expect((await app.request("/sim/faults", { method: "DELETE" })).status).toBe(204);
    expect((await app.request("/data")).status).toBe(200);
  });

  it.each(["x", "[]", '{"status":200}', '{"rate":-1}', '{"statuss":503}'])(
    "refuse the setting %s",
    async (body) => {
      const { app } = setUp();
      expect((await put(app, body)).status).toBe(400);
    },
  );
});
