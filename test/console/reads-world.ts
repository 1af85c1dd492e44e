import { fileURLToPath } from "node:url";
import { loadFlows } from "../../functions/src/flows/load-flows.ts";
import type { FailureCount } from "../../functions/src/operator/reads/read-dependencies.ts";
import type { ReadDependencies } from "../../functions/src/operator/reads/read-dependencies.ts";
import { appConfig } from "../support/app-config.ts";
import type { DeliveryWorld } from "../support/delivery-world.ts";

const flowsFolder = fileURLToPath(new URL("../../flows", import.meta.url));
const budgets = new Map([
  ["ce", {}],
  ["crm", {}],
  ["email", { perHour: 90 }],
]);

// Once: checking them takes longer than any test here.
const flows = loadFlows(flowsFolder);

/** What the read routes read from, over a delivery world's tables. */
export async function readsOver(
  world: DeliveryWorld,
  failures: readonly FailureCount[] = [],
): Promise<ReadDependencies> {
  return {
    store: world.store,
    clock: world.clock,
    config: appConfig({ targets: { crm: { mode: "live" } } }),
    flows: await flows,
    gates: world.gates(),
    budgets,
    countFailures: () => Promise.resolve(failures),
  };
}
