import { isConflict } from "../platform/table-store.ts";
import type { RowKeys, StoredRow, TableStore } from "../platform/table-store.ts";

/** A partition per channel. */
export const noticesTable = "notices";
/** Of a group that nobody decides. */
export const oldPrefix = "old-";
export const digestPrefix = "digest-";
/** Behind every key that begins with a prefix and goes on in letters, digits and dashes. */
const behind = "~";

/** Of one reading: a hundred thousand rows. */
const maxPages = 100;

export interface NoticeRange {
  readonly partitionKey: string;
  readonly from?: string;
  readonly below?: string;
}

export function toPrefixRange(partitionKey: string, prefix: string): NoticeRange {
  return { partitionKey, from: prefix, below: `${prefix}${behind}` };
}

/** `next`: where a later reading goes on, when there are more rows than one reads. */
export async function readNotices(
  store: TableStore,
  range: NoticeRange,
): Promise<{ readonly rows: readonly StoredRow[]; readonly next?: string }> {
  const found: StoredRow[] = [];
  let continuation: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const answer = await store.query(noticesTable, {
      ...range,
      ...(continuation === undefined ? {} : { continuation }),
    });
    found.push(...answer.rows);
    continuation = answer.continuation;
    if (continuation === undefined) return { rows: found };
  }
  const last = found.at(-1);
  return last === undefined ? { rows: found } : { rows: found, next: `${last.rowKey} ` };
}

export async function deleteNotice(
  store: TableStore,
  { partitionKey, rowKey }: RowKeys,
): Promise<void> {
  const keys = { partitionKey, rowKey };
  await ignoringConflicts(store.write(noticesTable, { kind: "delete", keys }));
}

/** Undefined: another writer was faster. */
export async function ignoringConflicts(write: Promise<string>): Promise<string | undefined> {
  try {
    return await write;
  } catch (error) {
    if (isConflict(error)) return undefined;
    throw error;
  }
}
