import type { CanonicalEvent } from "../../../schemas/types/canonical-event.ts";
import { CausewayError } from "../platform/causeway-error.ts";
import type { BodyStore } from "../platform/body-store.ts";
import type { StoredRow, TableStore } from "../platform/table-store.ts";
import { isBodyTaken, readBody } from "./ledger-bodies.ts";
import type { BodyName } from "./ledger-bodies.ts";
import type { LedgerErrorCode } from "./ledger-columns.ts";
import { intakeTarget, toDeliveryRange, toLedgerKey, toReplayBodyKey } from "./ledger-keys.ts";
import type { DeliveryId } from "./ledger-rows.ts";

/** What a delivery hangs on, as it is stored. Undefined: there is no such row. */
export interface StoredDelivery {
  readonly event: StoredRow | undefined;
  readonly own: StoredRow | undefined;
  /** Holds what a replay gave it to carry in place of the accepted event. */
  readonly replayed: StoredRow | undefined;
}

/** Enough of an accepted event to read F&O for it again. */
export type EventRest = Pick<CanonicalEvent, "id" | "time" | "traceparent" | "flow" | "effectkey">;

/** For a message that names no event. */
export const nothingStored: StoredDelivery = {
  event: undefined,
  own: undefined,
  replayed: undefined,
};

/** The three are neighbours: one request reads them, where each for itself would be three. */
export async function readDelivery(store: TableStore, id: DeliveryId): Promise<StoredDelivery> {
  const { table, partitionKey, rowKey } = toLedgerKey(id);
  const wanted = [toLedgerKey({ ...id, target: intakeTarget }), { rowKey }, toReplayBodyKey(id)];
  const rows = new Map<string, StoredRow>();
  let continuation: string | undefined;
  do {
    const page = await store.query(table, {
      partitionKey,
      ...toDeliveryRange(id),
      ...(continuation === undefined ? {} : { continuation }),
    });
    for (const row of page.rows) rows.set(row.rowKey, row);
    continuation = page.continuation;
  } while (continuation !== undefined);
  const [event, own, replayed] = wanted.map((each) => rows.get(each.rowKey));
  return { event, own, replayed };
}

/** The text of an event's body. Throws BODY_RETENTION_OVER or BODY_MISSING where there is none. */
export async function requireBody(
  bodies: BodyStore,
  event: StoredRow | undefined,
  name: BodyName,
  eventId: string,
): Promise<string> {
  const body = event && (await readBody(bodies, name, event.columns));
  if (body !== undefined) return body;
  if (event !== undefined && isBodyTaken(event.columns)) {
    throw new CausewayError<LedgerErrorCode>(
      "BODY_RETENTION_OVER",
      "The retention of this event's body is over; F&O can still be read for it.",
      { fate: "permanent", ids: { eventId, name } },
    );
  }
  throw new CausewayError<LedgerErrorCode>(
    "BODY_MISSING",
    "The ledger has no body for this event: it was never accepted.",
    { fate: "permanent", ids: { eventId, name } },
  );
}

/** What is left of an event whose body's retention is over; undefined while it has one. */
export function restOf(
  { event }: Pick<StoredDelivery, "event">,
  { eventId, time }: Pick<DeliveryId, "eventId" | "time">,
): EventRest | undefined {
  if (event === undefined || !isBodyTaken(event.columns)) return undefined;
  const { effectKey, flow, traceparent } = event.columns;
  return {
    ...{ id: eventId, time, traceparent: String(traceparent) },
    ...{ effectkey: String(effectKey ?? ""), flow: String(flow ?? "") },
  };
}
