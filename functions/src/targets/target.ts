/**
 * What a target may answer for one delivery. Policy (retries, gates, dead letters) is not a target's
 * business: it says what happened, `delivery/` decides what follows.
 *
 * `asked: false`: the target was not called for this (a rule, a mapping, a fault of ours), so it proves
 * nothing about whether the target can be reached.
 */
export type Outcome =
  | { readonly kind: "delivered"; readonly reference: string; readonly url?: string }
  /** Only in flows marked `versioned`: a newer version is already there. */
  | { readonly kind: "superseded"; readonly reference: string }
  /** `wouldSend`: what a dry run would have written, kept in the ledger. */
  | {
      readonly kind: "skipped";
      readonly rule: string;
      readonly wouldSend?: unknown;
      readonly asked?: false;
    }
  /** A master record is not there yet; `missing` are its keys, e.g. "account/usmf/US-001". */
  | {
      readonly kind: "wait";
      readonly code: string;
      readonly missing: readonly string[];
      readonly asked?: false;
    }
  /**
   * `afterMs`: the target's own Retry-After; it closes the gate for everybody. `unreachable`: counts as
   * outage, not as an attempt. `silent`: the call arrived and got no answer; several in a row are an outage.
   */
  | {
      readonly kind: "retry";
      readonly code: string;
      readonly reason: string;
      readonly afterMs?: number;
      readonly unreachable?: boolean;
      readonly silent?: boolean;
      readonly asked?: false;
    }
  /** It may have happened. `confirm` decides after `checkAfterMs`; never a blind second send. */
  | {
      readonly kind: "unsure";
      readonly code: string;
      /** What people read; that it may have happened when left out. */
      readonly reason?: string;
      readonly checkAfterMs?: number;
      readonly memo?: string;
      readonly silent?: boolean;
      readonly asked?: false;
    }
  | {
      readonly kind: "reject";
      readonly code: string;
      readonly reason: string;
      readonly asked?: false;
    };

/** One event for one target, as the delivery engine hands it over. */
export interface DeliveryRequest<Body> {
  readonly eventId: string;
  readonly target: string;
  /** Tries so far against a reachable target, this one not counted. */
  readonly attempts: number;
  /** Code of the last answer that was no success. */
  readonly lastCode?: string | null;
  readonly hop: number;
  /**
   * Rises only on a replay after a confirmed failure; part of the mail's operation id. For an effect that
   * must not repeat it is that of the document's claim, whichever event or replay asks.
   */
  readonly generation: number;
  /** What an earlier `unsure` left for `confirm` (e.g. an operation id). */
  readonly memo: string | null;
  /** When the event was accepted, epoch ms. */
  readonly acceptedAt: number;
  readonly traceparent: string;
  readonly body: Body;
}

export interface Target<Body> {
  readonly name: string;
  /** One outcome per request, in the order given. Never throws for a row. Stops early when `signal` aborts: the rest comes back as null. */
  deliver(
    requests: readonly DeliveryRequest<Body>[],
    signal: AbortSignal,
  ): Promise<readonly (Outcome | null)[]>;
  /** For a request whose last outcome was `unsure`: found → delivered, surely absent → retry, else unsure again. */
  confirm?(request: DeliveryRequest<Body>, signal: AbortSignal): Promise<Outcome>;
}
