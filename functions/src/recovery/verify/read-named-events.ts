import type { Ledger } from "../../delivery/ledger.ts";
import type { ParsedEvent } from "../../intake/parse-business-event.ts";
import { CausewayError } from "../../platform/causeway-error.ts";
import type { LedgerDelivery } from "./verification.ts";

export interface NamedEventsDependencies {
  readonly ledger: Pick<Ledger, "loadRaw">;
  readonly parse: (body: unknown) => ParsedEvent;
}

/** How a business event names its document: F&O's voucher and time of posting are not in it. */
export function toDocumentName(document: {
  readonly legalEntity: string;
  readonly number: string;
}): string {
  return `${document.legalEntity}/${document.number}`;
}

/**
 * Events of the ledger that intake has not read in F&O, by the document that the business event itself names. One
 * whose body's retention is over names none.
 */
export async function readNamedEvents(
  on: NamedEventsDependencies,
  events: readonly LedgerDelivery[],
): Promise<ReadonlyMap<string, readonly LedgerDelivery[]>> {
  const named = new Map<string, readonly LedgerDelivery[]>();
  for (const event of events) {
    const name = await readName(on, event);
    if (name !== undefined) named.set(name, [...(named.get(name) ?? []), event]);
  }
  return named;
}

async function readName(
  { ledger, parse }: NamedEventsDependencies,
  { eventId, time }: LedgerDelivery,
): Promise<string | undefined> {
  try {
    const parsed = parse(JSON.parse(await ledger.loadRaw(eventId, time)) as unknown);
    return parsed.kind === "invoice" ? toDocumentName(parsed.event) : undefined;
  } catch (error) {
    if (error instanceof CausewayError && error.code === "BODY_RETENTION_OVER") return undefined;
    throw error;
  }
}
