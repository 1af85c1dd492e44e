import { unwrapBusinessEvent } from "./unwrap-business-event.ts";

/** What names an event and its document. Whatever F&O adds to an event stays out until it is named here. */
const kept = [
  "EventId",
  "BusinessEventId",
  "ControlNumber",
  "EventTime",
  "EventTimeIso8601",
  "BusinessEventLegalEntity",
  "LegalEntity",
  "InvoiceId",
  "InvoiceAccount",
  "InvoiceDate",
  "InvoiceDueDate",
  "SalesOrderId",
] as const;

/**
 * A business event without anything about a person: enough to be parsed again and to ask F&O for its
 * document. Undefined for what is no business event, of which nothing can be kept.
 */
export function toBareEvent(raw: unknown): unknown {
  const { event, door } = unwrapBusinessEvent(raw);
  if (event === undefined) return undefined;
  const bare: Record<string, string | number> = {};
  for (const name of kept) {
    const value = event[name];
    if (typeof value === "string" || typeof value === "number") bare[name] = value;
  }
  return door === null ? bare : { door, body: bare };
}
