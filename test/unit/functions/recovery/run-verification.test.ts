import { describe, expect, it } from "@jest/globals";
import { createDeliveryRow } from "../../../../functions/src/delivery/ledger-rows.ts";
import type { FinanceClient } from "../../../../functions/src/dynamics/finance-client.ts";
import {
  beginVerification,
  runVerification,
} from "../../../../functions/src/recovery/verify/run-verification.ts";
import type { Verification } from "../../../../functions/src/recovery/verify/verification.ts";
import { createVerificationStore } from "../../../../functions/src/recovery/verify/verification-store.ts";
import { appConfig } from "../../../support/app-config.ts";
import { salesInvoicePosted } from "../../../support/business-event.ts";
import { ReplayWorld } from "../../../support/replay-world.ts";

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
