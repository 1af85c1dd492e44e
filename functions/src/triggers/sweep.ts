import { app } from "@azure/functions";
import { getApp } from "../compose.ts";
import type { App } from "../compose.ts";
import { sweepLane } from "../delivery/sweep.ts";
import type { SweepDependencies } from "../delivery/sweep.ts";
import { asError } from "../platform/causeway-error.ts";
import { drainDeadLetters } from "../recovery/drain-dead-letters.ts";

app.timer("sweep", {
  schedule: "0 */5 * * * *",
  handler: async () => {
    const on = await getApp();
    const failures: Error[] = [];
    // One target's trouble must not keep the others' deliveries lost.
    for (const work of toWork(on)) {
      try {
        await work();
      } catch (error) {
        failures.push(asError(error));
      }
    }
    for (const failure of failures) on.telemetry.error(failure, { name: "sweep" });
    if (failures[0] !== undefined) throw failures[0];
  },
});

function toWork(on: App): readonly (() => Promise<unknown>)[] {
  const { clock, random, sender } = on.batches;
  const { ledger, telemetry } = on;
  const { oldestActive } = on.serviceBus;
  const sweep: SweepDependencies = { ledger, sender, oldestActive, clock, telemetry, random };
  return [
    () => sweepLane(sweep, on.intake),
    ...[...on.targets.values()].map((lane) => () => sweepLane(sweep, lane)),
    () => drainDeadLetters(on.recovery),
  ];
}
