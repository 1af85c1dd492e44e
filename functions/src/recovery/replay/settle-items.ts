import { intakeTarget } from "../../delivery/ledger-keys.ts";
import { isTerminal } from "../../delivery/ledger-rows.ts";
import type { DeliveryRow } from "../../delivery/ledger-rows.ts";
import { maskAddresses } from "../../platform/mask-addresses.ts";
import type { FailureStatus } from "../failure.ts";
import { readSentChanges } from "./read-changes.ts";
import type { ReplayItem, ReplayJob } from "./replay-job.ts";
import type { BeginDependencies, Results, Work } from "./replay-work.ts";

/** Takes out what needs no sending: settled meanwhile, or impossible here. */
export async function settleEarly(
  on: BeginDependencies,
  job: ReplayJob,
  works: readonly Work[],
  results: Results,
): Promise<readonly Work[]> {
  const left: Work[] = [];
  const endings: Ending[] = [];
  for (const work of works) {
    const end = toEarlyEnd(on, work);
    if (end === undefined) left.push(work);
    else endings.push({ item: await toShown(on, job, work, end), end });
  }
  await settleAll(on, endings, results);
  return left;
}

/** Delivered by ourselves, perhaps, before a crash: with what it carried. */
async function toShown(
  on: BeginDependencies,
  job: ReplayJob,
  { id, item, stored }: Work,
  end: End,
): Promise<ReplayItem> {
  if (end.state !== "delivered" || id === null) return item;
  return { ...item, changes: await readSentChanges(on.ledger, job, id, stored) };
}

export interface Ending {
  readonly item: ReplayItem;
  readonly end: End;
}

interface End {
  readonly state: ReplayItem["state"];
  readonly outcome: string;
  readonly failure: FailureStatus;
  readonly replacedBy?: string;
}

function toEarlyEnd(on: BeginDependencies, { item, version }: Work): End | undefined {
  if (item.target !== intakeTarget && !on.targets.has(item.target)) {
    const outcome = `there is no target ${item.target} here`;
    return { state: "refused", outcome, failure: "open" };
  }
  if (version === undefined || !isTerminal(version.row)) return undefined;
  const { row } = version;
  const isAsFound = row.settledAt === (item.settledAt ?? row.settledAt);
  if (item.isRepair && row.state === "delivered" && isAsFound) return undefined;
  switch (row.state) {
    case "failed": {
      if (row.failureId === null || row.failureId === item.failureId) return undefined;
      const replacedBy = row.failureId;
      // Planned before it failed. Whoever decides about that failure must find the delivery as it says.
      if (item.failureId === "") {
        const outcome = `it has failed meanwhile: ${replacedBy}`;
        return { state: "skipped", outcome, failure: "open" };
      }
      return {
        state: "refused",
        outcome: "a later failure stands",
        failure: "replaced",
        replacedBy,
      };
    }
    case "skipped":
      // Asked for by a window: the rule may say something else by now.
      return item.failureId === "" ? undefined : toSettledEnd(row);
    default:
      return toSettledEnd(row);
  }
}

/** Of a delivery that is settled without having failed. */
export function toSettledEnd(row: DeliveryRow): End {
  const outcome = row.rule ?? row.reference ?? "";
  switch (row.state) {
    case "skipped":
      return { state: "skipped", outcome, failure: "resolved" };
    case "discarded":
      return { state: "skipped", outcome: "it is discarded by now", failure: "discarded" };
    default:
      return { state: "delivered", outcome, failure: "resolved" };
  }
}

/** The failures first: an item that is not written is looked at again and finds them so. */
export async function settleAll(
  on: Pick<BeginDependencies, "failures">,
  endings: readonly Ending[],
  results: Results,
): Promise<void> {
  await on.failures.move(
    endings.flatMap(({ item, end: { outcome, failure: to, replacedBy = "" } }) => {
      if (item.failure === null) return [];
      const failure = { ...item.failure, status: "replaying" as const };
      // The failure outlives its body, and a reason may quote an address.
      return [{ failure, to, also: { outcome: maskAddresses(outcome), replacedBy } }];
    }),
  );
  for (const { item, end } of endings) {
    results.set(item.number, { ...item, state: end.state, outcome: end.outcome });
  }
}
