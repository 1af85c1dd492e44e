/*
 * Every failure from everywhere, kept until a person decides: one row in `failures`, partition = target,
 * row = failure id. The id derives from event, target and generation, so telling it twice writes it once.
 * A row that is there is never written over: it may carry a decision by now.
 */
import { writeAll } from "../delivery/batch-writes.ts";
import { packBody, unpackBody } from "../delivery/ledger-columns.ts";
import { toStableId } from "../platform/effect-key.ts";
import type { ColumnValue, StoredRow, TableStore } from "../platform/table-store.ts";
import { meaningOf } from "./failure-codes.ts";
import type { FailureMeaning, FailureOwner } from "./failure-codes.ts";

export interface Failure {
  readonly failureId: string;
  readonly code: string;
  readonly reason: string;
  readonly stage: "intake" | "delivery" | "transport";
  readonly target: string;
  readonly attempts: number;
  /** Epoch ms of the first and the last call that failed. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** Empty when the message names no event. */
  readonly eventId: string;
  readonly time: string;
  readonly traceId: string;
  readonly legalEntity: string;
  /** What people call it: the document's number, or the best that is known. */
  readonly businessKey: string;
  readonly effectKey: string;
  readonly generation: number;
  readonly missing: readonly string[];
  /** The message's body and properties as they were found. */
  readonly body: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

interface StoredFailure extends Failure {
  readonly group: string;
  readonly owner: FailureOwner;
  readonly fixIn: FailureMeaning["fixIn"];
  readonly status: string;
}

export interface FailureStore {
  /** How many of them were new. */
  record(failures: readonly Failure[]): Promise<number>;
  get(target: string, failureId: string): Promise<StoredFailure | undefined>;
}

export const failuresTable = "failures";
const maxProperties = 30_000;

export function createFailureStore(store: TableStore): FailureStore {
  return {
    record: async (failures) => {
      const results = await writeAll(
        store,
        failures.map((failure) => ({
          table: failuresTable,
          write: {
            kind: "insert" as const,
            row: {
              partitionKey: failure.target,
              rowKey: failure.failureId,
              columns: toColumns(failure),
            },
          },
        })),
      );
      return results.filter((result) => result.kind === "written").length;
    },
    get: async (target, failureId) => {
      const stored = await store.get(failuresTable, { partitionKey: target, rowKey: failureId });
      return stored === undefined ? undefined : toFailure(stored);
    },
  };
}

/** One cause, one group: what differs from document to document is taken out of the reason. */
export function toGroup(code: string, target: string, reason: string): string {
  return toStableId("group", code, target, normalise(reason));
}

function normalise(reason: string): string {
  return (
    reason
      .toLowerCase()
      .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<id>")
      .replace(/(["'])(?:(?!\1).){1,200}\1/g, "<text>")
      // Keys of missing records: account/usmf/us-001.
      .replace(/[^\s,;]+\/[^\s,;]+/g, "<key>")
      .replace(/<key>(?:, <key>)+/g, "<key>")
      .replace(/\b[\w.-]*\d[\w.-]*\b/g, "<value>")
      .slice(0, 300)
  );
}

function toColumns(failure: Failure): Record<string, ColumnValue> {
  const { owner, fixIn } = meaningOf(failure.code);
  const properties = JSON.stringify(failure.properties);
  return {
    status: "open",
    code: failure.code,
    reason: failure.reason.slice(0, 1_024),
    stage: failure.stage,
    owner,
    fixIn,
    group: toGroup(failure.code, failure.target, failure.reason),
    attempts: failure.attempts,
    generation: failure.generation,
    firstAt: new Date(failure.firstAt).toISOString(),
    lastAt: new Date(failure.lastAt).toISOString(),
    eventId: failure.eventId,
    time: failure.time,
    traceId: failure.traceId,
    legalEntity: failure.legalEntity,
    businessKey: failure.businessKey,
    effectKey: failure.effectKey,
    missing: JSON.stringify(failure.missing),
    properties: properties.length <= maxProperties ? properties : "{}",
    ...packBody("body", failure.body),
  };
}

function toFailure(stored: StoredRow): StoredFailure {
  const { columns } = stored;
  const text = (name: string): string => {
    const value = columns[name];
    return typeof value === "string" ? value : "";
  };
  return {
    failureId: stored.rowKey,
    target: stored.partitionKey,
    status: text("status"),
    code: text("code"),
    reason: text("reason"),
    stage: text("stage") as Failure["stage"],
    owner: text("owner") as FailureOwner,
    fixIn: text("fixIn") as FailureMeaning["fixIn"],
    group: text("group"),
    attempts: Number(columns["attempts"] ?? 0),
    generation: Number(columns["generation"] ?? 0),
    firstAt: Date.parse(text("firstAt")),
    lastAt: Date.parse(text("lastAt")),
    eventId: text("eventId"),
    time: text("time"),
    traceId: text("traceId"),
    legalEntity: text("legalEntity"),
    businessKey: text("businessKey"),
    effectKey: text("effectKey"),
    missing: JSON.parse(text("missing")) as readonly string[],
    properties: JSON.parse(text("properties")) as Readonly<Record<string, unknown>>,
    body: unpackBody("body", columns) ?? "",
  };
}
