import type { CanonicalEvent } from "../../../schemas/types/canonical-event.ts";

/** What intake decided for one event. Every target that the flow names is listed, skipped ones too. */
export interface AcceptItem {
  readonly event: CanonicalEvent;
  readonly targets: readonly AcceptTarget[];
  /** For finding journeys by customer. */
  readonly customerAccount: string;
}

export interface AcceptTarget {
  readonly name: string;
  readonly initial:
    { readonly state: "pending" } | { readonly state: "skipped"; readonly rule: string };
}

/**
 * `accepted`: written now. `known`: an earlier run had written it; its event and its decision about
 * targets stand. Either way: publish `event` to exactly `openTargets`. It is then the same message
 * however often intake is run again, because a used message id never gets another message.
 */
export interface AcceptResult {
  readonly eventId: string;
  readonly result: "accepted" | "known";
  /** As the ledger has it; for `known` not necessarily what was passed in. */
  readonly event: CanonicalEvent;
  /** Targets that were pending when the event was accepted. */
  readonly openTargets: readonly string[];
}

export interface IntakeLedger {
  /**
   * Makes the events' acceptance durable, one result per item in the order given: `open` rows first,
   * then event (`accepted`, with its body) and target rows in one transaction, then `journeys`.
   * Repeatable: called again for the same event after a crash it continues where it was.
   */
  accept(items: readonly AcceptItem[]): Promise<readonly AcceptResult[]>;
}

export interface Publisher {
  /** Sends the first wake-up of each event to its targets; returns once Service Bus has acknowledged. */
  publish(
    events: readonly { readonly event: CanonicalEvent; readonly targets: readonly string[] }[],
  ): Promise<void>;
}
