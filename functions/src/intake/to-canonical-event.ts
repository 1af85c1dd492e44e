import type { CanonicalEvent } from "../../../schemas/types/canonical-event.ts";
import type { CanonicalInvoice } from "../../../schemas/types/canonical-invoice.ts";
import { toEffectKey } from "../platform/effect-key.ts";
import type { InvoiceEvent } from "./parse-business-event.ts";

const type = "dynamics365.finance.invoice.posted.v1";

/** The CloudEvent that all targets get. Same event and document, same CloudEvent: intake may run again. */
export function toCanonicalEvent(
  event: InvoiceEvent,
  invoice: CanonicalInvoice,
  context: { readonly flow: string; readonly defaultDoor: string; readonly traceparent: string },
): CanonicalEvent {
  const { legalEntity, number, date, voucher } = invoice;
  const door = encodeURIComponent(event.door ?? context.defaultDoor);
  return {
    specversion: "1.0",
    id: event.eventId,
    type,
    source: `/dynamics365/finance/${door}/${encodeURIComponent(legalEntity)}`,
    subject: `${legalEntity}/${number}`,
    time: event.time,
    datacontenttype: "application/json",
    businesseventid: event.businessEventId,
    flow: context.flow,
    effectkey: toEffectKey({ type, legalEntity, number, date, voucher }),
    controlnumber: event.controlNumber,
    traceparent: context.traceparent,
    data: invoice,
  };
}
