import { failuresTable } from "../../functions/src/recovery/failure-store.ts";
import type { StoredRow } from "../../functions/src/platform/table-store.ts";
import type { MemoryTableStore } from "./memory-table-store.ts";

/** The failures themselves, without the rows for finding them. */
export function failureRows(memory: MemoryTableStore): readonly StoredRow[] {
  return memory.rows(failuresTable).filter(({ rowKey }) => rowKey.startsWith("f|"));
}
