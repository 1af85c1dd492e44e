/*
 * Versions of deliveries that this process accepted and nobody has called yet, as far as it knows: in a long queue a
 * delivery's turn comes minutes after its row was written, and reading each row back is one request of the three that
 * it costs. A row before its first call follows from how it was accepted, so little is kept of it.
 *
 *   accepted here ──► kept ──written again, its time is over, or too many──► gone
 *
 * Another process may have written since. That is found by the condition of the next write, as with every remembered
 * row; whoever has a reason to think so (a message that comes again, a later hop) reads.
 */
import type { Clock } from "../platform/clock.ts";
import { RecentMap } from "../platform/recent-map.ts";
import { toLedgerRowKey } from "./ledger-keys.ts";
import { createDeliveryRow, isFirst } from "./ledger-rows.ts";
import type { DeliveryId, DeliveryRow } from "./ledger-rows.ts";

interface Kept extends Pick<DeliveryRow, "acceptedAt" | "traceparent"> {
  readonly etag: string;
}

/** By estimate a quarter of a kilobyte each. */
const mostDeliveries = 400_000;
const keepMs = 30 * 60_000;

export class FirstVersions {
  readonly #kept: RecentMap<Kept>;

  constructor(clock: Pick<Clock, "now">) {
    this.#kept = new RecentMap(clock, mostDeliveries, keepMs);
  }

  /** Keeps a row's version if nothing has become of it yet, and else forgets it. */
  note(row: DeliveryRow, etag: string): void {
    if (!isFirst(row)) {
      this.forget(row);
      return;
    }
    const { acceptedAt, traceparent } = row;
    // Copied: a part of a text keeps all of it, here the answer to a whole transaction.
    const copy = Buffer.from(etag, "latin1").toString("latin1");
    this.#kept.set(toLedgerRowKey(row.eventId, row.target), {
      acceptedAt,
      traceparent,
      etag: copy,
    });
  }

  recall(id: DeliveryId): { readonly row: DeliveryRow; readonly etag: string } | undefined {
    const known = this.#kept.get(toLedgerRowKey(id.eventId, id.target));
    if (known === undefined) return undefined;
    const { acceptedAt, etag, traceparent } = known;
    return { row: createDeliveryRow(id, { state: "pending", acceptedAt, traceparent }), etag };
  }

  forget({ eventId, target }: DeliveryId): void {
    this.#kept.delete(toLedgerRowKey(eventId, target));
  }
}
