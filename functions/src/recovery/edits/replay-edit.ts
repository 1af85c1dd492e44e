import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import type { Ledger } from "../../delivery/ledger.ts";
import type { Clock } from "../../platform/clock.ts";
import { toNewReplay } from "../replay/replay-job.ts";
import type { ReplayStore } from "../replay/replay-store.ts";
import type { Edit } from "./edit.ts";

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
  { edit, event }: { readonly edit: Edit; readonly event: CanonicalEvent },
  replayId: string,
  approver: { readonly name: string; readonly id: string },
): Promise<void> {
  const { target, failureId, eventId, time } = edit;
  await on.ledger.saveDeliveryBody({ eventId, time, target }, event);
  const job = toNewReplay({
    id: replayId,
    selection: { kind: "ids", ids: [{ target, failureId }] },
    // Reading F&O again would undo the edit.
    options: { asStored: true, perSecond: 1, steps: [1], stopShare: 0 },
    reason: `edit ${edit.id} by ${edit.by}: ${edit.reason}`,
    by: approver.name,
    byId: approver.id,
    createdAt: on.clock.now(),
  });
  await on.replays.create(job);
}
