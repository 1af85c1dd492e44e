/*
 * A failure is one row, `f|<failureId>`, in the partition of its target, and beside it small rows for
 * finding it: by time, by group, by business key. They are written with it in one transaction, so that
 * they cannot disagree. The keys of the first two begin with the status: a change of status takes the old
 * ones away, and whoever finds them gone knows that somebody else was first.
 */
import { isBodyTaken, takenColumn } from "../delivery/ledger-bodies.ts";
import { packBody, unpackBody } from "../delivery/ledger-columns.ts";
import { toSafeKey } from "../platform/safe-key.ts";
import type { ColumnValue, Row, RowKeys, StoredRow, Write } from "../platform/table-store.ts";
import { meaningOf } from "./failure-codes.ts";
import type { FailureMeaning, FailureOwner } from "./failure-codes.ts";
import { toGroup } from "./failure-group.ts";
import type { Failure, FailureStatus, FailureSummary, StoredFailure } from "./failure.ts";

type Columns = Readonly<Record<string, ColumnValue>>;

const maxProperties = 30_000;
const maxReason = 1_024;
/** A waiting group can miss thousands of keys; a list shows some. */
const maxMissing = 50;

export function toFailureKeys(target: string, failureId: string): RowKeys {
  return { partitionKey: target, rowKey: `f|${failureId}` };
}

/** Newest first: keys are sorted upwards. */
export function toTimeRowKey(status: FailureStatus, lastAt: number, failureId = ""): string {
  return `t|${status}|${toNewestFirst(lastAt)}|${failureId}`;
}

export function toGroupRowKey(summary: {
  readonly status: FailureStatus;
  readonly group: string;
  readonly lastAt: number;
  readonly failureId: string;
}): string {
  const { status, group, lastAt, failureId } = summary;
  return `g|${status}|${group}|${toNewestFirst(lastAt)}|${failureId}`;
}

/** By the document's number, whatever company and spelling it was asked with. */
export function toKeyRowKey(legalEntity: string, businessKey: string, failureId = ""): string {
  const prefix = `${legalEntity.toLowerCase()}/`;
  const key = businessKey.toLowerCase();
  const number = legalEntity !== "" && key.startsWith(prefix) ? key.slice(prefix.length) : key;
  return `k|${toSafeKey(number)}|${failureId}`;
}

const farFuture = 9_999_999_999_999;

export function toNewestFirst(instant: number): string {
  return String(farFuture - Math.round(instant)).padStart(13, "0");
}

export function toSummary(
  failure: Failure,
  status: FailureStatus,
  statusAt: number,
): FailureSummary {
  const { owner, fixIn } = meaningOf(failure.code);
  const reason = failure.reason.slice(0, maxReason);
  return {
    ...failure,
    reason,
    missing: failure.missing.slice(0, maxMissing),
    owner,
    fixIn,
    group: toGroup(failure.code, failure.target, failure.reason),
    status,
    statusAt,
  };
}

/** Without what only the failure itself has: body, properties. */
export function summaryOf(failure: FailureSummary): FailureSummary {
  return fromSummaryRow({
    ...toFailureKeys(failure.target, failure.failureId),
    columns: toSummaryColumns(failure),
    etag: "",
  });
}

/** Everything that a new failure is: fails with EXISTS when it is there already. */
export function toRecordWrites(failure: Failure, now: number): readonly Write[] {
  const summary = toSummary(failure, "open", now);
  const properties = JSON.stringify(failure.properties);
  const main: Row = {
    ...toFailureKeys(failure.target, failure.failureId),
    columns: {
      ...toSummaryColumns(summary),
      missing: JSON.stringify(failure.missing),
      generation: failure.generation,
      replaces: failure.replaces,
      effectKey: failure.effectKey,
      properties: properties.length <= maxProperties ? properties : "{}",
      ...packBody("body", failure.body),
    },
  };
  const { partitionKey } = main;
  const key = toKeyRowKey(failure.legalEntity, failure.businessKey, failure.failureId);
  return [
    { kind: "insert", row: main },
    ...toIndexRows(summary).map((row): Write => ({ kind: "upsert", row })),
    {
      kind: "upsert",
      row: { partitionKey, rowKey: key, columns: { failureId: failure.failureId } },
    },
  ];
}

