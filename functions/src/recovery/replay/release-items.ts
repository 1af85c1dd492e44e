import { inParallel } from "../../delivery/batch-writes.ts";
import { isTerminal } from "../../delivery/ledger-rows.ts";
import type { DeliveryRow } from "../../delivery/ledger-rows.ts";
import { maskAddresses } from "../../platform/mask-addresses.ts";
import type { ReplayItem, ReplayJob } from "./replay-job.ts";
import { parallel, toDeliveryId } from "./replay-work.ts";
import type { BeginDependencies } from "./replay-work.ts";
import { toSettledEnd } from "./settle-items.ts";

/**
 * Failures that were taken and not sent are open again, unless the delivery was settled otherwise meanwhile (a person
 * discarded it). Gives those that turn out to be under way: they are `sent` and must be followed.
 */
export async function releaseItems(
  on: Pick<BeginDependencies, "failures" | "ledger">,
  job: ReplayJob,
  items: readonly ReplayItem[],
): Promise<readonly ReplayItem[]> {
  const begun: ReplayItem[] = [];
  await inParallel(items, parallel, async (item) => {
    if (item.failure === null) return;
    const failure = await on.failures.get(item.target, item.failureId);
    if (failure?.status !== "replaying" || failure.replayId !== job.id) return;
    const id = toDeliveryId(item);
    const [version] = id === null ? [] : await on.ledger.load([id], { fresh: true });
    if (version !== undefined && version.row.failureId !== item.failureId) {
      begun.push({ ...item, state: "sent", generation: version.row.generation });
      return;
    }
    const end = version === undefined ? null : toOtherEnd(version.row);
    const { failure: to, outcome } = end ?? { failure: "open", outcome: "the replay ended before" };
    await on.failures.move([{ failure, to, also: { outcome: maskAddresses(outcome) } }]);
  });
  return begun;
}

function toOtherEnd(row: DeliveryRow): ReturnType<typeof toSettledEnd> | null {
  return isTerminal(row) && row.state !== "failed" ? toSettledEnd(row) : null;
}
