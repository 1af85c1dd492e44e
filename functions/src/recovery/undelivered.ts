/*
 * An event that Event Grid or Service Bus gave up before intake saw it has no ledger row. Its failure has an id of
 * its own, none of those that the ledger gives (toFailureId): the event may arrive after all (F&O's resend, the other
 * door, a replay) and fail at intake. That is another failure, with intake's code, owner and group, and it replaces
 * this one. Under one id a decision about the first would hide the second.
 */
import { inParallel } from "../delivery/batch-writes.ts";
import { intakeTarget } from "../delivery/ledger-keys.ts";
import type { DeliveryId } from "../delivery/ledger-rows.ts";
import { toStableId } from "../platform/effect-key.ts";
import type { FailureStore } from "./failure-store.ts";
import type { Failure, StoredFailure } from "./failure.ts";

const parallelReads = 16;

export function toUndeliveredId({
  eventId,
  target,
}: Pick<DeliveryId, "eventId" | "target">): string {
  return toStableId("undelivered", eventId, target);
}

/** The undelivered one that each failure of intake stands for from now on, by that failure's id. */
export async function findUndelivered(
  store: FailureStore,
  failures: readonly Failure[],
): Promise<ReadonlyMap<string, StoredFailure>> {
  const found = new Map<string, StoredFailure>();
  // Targets get events out of the ledger only, and a replay's failure replaces the one before it.
  const first = failures.filter(
    ({ eventId, generation, stage, target }) =>
      stage === "intake" && target === intakeTarget && generation === 0 && eventId !== "",
  );
  await inParallel(first, parallelReads, async (failure) => {
    const undelivered = await store.get(failure.target, toUndeliveredId(failure));
    if (undelivered !== undefined) found.set(failure.failureId, undelivered);
  });
  return found;
}

/** After the later ones are stored. One that a replay has is closed by it, and a discarded one stays so. */
export async function closeUndelivered(
  store: FailureStore,
  found: ReadonlyMap<string, StoredFailure>,
): Promise<void> {
  const open = [...found].filter(([, { status }]) => status === "open");
  await store.move(
    open.map(([replacedBy, failure]) => ({
      failure,
      to: "replaced",
      also: { replacedBy, outcome: "intake saw the event after all" },
    })),
  );
}
