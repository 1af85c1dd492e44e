import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { composeProbe } from "../../../functions/src/compose-probe.ts";
import { openGate } from "../../../functions/src/delivery/gates.ts";
import type { Gate } from "../../../functions/src/delivery/gates.ts";
import { loadFlows } from "../../../functions/src/flows/load-flows.ts";
import { createSchemaSet } from "../../../functions/src/flows/schema-set.ts";
import type { Http, HttpRequest } from "../../../functions/src/platform/http.ts";
import type { ProbeAnswer } from "../../../functions/src/targets/probe-rounds.ts";
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
  const answers: ProbeAnswer[] = [];
  const rounds = {
    answer: (id: string, answer: ProbeAnswer) => {
      expect(id).toBe("round-1");
      answers.push(answer);
      return Promise.resolve();
    },
  };
  const probe = composeProbe(input, { read: () => Promise.resolve(gate) }, rounds);
  return { probe, clock, asked, answers, ...recorded };
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

/** Dataverse knows nobody; the workflows answer what the test says. */
const workflows =
  (crm: [number, object], mail: [number, object]): Http =>
  (request) => {
    if (request.method === "GET") return empty(request);
    const { step } = JSON.parse(request.body ?? "{}") as { readonly step?: string };
    const [status, body] = step === "read" ? crm : mail;
    return Promise.resolve({ status, headers: { get: () => null }, body: JSON.stringify(body) });
  };

const read: [number, object] = [200, { status: "read", records: [] }];
const absent: [number, object] = [404, { status: "absent" }];
const refused: [number, object] = [503, { status: "retry", code: "MAIL_UNAUTHORIZED" }];

describe("a round that a person begins", () => {
  it("asks what stands behind a workflow by steps that write nothing, and keeps every answer", async () => {
    const { probe, asked, answers, clock } = createScene(workflows(read, absent));
    const messages = probe.messages("round-1");
    await clock.advance(1_500);
    await runAll(probe, messages);

    const posted = asked.filter(({ method }) => method !== "GET");
    expect(posted.map(({ body }) => JSON.parse(body ?? "") as unknown)).toEqual([
      expect.objectContaining({ step: "read", object: "Invoice__c" }),
      expect.objectContaining({ step: "status", generation: 0 }),
    ]);
    expect(answers.map(({ flow, target, result, ms }) => ({ flow, target, result, ms }))).toEqual(
      probe.places.map((place) => ({ ...place, result: "ok", ms: 1_500 })),
    );
  });

  it("says which target's workflow, secret or system does not let it in", async () => {
    const { probe, answers } = createScene(workflows([401, {}], refused));
    await runAll(probe, probe.messages("round-1"));

    expect(answers.map(({ target, result, code }) => [target, result, code])).toEqual([
      ["ce", "ok", expect.any(String)],
      ["crm", "failed", "CRM_WORKFLOW_REFUSED"],
      ["email", "failed", "MAIL_UNAUTHORIZED"],
    ]);
  });

  it("tells of a target that is not called", async () => {
    const { probe, answers } = createScene(empty, { ...openGate(0), state: "outage" });
    await runAll(probe, probe.messages("round-1"));

    expect(answers.map(({ result }) => result)).toEqual(["notCalled", "notCalled", "notCalled"]);
  });

  it("uses no message id of another round's", () => {
    const { probe } = createScene(empty);
    const ids = ["round-1", "round-2", undefined].flatMap((round) =>
      probe.messages(round).map(({ messageId }) => messageId),
    );

    expect(new Set(ids).size).toBe(9);
  });
});
