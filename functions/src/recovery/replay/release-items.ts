import { inParallel } from "../../delivery/batch-writes.ts";
import type { ReplayItem, ReplayJob } from "./replay-job.ts";
import { parallel, toDeliveryId } from "./replay-work.ts";
import type { BeginDependencies } from "./replay-work.ts";

/**
 * Failures that were taken and not sent are open again. Gives those that turn out to be under way: they are
 * `sent` and must be followed.
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
    await on.failures.move([{ failure, to: "open", also: { outcome: "the replay ended before" } }]);
  });
  return begun;
}
