import { fileURLToPath } from "node:url";
import { loadFlows } from "../../functions/src/flows/load-flows.ts";
import type { FailureCount } from "../../functions/src/operator/reads/read-dependencies.ts";
import type { ReadRoutesOptions } from "../../functions/src/operator/reads/read-routes.ts";
import { createSchemaSet } from "../../functions/src/flows/schema-set.ts";
import { createVerificationStore } from "../../functions/src/recovery/verify/verification-store.ts";
import { appConfig } from "./app-config.ts";
import type { DeliveryWorld } from "./delivery-world.ts";

const flowsFolder = fileURLToPath(new URL("../../flows", import.meta.url));
const budgets = new Map([
  ["ce", { concurrency: 40 }],
  ["crm", { perMinute: 300 }],
  ["email", { perHour: 90 }],
]);

// Once: checking them takes longer than any test here.
const schemas = createSchemaSet();
const flows = loadFlows(flowsFolder, schemas);

/** What the read routes read from, over a delivery world's tables. */
export async function readsOver(
  world: DeliveryWorld,
  failures: readonly FailureCount[] = [],
): Promise<Omit<ReadRoutesOptions, "audit">> {
  return {
    store: world.store,
    bodies: world.bodies,
    clock: world.clock,
    config: appConfig({ targets: { crm: { mode: "live" } } }),
    flows: await flows,
    gates: world.gates(),
    budgets,
    schemas,
    sender: world.sender,
    wakeTargets: new Map([
      ["ce", (deadline: number) => world.wakeParked(deadline - world.clock.now())],
    ]),
    countFailures: () => Promise.resolve({ groups: failures, targetsWithMore: [] }),
    listVerifications: () => createVerificationStore(world.store).summaries(30),
  };
}
