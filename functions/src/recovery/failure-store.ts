/*
 * Every failure from everywhere, kept until a person decides (rows: failure-rows.ts). The id derives from
 * event, target and replay, so telling it twice writes it once. A failure that is there is never written
 * over: it may carry a decision by now.
 */
import { randomUUID } from "node:crypto";
import type { ColumnValue, TableStore } from "../platform/table-store.ts";
import type { Clock } from "../platform/clock.ts";
import {
  fromFailureRow,
  toFailureKeys,
  toMoveWrites,
  toNewestFirst,
  toRecordWrites,
} from "./failure-rows.ts";
import type {
  Failure,
  FailureNote,
  FailureStatus,
  FailureSummary,
  StoredFailure,
} from "./failure.ts";
import { writeUnits } from "./write-units.ts";

export interface FailureMove {
  readonly failure: FailureSummary;
  readonly to: FailureStatus;
  readonly also?: Readonly<Record<string, ColumnValue>>;
}

export interface FailureStore {
  readonly store: TableStore;
  /** How many of them were new. */
  record(failures: readonly Failure[]): Promise<number>;
  get(target: string, failureId: string): Promise<StoredFailure | undefined>;
  /** False for a failure that is not in the status any more that it was given with. */
  move(moves: readonly FailureMove[]): Promise<readonly boolean[]>;
  /** Targets that ever had a failure: a flow may have lost one since. */
  targets(): Promise<readonly string[]>;
  addNote(target: string, failureId: string, note: FailureNote): Promise<void>;
  notes(target: string, failureId: string): Promise<readonly FailureNote[]>;
}

export const failuresTable = "failures";
/** No target's name: it begins with a dot. */
const targetsPartition = ".targets";

export function createFailureStore(store: TableStore, clock: Clock): FailureStore {
  const known = new Set<string>();
  const rememberTargets = async (names: Iterable<string>): Promise<void> => {
    for (const rowKey of new Set(names)) {
      if (known.has(rowKey)) continue;
      const row = { partitionKey: targetsPartition, rowKey, columns: {} };
      await store.write(failuresTable, { kind: "upsert", row });
      known.add(rowKey);
    }
  };
  return {
    store,
    record: async (failures) => {
      await rememberTargets(failures.map(({ target }) => target));
      const now = clock.now();
      const units = failures.map((failure) => toRecordWrites(failure, now));
      const written = await writeUnits(store, failuresTable, units);
      return written.filter(Boolean).length;
    },
    get: async (target, failureId) => {
      const stored = await store.get(failuresTable, toFailureKeys(target, failureId));
      return stored === undefined ? undefined : fromFailureRow(stored);
    },
    move: (moves) => {
      const now = clock.now();
      const units = moves.map(({ failure, to, also = {} }) => toMoveWrites(failure, to, now, also));
      return writeUnits(store, failuresTable, units);
    },
    targets: async () => {
      const { rows } = await store.query(failuresTable, { partitionKey: targetsPartition });
      return rows.map(({ rowKey }) => rowKey);
    },
    addNote: async (target, failureId, { at, by, text }) => {
      const rowKey = `n|${failureId}|${toNewestFirst(at)}|${randomUUID()}`;
      const columns = { at: new Date(at).toISOString(), by, text };
      await store.write(failuresTable, {
        kind: "insert",
        row: { partitionKey: target, rowKey, columns },
      });
    },
    notes: async (target, failureId) => {
      const { rows } = await store.query(failuresTable, {
        partitionKey: target,
        from: `n|${failureId}|`,
        below: `n|${failureId}~`,
      });
      return rows.map(({ columns: { at, by, text } }) => ({
        at: Date.parse(String(at)),
        by: String(by),
        text: String(text),
      }));
    },
  };
}
