import { describe, expect, it } from "@jest/globals";
import { Ledger } from "../../../../../functions/src/delivery/ledger.ts";
import type { Outcome } from "../../../../../functions/src/targets/target.ts";
import { ReplayWorld } from "../../../../support/replay-world.ts";

const missing: Outcome = { kind: "wait", code: "CE_ACCOUNT_MISSING", missing: ["account/US-9"] };
const refusal: Outcome = { kind: "reject", code: "CE_ROW_CLOSED", reason: "still paid" };

/** Once told to, it delivers what is due and nothing else: what waits stays waiting. */
class PunctualWorld extends ReplayWorld {
  isPunctual = false;

  override async work(): Promise<void> {
    if (!this.isPunctual) return super.work();
    const { broker, clock, entity } = this.delivery;
    const due = (broker.waiting.get(entity) ?? []).filter(
      ({ enqueueAt = 0 }) => enqueueAt <= clock.now(),
    );
    for (const message of due) await this.delivery.handle([message]);
  }
}

describe("a replay whose first deliveries wait", () => {
  it("stops by what fails behind them, although the others go through in its own process", async () => {
    const world = new PunctualWorld();
    const count = 400;
    await world.fail(count);
    world.isPunctual = true;
    const { blobs: bodies, clock, memory: store } = world.delivery;
    const ledger = new Ledger({ store, bodies, clock });
    world.delivery.ledger = ledger;
    const { id } = await world.begin({ kind: "all" }, { steps: [count], perSecond: 20 });
    for (let n = 0; n < count; n += 1) {
      const delivered: Outcome = { kind: "delivered", reference: `ref-${n}` };
      world.delivery.target.answers.push(n < 30 ? missing : n % 2 === 0 ? delivered : refusal);
    }

    await world.run(id, { ledger });

    const job = await world.job(id);
    expect(job.state).toBe("stopped");
    // A tenth of the step is forty; all are read every five seconds, at twenty a second.
    expect(world.delivery.target.calls.length - count).toBeLessThan(300);
  });
});
