import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import type { Lane } from "../../delivery/lane.ts";
import { isTerminal } from "../../delivery/ledger-rows.ts";
import type { DeliveryId } from "../../delivery/ledger-rows.ts";
import type { Ledger, Versioned } from "../../delivery/ledger.ts";
import type { StoredDelivery } from "../../delivery/stored-delivery.ts";
import type { ParsedEvent } from "../../intake/parse-business-event.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Sender } from "../../platform/messages.ts";
import type { Telemetry } from "../../platform/telemetry.ts";
import type { FailureStore } from "../failure-store.ts";
import type { RebuildDependencies } from "./rebuild-events.ts";
import type { ReplayItem } from "./replay-job.ts";

export interface BeginDependencies extends RebuildDependencies {
  readonly failures: FailureStore;
  readonly ledger: Ledger;
  readonly sender: Sender;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly intake: Lane<unknown>;
  readonly targets: ReadonlyMap<string, Lane<CanonicalEvent>>;
  readonly parse: (body: unknown) => ParsedEvent;
}

/** One item on its way. */
export interface Work {
  readonly item: ReplayItem;
  /** Null for a failure whose message names no event. */
  readonly id: DeliveryId | null;
  readonly version: Versioned | undefined;
  /** What was read with it, its bodies among it. */
  readonly stored: StoredDelivery;
}

/** What became of the items of one chunk; an item that is not in it is tried again. */
export type Results = Map<number, ReplayItem>;

/** Rows and failures of one chunk that are read or written at once. */
export const parallel = 16;

export function toDeliveryId({ eventId, time, target }: ReplayItem): DeliveryId | null {
  return eventId === "" || time === "" ? null : { eventId, time, target };
}

/** True for a row that has to be begun anew; else it is under way by ourselves already. */
export function mustBegin(version: Versioned | undefined): boolean {
  return version === undefined || isTerminal(version.row);
}
