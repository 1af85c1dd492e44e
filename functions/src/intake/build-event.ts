import type { CanonicalEvent } from "../../../schemas/types/canonical-event.ts";
import type { CanonicalInvoice } from "../../../schemas/types/canonical-invoice.ts";
import type { SchemaSet } from "../flows/schema-set.ts";
import type { InvoiceSource } from "./enrich-invoices.ts";
import type { InvoiceEvent } from "./parse-business-event.ts";
import { toCanonicalEvent } from "./to-canonical-event.ts";
import { toCanonicalInvoice } from "./to-canonical-invoice.ts";

export type BuiltEvent =
  | { readonly kind: "built"; readonly event: CanonicalEvent; readonly invoice: CanonicalInvoice }
  | { readonly kind: "invalid"; readonly reason: string };

/** What F&O said of a document, as the event that targets get. */
export function buildEvent(
  event: InvoiceEvent,
  source: InvoiceSource,
  context: {
    readonly flow: string;
    readonly defaultDoor: string;
    readonly traceparent: string;
    readonly schemas: SchemaSet;
  },
): BuiltEvent {
  try {
    const invoice = toCanonicalInvoice(event, source);
    const built = toCanonicalEvent(event, invoice, context);
    const [problem] = context.schemas.problems("canonical/event.v1", built);
    if (problem === undefined) return { kind: "built", event: built, invoice };
    const reason = `what F&O returned makes no valid event: ${problem.path} ${problem.message}`;
    return { kind: "invalid", reason };
  } catch (error) {
    // A value that no decimal or date can be made of: this event's fault alone.
    const reason = error instanceof Error ? error.message : "what F&O returned cannot be read";
    return { kind: "invalid", reason: reason.slice(0, 300) };
  }
}
