import { inParallel } from "../../delivery/batch-writes.ts";
import { isMade, isTerminal } from "../../delivery/ledger-rows.ts";
import type { DeliveryRow } from "../../delivery/ledger-rows.ts";
import { maskAddresses } from "../../platform/mask-addresses.ts";
import { readSentChanges } from "./read-changes.ts";
import type { StoredFailure } from "../failure.ts";
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
    const failure = await findTaken(on, job, item);
    if (failure === undefined) return;
    const id = toDeliveryId(item);
    const [version] = id === null ? [] : await on.ledger.load([id], { fresh: true });
    if (version !== undefined && isBegun(item, version.row)) {
      const stored = await on.ledger.loadStored(version.row);
      const changes = await readSentChanges(on.ledger, job, version.row, stored);
      begun.push({ ...item, state: "sent", generation: version.row.generation, changes });
      return;
    }
    if (failure === null) return;
    const end = version === undefined ? null : toOtherEnd(version.row);
    const { failure: to, outcome } = end ?? { failure: "open", outcome: "the replay ended before" };
    await on.failures.move([{ failure, to, also: { outcome: maskAddresses(outcome) } }]);
  });
  return begun;
}

/** Undefined: the failure is not ours; null: there is none. */
async function findTaken(
  { failures }: Pick<BeginDependencies, "failures">,
  job: ReplayJob,
  item: ReplayItem,
): Promise<StoredFailure | null | undefined> {
  if (item.failure === null) return null;
  const failure = await failures.get(item.target, item.failureId);
  const isOurs = failure?.status === "replaying" && failure.replayId === job.id;
  return isOurs ? failure : undefined;
}

/** Without a failure nobody can tell who began it: it is followed all the same. */
function isBegun(item: ReplayItem, row: DeliveryRow): boolean {
  if (item.failure !== null) return row.failureId !== item.failureId;
  const isAsFound = item.isRepair && row.settledAt === item.settledAt;
  return !isTerminal(row) || (isMade(row) && !isAsFound);
}

function toOtherEnd(row: DeliveryRow): ReturnType<typeof toSettledEnd> | null {
  return isTerminal(row) && row.state !== "failed" ? toSettledEnd(row) : null;
}
