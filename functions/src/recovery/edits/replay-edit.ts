import type { Ledger } from "../../delivery/ledger.ts";
import type { Clock } from "../../platform/clock.ts";
import { noCounts } from "../replay/replay-job.ts";
import type { ReplayJob } from "../replay/replay-job.ts";
import type { ReplayStore } from "../replay/replay-store.ts";
import type { StoredEdit } from "./edit-store.ts";

export interface ReplayEditDependencies {
  readonly ledger: Ledger;
  readonly replays: ReplayStore;
  readonly clock: Clock;
}

/**
 * Begins the one delivery anew with the edited event. Repeatable: the body lies beside the accepted event
 * before the replay is there, and the replay's id was chosen when the edit was approved.
 */
export async function replayEdit(
  on: ReplayEditDependencies,
  { edit, event }: StoredEdit,
  replayId: string,
  approver: { readonly name: string; readonly id: string },
): Promise<void> {
  const { target, failureId, eventId, time } = edit;
  await on.ledger.saveDeliveryBody({ eventId, time, target }, event);
  const perSecond = 1;
  const job: ReplayJob = {
    id: replayId,
    state: "planning",
    isFollowed: false,
    selection: { kind: "ids", ids: [{ target, failureId }] },
    // Reading F&O again would undo the edit.
    options: { asStored: true, perSecond, steps: [1], stopShare: 0 },
    reason: `edit ${edit.id} by ${edit.by}: ${edit.reason}`,
    by: approver.name,
    byId: approver.id,
    createdAt: on.clock.now(),
    endedAt: null,
    total: 0,
    planCursor: "",
    position: 0,
    ended: noCounts,
    steps: [],
    note: "",
    perSecondNow: perSecond,
  };
  await on.replays.create(job);
}
