import { describe, expect, it } from "@jest/globals";
import { createDeliveryRow } from "../../../../functions/src/delivery/ledger-rows.ts";
import { silentTelemetry } from "../../../../functions/src/platform/telemetry.ts";
import type { FinanceClient } from "../../../../functions/src/dynamics/finance-client.ts";
import {
  beginVerification,
  runVerification,
} from "../../../../functions/src/recovery/verify/run-verification.ts";
import { recordFailures } from "../../../../functions/src/recovery/record-failure.ts";
import type { Verification } from "../../../../functions/src/recovery/verify/verification.ts";
import { createVerificationStore } from "../../../../functions/src/recovery/verify/verification-store.ts";
import { appConfig } from "../../../support/app-config.ts";
import { salesInvoicePosted } from "../../../support/business-event.ts";
import { FaultyPorts } from "../../../support/faulty-ports.ts";
import { lightFlow } from "../../../support/light-flow.ts";
import { recordTelemetry } from "../../../support/recorded-telemetry.ts";
import type { Told } from "../../../support/recorded-telemetry.ts";
import { ReplayWorld } from "../../../support/replay-world.ts";
import { VerifyWorld } from "../../../support/verify-world.ts";

const time = "2026-11-24T11:40:00.000Z";

const journal = {
  dataAreaId: "USMF",
  InvoiceId: salesInvoicePosted.InvoiceId,
  InvoiceDate: "2026-11-24T12:00:00Z",
  LedgerVoucher: "ARI-1",
  CreatedOn: "2026-11-24T11:39:30Z",
};

/** F&O has posted one document; its event is in the ledger, and intake has not read F&O for it. */
async function verifyUnread(state: "received" | "failed", number: string): Promise<Verification> {
  const world = new ReplayWorld();
  const { clock, ledger, memory } = world.delivery;
  const readAll = () => Promise.resolve([journal]);
  world.finance = { readAll } as unknown as FinanceClient;
  world.flows = [lightFlow()];
  const eventId = salesInvoicePosted.EventId.toLowerCase();
  const start = { state, acceptedAt: clock.now(), traceparent: "" } as const;
  const row = createDeliveryRow({ eventId, time, target: "intake" }, start);
  await ledger.insert([{ row, raw: JSON.stringify({ ...salesInvoicePosted, InvoiceId: number }) }]);
  const on = {
    ...world.runner(clock, {}),
    config: appConfig(),
    verifications: createVerificationStore(memory),
    readers: { ce: () => Promise.resolve(new Map()) },
  };
  const window = {
    since: Date.parse("2026-11-24T11:30:00Z"),
    until: Date.parse("2026-11-24T12:00:00Z"),
  };
  const begun = await beginVerification(on, { ...window, repair: true, include: [], by: "anna" });
  return runVerification(on, begun);
}

describe("a document whose event intake has not read F&O for", () => {
  it("is failed and not missing when intake has failed, and is not repaired past its failure", async () => {
    expect(await verifyUnread("failed", journal.InvoiceId)).toMatchObject({
      state: "done",
      counts: [{ target: "ce", compared: 1, failed: 1, missing: 0 }],
      findings: [],
      repaired: 0,
    });
  });

  it("is under way while intake tries", async () => {
    expect(await verifyUnread("received", journal.InvoiceId)).toMatchObject({
      counts: [{ underWay: 1, missing: 0 }],
    });
  });

  it("is missing when the event is about another document", async () => {
    expect(await verifyUnread("failed", "CIV-000999")).toMatchObject({
      counts: [{ failed: 0, missing: 1 }],
      findings: [{ cause: "NO_EVENT" }],
    });
  });
});

describe("a verification under way", () => {
  it("says what it has compared so far", async () => {
    const world = new ReplayWorld();
    const { clock, memory } = world.delivery;
    // Each hour takes a while to read, and has one document.
    const readAll = async () => {
      await clock.sleep(3_000);
      return [journal];
    };
    world.finance = { readAll } as unknown as FinanceClient;
    world.flows = [lightFlow()];
    const verifications = createVerificationStore(memory);
    const saved: string[] = [];
    const on = {
      ...world.runner(clock, {}),
      config: appConfig(),
      readers: { ce: () => Promise.resolve(new Map()) },
      verifications: {
        ...verifications,
        save: (report: Verification) => {
          saved.push(`${report.state} ${report.counts[0]?.compared ?? 0}`);
          return verifications.save(report);
        },
      },
    };
    const window = {
      since: Date.parse("2026-11-24T09:00:00Z"),
      until: Date.parse("2026-11-24T11:00:00Z"),
    };
    const begun = await beginVerification(on, {
      ...window,
      repair: false,
      include: [],
      by: "anna",
    });
    await runVerification(on, begun);

    expect(saved).toEqual(["running 0", "running 1", "running 2", "done 2"]);
  });
});

