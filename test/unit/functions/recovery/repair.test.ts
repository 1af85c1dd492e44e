import { describe, expect, it } from "@jest/globals";
import type { FinanceClient } from "../../../../functions/src/dynamics/finance-client.ts";
import { createVerifyRoutes } from "../../../../functions/src/operator/routes/verify-routes.ts";
import { createAuditLog } from "../../../../functions/src/recovery/audit-log.ts";
import type { Verification } from "../../../../functions/src/recovery/verify/verification.ts";
import { createVerificationStore } from "../../../../functions/src/recovery/verify/verification-store.ts";
import { appConfig } from "../../../support/app-config.ts";
import { canonicalInvoice } from "../../../support/canonical-invoice.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";
import { ReplayWorld } from "../../../support/replay-world.ts";

/** F&O has posted the first numbered event's invoice. */
function financeWithOne(): FinanceClient {
  const { date, legalEntity, number, voucher } = canonicalInvoice({ number: "CIV-000001" });
  const row = {
    dataAreaId: legalEntity,
    InvoiceId: number,
    InvoiceDate: `${date}T12:00:00Z`,
    LedgerVoucher: voucher,
    CreatedOn: "2026-11-24T11:59:30Z",
  };
  const readAll = () => Promise.resolve([row]);
  return { readAll } as unknown as FinanceClient;
}

/** CE has lost what was delivered to it; F&O still has it. Resolves when the repair's replay is begun. */
async function repairGone(world: ReplayWorld): Promise<{
  readonly verification: Verification | undefined;
  readonly kicked: string;
}> {
  await world.delivery.accept(numberedEvent(1));
  await world.work();
  world.finance = financeWithOne();
  const { clock, memory } = world.delivery;
  const verifications = createVerificationStore(memory);
  const kicked = await new Promise<string>((kick, fail) => {
    const [route] = createVerifyRoutes({
      ...world.runner(clock, {}),
      config: appConfig(),
      verifications,
      readers: { ce: () => Promise.resolve(new Map()) },
      audit: createAuditLog(memory, clock),
      kick,
    });
    const caller = { id: "p-anna", name: "anna", roles: [] };
    const body = { since: "2026-11-24T11:30:00Z", until: "2026-11-24T12:00:00Z", repair: true };
    const call = { caller, body, params: {}, query: new URLSearchParams() };
    route?.handle(call).catch(fail);
  });
  const [verification] = await verifications.list(1);
  return { verification, kicked };
}

describe("a repair", () => {
  it("begins its replay at once, of what is gone from its target", async () => {
    const world = new ReplayWorld();
    const { verification, kicked } = await repairGone(world);

    expect(verification).toMatchObject({
      state: "done",
      repaired: 1,
      note: "1 delivery begun to repair",
      findings: [{ kind: "missing", target: "ce", cause: "GONE" }],
    });
    expect(verification?.replayId).toBe(kicked);
    expect(await world.job(kicked)).toMatchObject({ state: "running", total: 1 });
  });
});
