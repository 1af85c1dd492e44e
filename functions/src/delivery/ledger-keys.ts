import { createHash } from "node:crypto";
import type { RowKeys } from "../platform/table-store.ts";
import { toSafeKey } from "../platform/safe-key.ts";
import type { DeliveryId } from "./ledger-rows.ts";

export interface LedgerKey extends RowKeys {
  readonly table: string;
}

/** The pseudo-target whose delivery is the event itself. */
export const intakeTarget = "intake";

const shards = 4;

/**
 * `ledger<yyyymm>`, partition = EventTime's minute and one of 4 shards, row = event or event|target.
 * A burst spreads over partitions, and a batch of messages still meets in a few transactions.
 */
export function toLedgerKey(id: DeliveryId): LedgerKey {
  const digits = id.time.replace(/\D/g, "");
  return {
    table: `ledger${toLedgerMonth(id.time)}`,
    partitionKey: `${digits.slice(0, 12)}-${shardOf(id.eventId)}`,
    rowKey: toLedgerRowKey(id.eventId, id.target),
  };
}

/** `yyyymm`: what is dropped together. */
export function toLedgerMonth(time: string): string {
  return time.replace(/\D/g, "").slice(0, 6);
}

export function toLedgerRowKey(eventId: string, target: string): string {
  return target === intakeTarget ? eventId : `${eventId}|${target}`;
}

function shardOf(eventId: string): number {
  const first = createHash("sha256").update(eventId).digest()[0] ?? 0;
  return first % shards;
}

/** Table and partitions of the ten minutes that `time` lies in. */
export function toLedgerBlock(time: string): {
  readonly table: string;
  readonly partitionKey: { readonly from: string; readonly below: string };
} {
  const digits = time.replace(/\D/g, "");
  const from = digits.slice(0, 11);
  return { table: `ledger${digits.slice(0, 6)}`, partitionKey: { from, below: `${from}~` } };
}

/** No target's name begins with a dot. */
const replayBodySuffix = "|.replay";

/** What a replay sends to one target, beside the rows that it belongs to. */
export function toReplayBodyKey(id: DeliveryId): LedgerKey {
  const key = toLedgerKey(id);
  return { ...key, rowKey: `${key.rowKey}${replayBodySuffix}` };
}

export function isReplayBodyKey(rowKey: string): boolean {
  return rowKey.endsWith(replayBodySuffix);
}

/** Row keys of a delivery, its event and what a replay gave it, in this order and with few others between them. */
export function toDeliveryRange(id: DeliveryId): {
  readonly from: string;
  readonly below: string;
} {
  const { rowKey } = toLedgerKey(id);
  return { from: toLedgerRowKey(id.eventId, intakeTarget), below: `${rowKey}|~` };
}

export const openTable = "open";

/** Unsettled deliveries by target and hour of acceptance. */
export function toOpenKeys(row: DeliveryId & { readonly acceptedAt: number }): RowKeys {
  return { partitionKey: `${row.target}|${toHour(row.acceptedAt)}`, rowKey: row.eventId };
}

/** Partition keys of a target's open rows accepted before `now`'s hour is over. */
export function openPartitions(
  target: string,
  now: number,
): { readonly from: string; readonly below: string } {
  return { from: `${target}|`, below: `${target}|${toHour(now + 3_600_000)}` };
}

function toHour(instant: number): string {
  return new Date(instant).toISOString().slice(0, 13).replace(/\D/g, "");
}

export interface JourneySubject {
  readonly eventId: string;
  readonly time: string;
  readonly legalEntity: string;
  readonly number: string;
  readonly customerAccount: string;
}

/** `journeys<yyyymm>` of an instant in ISO 8601. */
export function toJourneysTable(time: string): string {
  return `journeys${toLedgerMonth(time)}`;
}

/** Three rows per event: by document number, by customer (there in time order), by event id. */
export function toJourneyKeys(subject: JourneySubject): readonly LedgerKey[] {
  const table = toJourneysTable(subject.time);
  const partitionKey = toSafeKey(subject.legalEntity);
  const number = toSafeKey(subject.number);
  const customer = toSafeKey(subject.customerAccount);
  return [
    { table, partitionKey, rowKey: `n|${number}|${subject.eventId}` },
    { table, partitionKey, rowKey: `c|${customer}|${subject.time}|${subject.eventId}` },
    { table, partitionKey, rowKey: `e|${subject.eventId}` },
  ];
}
