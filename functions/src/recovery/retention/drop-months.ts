import { openTable, toLedgerMonth } from "../../delivery/ledger-keys.ts";
import type { BodyStore } from "../../platform/body-store.ts";
import type { TableCatalog } from "../../platform/table-catalog.ts";
import type { TableStore } from "../../platform/table-store.ts";
import { dayMs } from "./look.ts";

/** Everything that is kept by month, by the beginning of its tables' names. */
const byMonth = /^(ledger|journeys|rates|activity|probes)(\d{6})$/;

/** `yyyymm`: months before it are over for more than `ledgerMonths` full ones. */
export function firstDroppedMonth(now: number, ledgerMonths: number): string {
  const date = new Date(now);
  const first = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - ledgerMonths, 1);
  return toLedgerMonth(new Date(first).toISOString());
}

/**
 * Drops the months before `month`; how many tables. A ledger with a delivery that is still under way (a target
 * that was paused for a year) waits for it.
 */
export async function dropMonths(
  on: { readonly catalog: TableCatalog; readonly store: TableStore },
  month: string,
  hasTime: () => boolean,
): Promise<number> {
  const names = await on.catalog.names();
  const old = names.filter((name) => (byMonth.exec(name)?.[2] ?? month) < month);
  const inUse = old.some((name) => name.startsWith("ledger"))
    ? await readTablesInUse(on.store)
    : new Set<string>();
  let dropped = 0;
  for (const name of old.filter((each) => !inUse.has(each))) {
    if (!hasTime()) break;
    await on.catalog.drop(name);
    dropped += 1;
  }
  return dropped;
}

/** All open rows, which is only read when a month is over. */
async function readTablesInUse(store: TableStore): Promise<ReadonlySet<string>> {
  const tables = new Set<string>();
  let continuation: string | undefined;
  do {
    const page = await store.query(openTable, {
      partitionKey: { from: "", below: "~" },
      select: ["ledgerTable"],
      ...(continuation === undefined ? {} : { continuation }),
    });
    continuation = page.continuation;
    for (const { columns } of page.rows) tables.add(String(columns["ledgerTable"]));
  } while (continuation !== undefined);
  return tables;
}

/**
 * Blobs of months whose last body's retention is over, whether a row names them or not: a crash before the row
 * was written leaves one that none names.
 */
export async function dropBlobs(
  bodies: BodyStore,
  now: number,
  failureBodyDays: number,
  hasTime: () => boolean,
): Promise<number> {
  const month = toLedgerMonth(new Date(now - failureBodyDays * dayMs - dayMs).toISOString());
  let dropped = 0;
  while (hasTime()) {
    const some = await bodies.deleteFoldersBelow(month);
    if (some === 0) break;
    dropped += some;
  }
  return dropped;
}
