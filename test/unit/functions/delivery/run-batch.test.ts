import { describe, expect, it } from "@jest/globals";
import { runBatch } from "../../../../functions/src/delivery/run-batch.ts";
import type { Arrived } from "../../../../functions/src/delivery/run-batch.ts";
import { TableError } from "../../../../functions/src/platform/table-store.ts";
import { silentTelemetry } from "../../../../functions/src/platform/telemetry.ts";
import { ManualClock, MemoryBroker, startOfTime } from "../../../support/delivery-world.ts";

const place = { name: "intake", entity: "business-events", routing: {} };
const message = (body: string, deliveryCount: number | null = 1): Arrived => ({
  body,
  deliveryCount,
});

function ports(): Parameters<typeof runBatch>[0] & { readonly broker: MemoryBroker } {
  const broker = new MemoryBroker();
  return {
    broker,
    sender: broker,
    clock: new ManualClock(),
    telemetry: silentTelemetry,
    random: () => 0,
  };
}

describe("a trigger's batch", () => {
  it("runs together what came once or twice, and alone what came more often", async () => {
    const runs: string[] = [];
    const arrived = [message("a"), message("b", 3), message("c", 2), message("d", null)];
    await runBatch(ports(), place, [...arrived, message("e", 9)], (batch) => {
      runs.push(batch.map(({ body }) => String(body)).join(""));
      return Promise.resolve();
    });
    expect(runs).toEqual(["acd", "b", "e"]);
  });

  it("tries the others although one of them fails, and then fails", async () => {
    const runs: string[] = [];
    const arrived = [message("bad", 3), message("good", 3)];
    const run = runBatch(ports(), place, arrived, ([only]) => {
      runs.push(String(only?.body));
      return only?.body === "bad" ? Promise.reject(new Error("a fault")) : Promise.resolve();
    });
    await expect(run).rejects.toThrow("a fault");
    expect(runs).toEqual(["bad", "good"]);
  });

  it("puts messages off by 30 s or more, as they were, when the ledger is away", async () => {
    const on = ports();
    const away = (): Promise<never> =>
      Promise.reject(new TableError("UNAVAILABLE", "ledger202611"));
    await runBatch(on, place, [message("not json"), message("other")], away);
    const copies = on.broker.sent.map(({ message: copy }) => [copy.body, copy.enqueueAt]);
    expect(copies).toEqual([
      ["not json", startOfTime + 30_000],
      ["other", startOfTime + 30_000],
    ]);
    const ids = on.broker.sent.map(({ message: copy }) => copy.messageId);
    expect(new Set(ids).size).toBe(2);
  });

  it("has four minutes for all its parts together", async () => {
    const on = ports();
    const clock = new ManualClock();
    const limits: number[] = [];
    const sleep = clock.sleep.bind(clock);
    clock.sleep = (ms, signal) => {
      limits.push(ms);
      return sleep(ms, signal);
    };
    const aborted: boolean[] = [];
    const arrived = [message("a"), message("b", 3), message("c", 3)];
    await runBatch({ ...on, clock }, place, arrived, (_batch, signal) => {
      aborted.push(signal.aborted);
      clock.advance(150_000);
      return Promise.resolve();
    });
    expect(limits).toEqual([240_000, 90_000]);
    expect(aborted).toEqual([false, false, true]);
  });

  it("does not hide a fault of our own behind the ledger's rule", async () => {
    const on = ports();
    const fault = (): Promise<never> => Promise.reject(new TableError("FAILED", "ledger202611"));
    await expect(runBatch(on, place, [message("a")], fault)).rejects.toThrow("FAILED");
    expect(on.broker.sent).toEqual([]);
  });
});
