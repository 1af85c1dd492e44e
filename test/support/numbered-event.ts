import type { CanonicalEvent } from "../../schemas/types/canonical-event.ts";
import { toEffectKey } from "../../functions/src/platform/effect-key.ts";
import { toRootTraceparent } from "../../functions/src/platform/trace.ts";
import { canonicalEvent, canonicalInvoice } from "./canonical-invoice.ts";

/** An accepted event of usmf; `n` makes different events about different invoices. */
export function numberedEvent(n = 1, changes: Partial<CanonicalEvent> = {}): CanonicalEvent {
  const id = changes.id ?? `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
  const number = `CIV-${String(n).padStart(6, "0")}`;
  const invoice = canonicalInvoice({ number });
  const type = "dynamics365.finance.invoice.posted.v1";
  return {
    ...canonicalEvent(invoice),
    id,
    subject: `usmf/${number}`,
    time: "2026-11-24T11:59:30.000Z",
    effectkey: toEffectKey({ ...invoice, type }),
    traceparent: toRootTraceparent(id),
    ...changes,
  };
}
