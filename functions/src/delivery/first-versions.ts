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
import { createDeliveryRow, isFirst } from "./ledger-rows.ts";
import type { DeliveryId, DeliveryRow } from "./ledger-rows.ts";

interface Kept {
  readonly acceptedAt: number;
  readonly traceparent: string;
  readonly etags: Map<string, string>;
}

/** Some 350 bytes each. */
const mostEvents = 200_000;
const keptMs = 30 * 60_000;

export class FirstVersions {
  /** By event, oldest first. */
  readonly #kept = new Map<string, Kept>();

  /** Keeps a row's version if nothing has become of it yet, and else forgets it. */
  note(row: DeliveryRow, etag: string, now: number): void {
    if (!isFirst(row)) {
      this.forget(row);
      return;
    }
    const { acceptedAt, eventId, target, traceparent } = row;
    const known = this.#kept.get(eventId) ?? { acceptedAt, traceparent, etags: new Map() };
    // Copied: a part of a text keeps all of it, here the answer to a whole transaction.
    known.etags.set(target, Buffer.from(etag, "latin1").toString("latin1"));
    this.#kept.set(eventId, known);
    for (const [oldest, kept] of this.#kept) {
      if (this.#kept.size <= mostEvents && now - kept.acceptedAt <= keptMs) break;
      this.#kept.delete(oldest);
    }
  }

  recall(
    id: DeliveryId,
    now: number,
  ): { readonly row: DeliveryRow; readonly etag: string } | undefined {
    const known = this.#kept.get(id.eventId);
    const etag = known?.etags.get(id.target);
    if (known === undefined || etag === undefined) return undefined;
    const { acceptedAt, traceparent } = known;
    if (now - acceptedAt > keptMs) return undefined;
    return { row: createDeliveryRow(id, { state: "pending", acceptedAt, traceparent }), etag };
  }

  forget({ eventId, target }: DeliveryId): void {
    const known = this.#kept.get(eventId);
    if (known?.etags.delete(target) === true && known.etags.size === 0) this.#kept.delete(eventId);
  }
}
