import { describe, expect, it } from "@jest/globals";
import { applyInstall, planInstall, type InstallOptions } from "../../../../cli/ce/install-ce.ts";
import type { HttpRequest } from "../../../../functions/src/platform/http.ts";
import { createCeTargetFixture, type CeTargetFixture } from "../../../support/ce-target-fixture.ts";

async function setUp(): Promise<{
  readonly fixture: CeTargetFixture;
  readonly options: InstallOptions;
  readonly writes: HttpRequest[];
}> {
  const fixture = await createCeTargetFixture({}, { installed: false });
  fixture.registerApplicationUser("installer");
  const writes: HttpRequest[] = [];
  const options: InstallOptions = {
    http: (request) => {
      if (request.method !== "GET") writes.push(request);
      return fixture.http(request);
    },
    getToken: () => Promise.resolve("installer"),
    baseUrl: "https://org.crm.example",
    clock: { now: () => fixture.clock.now(), sleep: (ms) => fixture.clock.advance(ms) },
  };
  return { fixture, options, writes };
}

describe("causeway ce install", () => {
  it("plans fifteen missing steps in a fresh organisation and writes nothing", async () => {
    const { options, writes } = await setUp();

    const plan = await planInstall(options);

    expect(plan.map(({ kind, state }) => `${kind} ${state}`)).toEqual([
      "publisher missing",
      "solution missing",
      ...Array.from({ length: 9 }, () => "column missing"),
      "key missing",
      "key missing",
      "view missing",
      "role missing",
    ]);
    expect(writes).toEqual([]);
  });

  it("reports each step twice and waits until both keys are active", async () => {
    const { options } = await setUp();
    const phases: string[] = [];

    await applyInstall({
      ...options,
      onProgress: ({ name }, phase) => phases.push(`${phase} ${name}`),
    });

    expect(phases).toHaveLength(30);
    expect(phases.indexOf("started invoicedetail.cwy_key_key")).toBeLessThan(
      phases.indexOf("done invoice.cwy_key_key"),
    );
    const after = await planInstall(options);
    expect(after.every(({ state }) => state === "present")).toBe(true);
  });

  it("waits as long as a CE says whose limits others have used up, and goes on", async () => {
    const { options } = await setUp();
    const pauses: number[] = [];
    let calls = 0;
    await applyInstall({
      ...options,
      http: (request) => {
        calls += 1;
        if (calls % 4 !== 0) return options.http(request);
        const get = (name: string) => (name === "retry-after" ? "7" : null);
        return Promise.resolve({ status: 429, headers: { get }, body: "" });
      },
      clock: {
        now: () => options.clock.now(),
        sleep: (ms) => {
          if (ms === 7_000) pauses.push(ms);
          return options.clock.sleep(ms);
        },
      },
    });
    expect(pauses.length).toBeGreaterThan(5);
    expect((await planInstall(options)).every(({ state }) => state === "present")).toBe(true);
  });

  it("gives up on a CE that throttles without end, and says so", async () => {
    const { options } = await setUp();
    const get = (): null => null;
    const http: InstallOptions["http"] = () =>
      Promise.resolve({ status: 429, headers: { get }, body: "" });
    await expect(planInstall({ ...options, http })).rejects.toMatchObject({ code: "CE_REFUSED" });
  });

  it("does nothing the second time", async () => {
    const { options, writes } = await setUp();
    await applyInstall(options);
    writes.length = 0;

    expect(await applyInstall(options)).toEqual([]);
    expect(writes).toEqual([]);
  });

  it("goes on where a stopped installation left off", async () => {
    const { options } = await setUp();
    let calls = 0;
    const stopping: InstallOptions = {
      ...options,
      http: (request) => {
        calls += request.method === "POST" ? 1 : 0;
        return calls > 5 ? Promise.reject(new Error("the line was cut")) : options.http(request);
      },
    };

    await expect(applyInstall(stopping)).rejects.toThrow("the line was cut");
    const rest = await applyInstall(options);

    expect(rest).toHaveLength(10);
  });

  it("puts our components into the solution and every name behind our prefix", async () => {
    const { options, writes } = await setUp();

    await applyInstall(options);

    const components = writes.filter(({ url }) =>
      /\/(Attributes|Keys|savedqueries|roles)$/.test(url),
    );
    expect(components).toHaveLength(13);
    expect(new Set(components.map(({ headers }) => headers?.["mscrm.solutionuniquename"]))).toEqual(
      new Set(["causeway"]),
    );
  });

  it("says who needs which right when CE refuses", async () => {
    const { options } = await setUp();
    const asStranger = { ...options, getToken: () => Promise.resolve("stranger") };

    await expect(planInstall(asStranger)).rejects.toMatchObject({
      code: "CE_NOT_ALLOWED",
      message: expect.stringContaining("System Customizer") as unknown,
    });
  });

  it("gives up on a key that never becomes active, and names it", async () => {
    const { options } = await setUp();
    const stuck: InstallOptions = {
      ...options,
      keyTimeoutMs: 1_000,
      http: async (request) => {
        const response = await options.http(request);
        return { ...response, body: response.body.replaceAll('"Active"', '"InProgress"') };
      },
    };

    await expect(applyInstall(stuck)).rejects.toMatchObject({
      code: "CE_KEY_NOT_ACTIVE",
      ids: { key: "invoice.cwy_key_key" },
    });
  });
});
