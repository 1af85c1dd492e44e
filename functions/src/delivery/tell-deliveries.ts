import type { Telemetry } from "../platform/telemetry.ts";
import { lagClasses } from "../platform/telemetry-catalogue.ts";
import { intakeTarget } from "./ledger-keys.ts";
import type { DeliveryRow } from "./ledger-rows.ts";

/** One row that was written: one event, and the metric of what became of it. */
export function tellDelivery(telemetry: Telemetry, row: DeliveryRow, flow: string): void {
  const { eventId, target, state, hop, attempts } = row;
  const why = row.code ?? row.rule ?? "";
  const isDuplicate = state === "delivered" && row.rule?.startsWith("DUPLICATE_OF ") === true;
  const lagMs = isDuplicate ? null : lagOf(row);
  telemetry.event(
    "delivery",
    { eventId, flow, target, state, hop, attempts, why },
    lagMs === null ? {} : { lagMs },
  );
  if (isDuplicate) {
    tellDuplicate(telemetry, { eventId, target }, flow);
    return;
  }
  count(telemetry, row, flow);
  if (lagMs !== null && target !== intakeTarget) {
    telemetry.metric("causeway.lag", 1, { flow, target, upTo: toLagClass(lagMs) });
  }
}

/** An event or document that came again and made nothing. */
export function tellDuplicate(
  telemetry: Telemetry,
  id: { readonly eventId: string; readonly target: string },
  flow: string,
): void {
  const { eventId, target } = id;
  telemetry.event("duplicate", { eventId, flow, target });
  telemetry.metric("causeway.duplicates", 1, { flow, target });
}

function count(telemetry: Telemetry, row: DeliveryRow, flow: string): void {
  const { target } = row;
  switch (row.state) {
    case "delivered":
    case "superseded":
      telemetry.metric("causeway.delivered", 1, { flow, target });
      break;
    case "skipped":
      telemetry.metric("causeway.skipped", 1, { flow, target, code: row.rule ?? "" });
      break;
    case "failed":
      telemetry.metric("causeway.failed", 1, { flow, target, code: row.code ?? "" });
      break;
    case "received":
    case "accepted":
    case "pending":
      // Without an answer so far: an outage, a budget or the batch's time put it off.
      telemetry.metric("causeway.retried", 1, { flow, target, code: row.code ?? "none" });
      break;
    // Intake counts when it accepts; a decision by a person is told by whoever records it.
    case "published":
    case "discarded":
  }
}

/** EventTime to effect; null without one, or with a time that is none. */
function lagOf(row: DeliveryRow): number | null {
  const hasEffect =
    row.state === "delivered" || row.state === "superseded" || row.state === "published";
  const lagMs = (row.settledAt ?? NaN) - Date.parse(row.time);
  // Clocks differ: an effect before its event is one at once.
  return hasEffect && Number.isFinite(lagMs) ? Math.max(lagMs, 0) : null;
}

function toLagClass(lagMs: number): string {
  const upTo = lagClasses.find((limit) => lagMs <= limit * 1_000);
  return upTo === undefined ? "inf" : String(upTo);
}