describe("a document without an event", () => {
  it("of a company that the target does not list is skipped and not missing, and does not count towards the limit of a repair", async () => {
    const world = new VerifyWorld(lightFlow({ ce: { legalEntities: { usmf: {} } } }));
    for (let n = 1; n <= 6; n += 1) await world.post(`D-${n}`, { company: "demf" });
    await world.post("U-1");

    expect(await world.verify({ repair: true })).toMatchObject({
      counts: [
        { legalEntity: "demf", compared: 0, missing: 0, skipped: 6 },
        { legalEntity: "usmf", compared: 1, missing: 1, skipped: 0 },
      ],
      findings: [{ number: "U-1", cause: "NO_EVENT" }],
      repaired: 1,
    });
  });

  it("of a company that is switched off, or that posted before the target went live, is skipped", async () => {
    const world = new VerifyWorld();
    await world.post("CIV-1");
    world.config = appConfig({ targets: { ce: { legalEntities: { usmf: { mode: "off" } } } } });
    const off = await world.verify();
    world.config = appConfig({ targets: { ce: { goLive: "2026-11-24T08:59:00Z" } } });
    const early = await world.verify();

    for (const { counts } of [off, early]) {
      expect(counts).toMatchObject([{ compared: 0, missing: 0, skipped: 1 }]);
    }
  });

  it("is skipped when no flow takes its kind; an invoice of several orders is no free text", async () => {
    const world = new VerifyWorld(lightFlow({ ce: {} }, ["SalesInvoicePostedBusinessEvent"]));
    await world.post("FTI-1", { kind: "freeText" });
    await world.post("CIV-1");
    world.change = (body) => body.replaceAll(/"SalesId":"[^"]*"/g, '"SalesId":""');

    expect(await world.verify()).toMatchObject({
      counts: [{ compared: 1, missing: 1, skipped: 1 }],
      findings: [{ number: "CIV-1" }],
    });
  });

  it("is not asked about in F&O by a number that means others too", async () => {
    const world = new VerifyWorld();
    await world.post("FTI-*", { kind: "freeText" });

    expect(await world.verify()).toMatchObject({ counts: [{ missing: 1 }] });
    expect(world.asked.filter((url) => url.includes("FreeTextInvoiceHeaders"))).toEqual([]);
  });

  it.each([
    ["failed", "open", { failed: 1, missing: 0 }],
    ["skipped", "discarded", { skipped: 1, missing: 0 }],
  ] as const)(
    "that Event Grid dead-lettered is %s while the failure is %s",
    async (_what, status, counts) => {
      const world = new VerifyWorld();
      await world.post("CIV-1");
      const { delivery, failures } = world.replay;
      const { clock, ledger, parse } = world.on();
      const identify = (body: unknown) => {
        const parsed = parse(body);
        return parsed.kind === "invoice" ? parsed.event : null;
      };
      const told = { ledger, failures, clock, telemetry: silentTelemetry, identify };
      const body: unknown = JSON.parse(world.fno.sent.at(-1)?.text ?? "");
      const letter = { body, properties: {}, source: "eventgrid" };
      await recordFailures({ ...told, flowOf: () => "invoice-posted" }, [letter]);
      if (status === "discarded") {
        const rows = delivery.memory.rows("failures").map(({ rowKey }) => rowKey);
        const id = rows.find((rowKey) => rowKey.startsWith("f|"))?.slice("f|".length) ?? "";
        const failure = await failures.get("intake", id);
        if (failure === undefined) throw new Error("nothing was recorded");
        await failures.move([{ failure, to: status }]);
      }

      expect(await world.verify()).toMatchObject({ counts: [counts], findings: [] });
    },
  );
});

describe("a verification that runs out of time", () => {
  it("keeps what it found and says up to when", async () => {
    const world = new VerifyWorld();
    await world.post("CIV-1");
    const time = new AbortController();
    world.answer = (url) => {
      if (decodeURIComponent(url).includes("CreatedOn ge 2026-11-24T09")) {
        time.abort(new DOMException("the time is over", "TimeoutError"));
      }
      return undefined;
    };
    const until = Date.parse("2026-11-24T11:30:00Z");

    await expect(world.verify({ until, repair: true, signal: time.signal })).rejects.toThrow();
    expect(await world.report()).toMatchObject({
      state: "failed",
      counts: [{ compared: 1, missing: 1 }],
      findings: [{ number: "CIV-1" }],
      note:
        "it broke off: its 8 minutes were over; it compared what was posted up to 2026-11-24T10:00:00.000Z and repaired nothing; " +
        "go on from there: causeway verify --since 2026-11-24T10:00:00.000Z --until 2026-11-24T11:30:00.000Z --repair",
    });
  });
});

describe("what Application Insights is told of a verification", () => {
  function toldOf(world: VerifyWorld): readonly Told[] {
    const { events, telemetry } = recordTelemetry();
    world.replay.telemetry = telemetry;
    return events;
  }
  const whole = { legalEntity: "", target: "" };

  it("is a row for each company and target when there was something to compare", async () => {
    const world = new VerifyWorld();
    const events = toldOf(world);
    await world.post("CIV-1");
    await world.verify();

    expect(events).toMatchObject([
      {
        name: "verification",
        dimensions: { legalEntity: "usmf", target: "ce", result: "differences" },
        measurements: { compared: 1, missing: 1 },
      },
    ]);
  });

  it("is that all is well when nothing was posted", async () => {
    const world = new VerifyWorld();
    const events = toldOf(world);
    const { id } = await world.verify();

    expect(events).toMatchObject([
      { name: "verification", dimensions: { ...whole, verificationId: id, result: "ok" } },
    ]);
  });

  it("is that it failed when it broke off, also when its report cannot be stored any more", async () => {
    const world = new VerifyWorld();
    const events = toldOf(world);
    await world.post("CIV-1");
    const faults = new FaultyPorts();
    let isAway = false;
    faults.plan = ({ label }) => {
      // From its first look into the ledger on.
      if (/ledger/.test(label)) isAway = true;
      return isAway ? { how: "fail", when: "before" } : undefined;
    };
    await expect(world.verify({ faults })).rejects.toThrow();

    expect(await world.report()).toMatchObject({ state: "running" });
    expect(events).toMatchObject([
      { name: "verification", dimensions: { ...whole, result: "failed" } },
    ]);
  });
});
