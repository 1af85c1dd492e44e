import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import { isWithoutBody } from "../../delivery/ledger-bodies.ts";
import { intakeTarget } from "../../delivery/ledger-keys.ts";
import type { DeliveryId } from "../../delivery/ledger-rows.ts";
import type { Ledger } from "../../delivery/ledger.ts";
import type { StoredDelivery } from "../../delivery/stored-delivery.ts";
import { allRead, diffEvents } from "./diff-events.ts";
import type { EventChange, ReplayJob } from "./replay-job.ts";

type Events = Pick<Ledger, "carriedBy" | "eventOf">;

/** What is sent against what was accepted. */
export async function readChanges(
  ledger: Events,
  stored: StoredDelivery,
  eventId: string,
  sent: CanonicalEvent,
): Promise<readonly EventChange[]> {
  try {
    return diffEvents(await ledger.eventOf(stored, eventId), sent);
  } catch (error) {
    if (!isWithoutBody(error)) throw error;
    return allRead;
  }
}

/** The same for a delivery that is under way already: what it carries is in the ledger by then. */
export async function readSentChanges(
  ledger: Events,
  { options }: ReplayJob,
  { eventId, target }: DeliveryId,
  stored: StoredDelivery,
): Promise<readonly EventChange[]> {
  if (options.asStored || target === intakeTarget) return [];
  try {
    const sent = await ledger.carriedBy(stored, eventId);
    return await readChanges(ledger, stored, eventId, sent);
  } catch (error) {
    if (!isWithoutBody(error)) throw error;
    return [];
  }
}
