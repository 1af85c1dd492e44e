import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { composeProbe } from "../../../functions/src/compose-probe.ts";
import { openGate } from "../../../functions/src/delivery/gates.ts";
import type { Gate } from "../../../functions/src/delivery/gates.ts";
import { loadFlows } from "../../../functions/src/flows/load-flows.ts";
import { createSchemaSet } from "../../../functions/src/flows/schema-set.ts";
import type { Http, HttpRequest } from "../../../functions/src/platform/http.ts";
import type { Probe } from "../../../functions/src/targets/probe.ts";
import { isProbeMessage } from "../../../functions/src/targets/probe.ts";
import { SimulatedClock } from "../../../local/clock.ts";
import { appConfig } from "../../support/app-config.ts";
import { recordTelemetry } from "../../support/recorded-telemetry.ts";

const flows = await loadFlows(
  fileURLToPath(new URL("../../../flows", import.meta.url)),
  createSchemaSet(),
);
/** Everything live and every mail allowed: what a probe must withstand. */
const live = appConfig({
  targets: {
    ce: { mode: "live", legalEntities: { "causeway-probe": { mode: "live" } } },
    crm: { mode: "live", goLive: "2020-01-01T00:00:00.000Z" },
    email: { mode: "live", allowedRecipientDomains: ["*"], sender: "invoices@contoso.example" },
  },
});

function createScene(answer: Http, gate: Gate = openGate(0)) {
  const asked: HttpRequest[] = [];
  const clock = new SimulatedClock(Date.parse("2026-11-27T08:00:00.000Z"));
  const recorded = recordTelemetry();
  const http: Http = (request) => {
    asked.push(request);
    return answer(request);
  };
  const input = {
    flows,
    config: live,
    http,
    dataverseHttp: http,
    getToken: () => Promise.resolve("token"),
    clock,
    telemetry: recorded.telemetry,
  };
  const probe = composeProbe(input, { read: () => Promise.resolve(gate) });
  return { probe, clock, asked, ...recorded };
}

async function runAll(probe: Probe, messages = probe.messages()): Promise<void> {
  for (const { body } of messages) {
    const message: unknown = JSON.parse(body);
    if (isProbeMessage(message)) await probe.run(message, new AbortController().signal);
  }
}

const empty: Http = () =>
  Promise.resolve({ status: 200, headers: { get: () => null }, body: '{"value":[]}' });

describe("the probe", () => {
  it("goes to every target by its own filter and finds them well, with its lag", async () => {
    const { probe, clock, events, metrics } = createScene(empty);
    const messages = probe.messages();
    expect(messages.map(({ properties }) => properties)).toEqual([
      { to_ce: "1", target: "ce" },
      { to_crm: "1", target: "crm" },
      { to_email: "1", target: "email" },
    ]);
    await clock.advance(2_000);
    await runAll(probe, messages);
    expect(events.map(({ dimensions, measurements }) => [dimensions, measurements])).toEqual([
      [expect.objectContaining({ target: "ce", result: "ok" }), { lagMs: 2_000 }],
      [{ target: "crm", result: "ok", code: "" }, { lagMs: 2_000 }],
      [{ target: "email", result: "ok", code: "" }, { lagMs: 2_000 }],
    ]);
    expect(metrics.filter(({ name }) => name === "causeway.probe.lag")).toHaveLength(3);
  });

  it.each([
    ["an outage", { ...openGate(0), state: "outage" as const }],
    ["a pause", { ...openGate(0), paused: { at: 0, by: "op", reason: "upgrade" } }],
  ])("leaves a target alone in %s: the deliveries' own probe is the only call", async (_, gate) => {
    const { probe, asked, events } = createScene(empty, gate);
    await runAll(probe);
    expect(asked).toEqual([]);
    expect(events.map(({ dimensions }) => dimensions["result"])).toEqual(
      probe.messages().map(() => "notCalled"),
    );
  });

  it("writes nothing anywhere, whatever the stack says", async () => {
    const { probe, asked } = createScene(empty);
    await runAll(probe);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter(({ method }) => method !== "GET")).toEqual([]);
    expect(asked.filter(({ url }) => url.includes("logic.azure.com"))).toEqual([]);
  });

  it("says that a target is not well, and that a message was long on its way", async () => {
    const { probe, clock, events } = createScene(() =>
      Promise.resolve({ status: 503, headers: { get: () => null }, body: "" }),
    );
    const messages = probe.messages();
    await clock.advance(6 * 60_000);
    await runAll(probe, messages);
    expect(events.map(({ dimensions }) => dimensions["result"])).toEqual([
      "failed",
      "late",
      "late",
    ]);
  });
});
