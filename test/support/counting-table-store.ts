import type { TableStore } from "../../functions/src/platform/table-store.ts";

/** Passes everything on and counts requests by table. */
export function createCountingStore(store: TableStore): TableStore & {
  readonly requests: ReadonlyMap<string, number>;
  /** Without the tables named; since the beginning or the last `forget`. */
  total(...except: readonly string[]): number;
  forget(): void;
} {
  const requests = new Map<string, number>();
  const count = (table: string): void => {
    requests.set(table, (requests.get(table) ?? 0) + 1);
  };
  return {
    requests,
    total: (...except) =>
      [...requests]
        .filter(([table]) => !except.includes(table))
        .reduce((sum, [, number]) => sum + number, 0),
    forget: () => requests.clear(),
    get: (table, keys) => {
      count(table);
      return store.get(table, keys);
    },
    write: (table, write) => {
      count(table);
      return store.write(table, write);
    },
    transaction: (table, writes) => {
      count(table);
      return store.transaction(table, writes);
    },
    query: (table, query) => {
      count(table);
      return store.query(table, query);
    },
  };
}
