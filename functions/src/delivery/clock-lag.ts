/*
 * Wake-ups come by Service Bus's clock and are due by ours. Where ours is behind, they come before their
 * time, and those of the next few minutes come at once: every pause of ours would be gone, and with the gate
 * closed a delivery would run in circles. How far behind is seen from the messages themselves: one that was
 * to be enqueued at 12:05 proves, when it is here, that it is 12:05 there.
 *
 *   arrives early ──► not acted on: next hop, same due time, and the wake-up is asked for later by what is
 *                     known of the lag, and twice as much each time until it comes neither early nor at once
 *   arrives ────────► what it proves is the lag for all wake-ups of this process
 *
 * A lag that nothing has proved for a while is forgotten: the clock was set.
 */
import type { Clock } from "../platform/clock.ts";
import { askedFor } from "./ledger-rows.ts";
import type { DeliveryRow } from "./ledger-rows.ts";

/** So little says nothing: the clocks of a healthy system differ by milliseconds. */
export const toleratedLagMs = 2_000;
const forgetMs = 30 * 60_000;

export class ClockLag {
  readonly #clock: Clock;
  #lagMs = 0;
  #provedAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A wake-up is here; its own (the row's hop) and not an older one. */
  learn(row: DeliveryRow): void {
    // The first message is sent without a time, and its row was written by another clock.
    if (row.hop === 1) return;
    const now = this.#clock.now();
    const provedMs = askedFor(row) - now;
    const isForgotten = now - this.#provedAt > forgetMs;
    if (isForgotten) this.#lagMs = 0;
    if (provedMs <= toleratedLagMs || provedMs < this.#lagMs - toleratedLagMs) return;
    this.#lagMs = Math.max(this.#lagMs, provedMs);
    this.#provedAt = now;
  }

  /** When to ask for a wake-up that is due at `dueAt` by our clock; undefined: then. */
  askFor(dueAt: number): number | undefined {
    const isForgotten = this.#clock.now() - this.#provedAt > forgetMs;
    return this.#lagMs === 0 || isForgotten ? undefined : dueAt + this.#lagMs;
  }

  /** The same for one that came early. */
  askAgainFor(row: DeliveryRow): number {
    const provedMs = askedFor(row) - this.#clock.now();
    // What was not asked for later than due may have been waited for; then this is the whole lag.
    const isFirst = askedFor(row) === row.dueAt;
    return row.dueAt + Math.max(this.#lagMs, isFirst ? provedMs : 2 * provedMs);
  }
}
