import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import { isWithoutBody } from "../../delivery/ledger-bodies.ts";
import { intakeTarget } from "../../delivery/ledger-keys.ts";
import type { DeliveryId } from "../../delivery/ledger-rows.ts";
import type { Ledger } from "../../delivery/ledger.ts";
import { allRead, diffEvents } from "./diff-events.ts";
import type { EventChange, ReplayJob } from "./replay-job.ts";

/** What is sent against what was accepted. */
export async function readChanges(
  ledger: Ledger,
  { eventId, time }: DeliveryId,
  sent: CanonicalEvent,
): Promise<readonly EventChange[]> {
  try {
    return diffEvents(await ledger.loadEvent(eventId, time), sent);
  } catch (error) {
    if (!isWithoutBody(error)) throw error;
    return allRead;
  }
}

/** The same for a delivery that is under way already: what it carries is in the ledger by then. */
export async function readSentChanges(
  ledger: Ledger,
  { options }: ReplayJob,
  id: DeliveryId,
): Promise<readonly EventChange[]> {
  if (options.asStored || id.target === intakeTarget) return [];
  try {
    return await readChanges(ledger, id, await ledger.loadDeliveryBody(id));
  } catch (error) {
    if (!isWithoutBody(error)) throw error;
    return [];
  }
}
