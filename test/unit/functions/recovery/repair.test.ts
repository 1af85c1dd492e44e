import { describe, expect, it } from "@jest/globals";
import type { FinanceClient } from "../../../../functions/src/dynamics/finance-client.ts";
import { createVerifyRoutes } from "../../../../functions/src/operator/routes/verify-routes.ts";
import { createAuditLog } from "../../../../functions/src/recovery/audit-log.ts";
import type { Sender } from "../../../../functions/src/platform/messages.ts";
import type { Verification } from "../../../../functions/src/recovery/verify/verification.ts";
import { createVerificationStore } from "../../../../functions/src/recovery/verify/verification-store.ts";
import {
  beginVerification,
  runVerification,
  settleMs,
} from "../../../../functions/src/recovery/verify/run-verification.ts";
import type { VerifyDependencies } from "../../../../functions/src/recovery/verify/run-verification.ts";
import type { Outcome } from "../../../../functions/src/targets/target.ts";
import { appConfig } from "../../../support/app-config.ts";
import { canonicalInvoice } from "../../../support/canonical-invoice.ts";
import { lightFlow } from "../../../support/light-flow.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";
import { ReplayWorld } from "../../../support/replay-world.ts";

/** F&O has posted the first numbered events' invoices. */
function financeWith(count: number): FinanceClient {
  const rows = Array.from({ length: count }, (_each, index) => {
    const { date, legalEntity, number, voucher } = canonicalInvoice({
      number: `CIV-00000${index + 1}`,
    });
    return {
      dataAreaId: legalEntity,
      InvoiceId: number,
      InvoiceDate: `${date}T12:00:00Z`,
      LedgerVoucher: voucher,
      CreatedOn: "2026-11-24T11:59:30Z",
    };
  });
  const readAll = () => Promise.resolve(rows);
  return { readAll } as unknown as FinanceClient;
}

/** CE has lost what was delivered to it; F&O still has it. */
async function createGone(count = 1, answers: readonly Outcome[] = []): Promise<ReplayWorld> {
  const world = new ReplayWorld();
  world.delivery.target.answers = [...answers];
  const events = Array.from({ length: count }, (_each, index) => numberedEvent(index + 1));
  await world.delivery.accept(...events);
  await world.work();
  // Before that verify leaves it alone.
  world.delivery.clock.advance(settleMs);
  world.finance = financeWith(count);
  world.flows = [lightFlow()];
  return world;
}

const hour = { since: "2026-11-24T11:30:00Z", until: "2026-11-24T12:00:00Z" };

function verifyOn(world: ReplayWorld): VerifyDependencies {
  return {
    ...world.runner(world.delivery.clock, {}),
    config: appConfig(),
    verifications: createVerificationStore(world.delivery.memory),
    readers: { ce: () => Promise.resolve(new Map()) },
  };
}

/** Resolves when the repair's replay is begun. */
async function repair(world: ReplayWorld): Promise<{
  readonly verification: Verification | undefined;
  readonly kicked: string;
}> {
  const on = verifyOn(world);
  const { clock, memory } = world.delivery;
  const kicked = await new Promise<string>((kick, fail) => {
    const [route] = createVerifyRoutes({ ...on, audit: createAuditLog(memory, clock), kick });
    const caller = { id: "p-anna", name: "anna", roles: [] };
    const body = { ...hour, repair: true };
    const call = { caller, body, params: {}, query: new URLSearchParams() };
    route?.handle(call).catch(fail);
  });
  const found = await on.verifications.list(10);
  return { verification: found.find(({ replayId }) => replayId === kicked), kicked };
}

/** This world's F&O does not know the documents: the replay sends what was accepted. */
async function runAsStored(
  world: ReplayWorld,
  id: string,
  sender: Sender = world.delivery.broker,
): Promise<void> {
  const now = world.delivery.clock.now();
  const held = await world.replays.take(id, "test", now);
  if (held === undefined) throw new Error(`somebody else has ${id}`);
  const options = { ...held.job.options, asStored: true };
  const saved = await world.replays.save(held, { ...held.job, options }, "test", now);
  await world.replays.release(saved);
  await world.run(id, { sender });
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}

describe("a repair", () => {
  it("begins its replay at once, of what is gone from its target", async () => {
    const world = await createGone();
    const { verification, kicked } = await repair(world);

    expect(verification).toMatchObject({
      state: "done",
      repaired: 1,
      note: "1 delivery begun to repair",
      findings: [{ kind: "missing", target: "ce", cause: "GONE" }],
    });
    expect(verification?.replayId).toBe(kicked);
    expect(await world.job(kicked)).toMatchObject({ state: "running", total: 1 });
  });

  it("says how many deliveries it has begun, and who asked for it is in the audit", async () => {
    const world = await createGone(3);
    const { verification } = await repair(world);

    expect(verification).toMatchObject({ repaired: 3, note: "3 deliveries begun to repair" });
    const { clock, memory } = world.delivery;
    const { entries } = await createAuditLog(memory, clock).read({ limit: 10 });
    expect(entries).toMatchObject([{ action: "verifications.repair", caller: "anna" }]);
  });

  it("does not claim to send an old version whose newer one is gone", async () => {
    const world = await createGone(1, [{ kind: "superseded", reference: "r-2" }]);
    const on = verifyOn(world);
    const { since, until } = hour;
    const window = { since: Date.parse(since), until: Date.parse(until) };
    const wanted = { ...window, repair: true, include: [], by: "anna" };
    const verification = await runVerification(on, await beginVerification(on, wanted));

    expect(verification).toMatchObject({
      repaired: 0,
      replayId: "",
      note: "there was nothing to repair; newer versions left out: 1 (send them again from F&O)",
      findings: [{ kind: "missing", target: "ce", cause: "NEWER_VERSION_GONE" }],
    });
  });

  it.each(["after", "during"] as const)(
    "sends once what two find gone, and both see it delivered (the second runs %s the first)",
    async (when) => {
      const world = await createGone();
      const { broker, target } = world.delivery;
      const { effects } = target;
      expect(effects).toHaveLength(1);
      const [one, two] = [await repair(world), await repair(world)];
      const second = once(() => runAsStored(world, two.kicked));
      const sender: Sender = {
        send: async (entity, messages) => {
          if (when === "during") await second();
          await broker.send(entity, messages);
        },
      };
      await runAsStored(world, one.kicked, sender);
      await second();

      expect(effects).toHaveLength(2);
      for (const { kicked } of [one, two]) {
        expect(await world.job(kicked)).toMatchObject({ state: "done", ended: { delivered: 1 } });
      }
    },
  );
});
