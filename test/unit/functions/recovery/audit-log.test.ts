import { randomBytes } from "node:crypto";
import { describe, expect, it } from "@jest/globals";
import type { Clock } from "../../../../functions/src/platform/clock.ts";
import { createAuditLog } from "../../../../functions/src/recovery/audit-log.ts";
import { runReplay } from "../../../../functions/src/recovery/replay/run-replay.ts";
import { ManualClock } from "../../../support/delivery-world.ts";
import { MemoryTableStore } from "../../../support/memory-table-store.ts";
import { ReplayWorld } from "../../../support/replay-world.ts";

describe("the audit", () => {
  it("keeps what was decided on, however much it is", async () => {
    const audit = createAuditLog(new MemoryTableStore(), new ManualClock());
    const ids = Array.from({ length: 200 }, () => randomBytes(300).toString("hex"));
    const by = { callerId: "p-anna", caller: "Anna" };
    const what = { action: "failures.discard", subject: "200 failures", reason: "paid by hand" };
    await audit.write({ ...by, ...what, details: { ids } });
    const { entries } = await audit.read({ limit: 10 });
    expect(entries).toMatchObject([{ ...by, ...what, details: { ids } }]);
  });

  it("tells of a replay that stopped by itself, as a decision of the program", async () => {
    const world = new ReplayWorld();
    await world.fail(2);
    const { clock: time, memory, target } = world.delivery;
    target.answers = [{ kind: "reject", code: "CE_ROW_CLOSED", reason: "still paid" }];
    const clock: Clock = {
      now: () => time.now(),
      sleep: async (ms) => {
        await world.work();
        time.advance(ms);
      },
    };
    const audit = createAuditLog(memory, clock);
    const { id } = await world.begin();
    const limits = { until: clock.now() + 240_000, patienceMs: 30_000 };
    await runReplay({ ...world.runner(clock, {}), audit }, id, limits);
    expect((await world.job(id)).state).toBe("stopped");
    const { entries } = await audit.read({ limit: 10 });
    expect(entries).toMatchObject([
      { callerId: "", caller: "causeway", action: "replays.stop", subject: id },
    ]);
    expect(entries[0]?.reason).toContain("1 of 1 in step 1 failed again");
  });
});