/** Fails with ABSENT when the failure is not in the status that `from` says. */
export function toMoveWrites(
  from: FailureSummary,
  to: FailureStatus,
  now: number,
  also: Readonly<Record<string, ColumnValue>>,
): readonly Write[] {
  const next = { ...from, status: to, statusAt: now };
  return [
    ...toIndexRows(from).map(({ partitionKey, rowKey }): Write => ({
      kind: "delete",
      keys: { partitionKey, rowKey },
    })),
    ...toIndexRows(next).map((row): Write => ({ kind: "upsert", row })),
    {
      kind: "merge",
      row: {
        ...toFailureKeys(from.target, from.failureId),
        columns: { ...also, status: to, statusAt: new Date(now).toISOString() },
      },
      // The rows that go away with it are the condition.
      etag: "*",
    },
  ];
}

function toIndexRows(summary: FailureSummary): readonly Row[] {
  const partitionKey = summary.target;
  const columns = toSummaryColumns(summary);
  return [
    toTimeRowKey(summary.status, summary.lastAt, summary.failureId),
    toGroupRowKey(summary),
  ].map((rowKey) => ({ partitionKey, rowKey, columns }));
}

function toSummaryColumns(summary: FailureSummary): Record<string, ColumnValue> {
  return {
    failureId: summary.failureId,
    status: summary.status,
    statusAt: new Date(summary.statusAt).toISOString(),
    code: summary.code,
    reason: summary.reason,
    stage: summary.stage,
    owner: summary.owner,
    fixIn: summary.fixIn,
    group: summary.group,
    attempts: summary.attempts,
    firstAt: new Date(summary.firstAt).toISOString(),
    lastAt: new Date(summary.lastAt).toISOString(),
    eventId: summary.eventId,
    time: summary.time,
    traceId: summary.traceId,
    flow: summary.flow,
    legalEntity: summary.legalEntity,
    businessKey: summary.businessKey,
    missing: JSON.stringify(summary.missing),
  };
}

export function fromSummaryRow({ partitionKey, columns }: StoredRow): FailureSummary {
  const text = (name: string): string => textOf(columns, name);
  return {
    failureId: text("failureId"),
    target: partitionKey,
    status: text("status") as FailureStatus,
    statusAt: Date.parse(text("statusAt")),
    code: text("code"),
    reason: text("reason"),
    stage: text("stage") as Failure["stage"],
    owner: text("owner") as FailureOwner,
    fixIn: text("fixIn") as FailureMeaning["fixIn"],
    group: text("group"),
    attempts: Number(columns["attempts"] ?? 0),
    firstAt: Date.parse(text("firstAt")),
    lastAt: Date.parse(text("lastAt")),
    eventId: text("eventId"),
    time: text("time"),
    traceId: text("traceId"),
    flow: text("flow"),
    legalEntity: text("legalEntity"),
    businessKey: text("businessKey"),
    missing: JSON.parse(text("missing") || "[]") as readonly string[],
  };
}

export function fromFailureRow(stored: StoredRow): StoredFailure {
  const { columns } = stored;
  return {
    ...fromSummaryRow(stored),
    effectKey: textOf(columns, "effectKey"),
    generation: Number(columns["generation"] ?? 0),
    replaces: textOf(columns, "replaces"),
    replacedBy: textOf(columns, "replacedBy"),
    replayId: textOf(columns, "replayId"),
    outcome: textOf(columns, "outcome"),
    properties: JSON.parse(textOf(columns, "properties") || "{}") as Readonly<
      Record<string, unknown>
    >,
    bodyTakenAt: isBodyTaken(columns) ? Date.parse(textOf(columns, takenColumn)) : null,
    body: unpackBody("body", columns) ?? "",
  };
}

function textOf(columns: Columns, name: string): string {
  const value = columns[name];
  return typeof value === "string" ? value : "";
}
