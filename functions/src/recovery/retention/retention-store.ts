/*
 * Where retention goes on, in table `retention`:
 *
 *   cursor/days         the first day that was never looked at
 *   days/<yyyymmdd>     when a day is to be looked at again, and where in it
 *   cursor/escalated    the day on which undecided failures were told last
 */
import type { RowKeys, StoredRow, TableStore } from "../../platform/table-store.ts";

/** A day that was looked at, and that is not done with. */
export interface KnownDay {
  readonly day: string;
  /** Epoch ms. */
  readonly lookAt: number;
  /** Partition of the ledger at which a look that ended early goes on. */
  readonly place: string | null;
  /** What that look had found so far: `Looked.leftUntil`. */
  readonly leftUntil: number | null;
}

export interface RetentionStore {
  cursor(name: "days" | "escalated"): Promise<string | undefined>;
  setCursor(name: "days" | "escalated", day: string): Promise<void>;
  /** To be looked at by now, oldest first. */
  dueDays(now: number): Promise<readonly KnownDay[]>;
  saveDay(day: KnownDay): Promise<void>;
  forgetDay(day: string): Promise<void>;
}

export const retentionTable = "retention";
const cursorPartition = "cursor";
const daysPartition = "days";

export function createRetentionStore(store: TableStore): RetentionStore {
  const upsert = async (
    keys: RowKeys,
    columns: Readonly<Record<string, string>>,
  ): Promise<void> => {
    await store.write(retentionTable, { kind: "upsert", row: { ...keys, columns } });
  };
  return {
    cursor: async (rowKey) => {
      const stored = await store.get(retentionTable, { partitionKey: cursorPartition, rowKey });
      return stored === undefined ? undefined : String(stored.columns["day"]);
    },
    setCursor: (rowKey, day) => upsert({ partitionKey: cursorPartition, rowKey }, { day }),
    dueDays: async (now) => {
      // As many rows as days between the two limits.
      const days: KnownDay[] = [];
      let continuation: string | undefined;
      do {
        const page = await store.query(retentionTable, {
          partitionKey: daysPartition,
          ...(continuation === undefined ? {} : { continuation }),
        });
        continuation = page.continuation;
        days.push(...page.rows.map(({ columns, rowKey }) => toDay(rowKey, columns)));
      } while (continuation !== undefined);
      return days.filter(({ lookAt }) => lookAt <= now);
    },
    saveDay: ({ day, leftUntil, lookAt, place }) =>
      upsert(
        { partitionKey: daysPartition, rowKey: day },
        {
          lookAt: iso(lookAt),
          place: place ?? "",
          leftUntil: leftUntil === null ? "" : iso(leftUntil),
        },
      ),
    forgetDay: async (rowKey) => {
      const keys = { partitionKey: daysPartition, rowKey };
      const stored = await store.get(retentionTable, keys);
      if (stored !== undefined) await store.write(retentionTable, { kind: "delete", keys });
    },
  };
}

function toDay(day: string, columns: StoredRow["columns"]): KnownDay {
  const text = (name: string): string => String(columns[name] ?? "");
  const leftUntil = text("leftUntil");
  return {
    day,
    lookAt: Date.parse(text("lookAt")),
    place: text("place") === "" ? null : text("place"),
    leftUntil: leftUntil === "" ? null : Date.parse(leftUntil),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
