import { createDeliveryRow } from "./ledger-rows.ts";
import type { DeliveryRow } from "./ledger-rows.ts";
import type { Decision } from "./policy.ts";

/**
 * A failed delivery begins anew under the next generation; `commit` writes the row and sends its wake-up.
 * The caller adds the `open` row first. Nothing of the failed series stays but the event itself: whether
 * an effect that must not repeat may have been made is in its claim, with the operation and the memo to ask
 * about, so a replay needs no case for each kind of failure (docs/decisions/0002).
 */
export function onReplay(row: DeliveryRow, now: number): Decision {
  if (row.state !== "failed") throw new RangeError(`a ${row.state} delivery cannot be replayed`);
  const state = row.target === "intake" ? "received" : "pending";
  const { acceptedAt, traceparent } = row;
  const fresh = createDeliveryRow(row, { state, acceptedAt, traceparent, hop: row.hop + 1 });
  return {
    row: {
      ...fresh,
      trail: row.trail,
      lastCall: row.lastCall,
      generation: row.generation + 1,
      dueAt: now,
    },
    then: "later",
    gate: null,
  };
}
