/*
 * Copies of what an event says, outside the ledger: edits hold values and the edited event, replays hold what
 * F&O answered differently. Both are found by their ids, which count backwards in time.
 */
import { isDeepStrictEqual } from "node:util";
import { writeAll } from "../../delivery/batch-writes.ts";
import type { TableWrite } from "../../delivery/batch-writes.ts";
import { isBodyTaken, toTakenColumns } from "../../delivery/ledger-bodies.ts";
import { toEmptyColumns } from "../../delivery/ledger-columns.ts";
import { toReplayBodyKey } from "../../delivery/ledger-keys.ts";
import { maskAddresses } from "../../platform/mask-addresses.ts";
import type { StoredRow, TableStore, Write } from "../../platform/table-store.ts";
import { editsPartition, editsTable, toEdit } from "../edits/edit-store.ts";
import type { EventChange, ReplayItem, ReplayJob } from "../replay/replay-job.ts";
import { toColumns, toItems } from "../replay/item-rows.ts";
import { jobsPartition, replaysTable, toReplayIdStart } from "../replay/replay-store.ts";
import { writeUnits } from "../write-units.ts";
import { addLooked, earlier, keptUntil, nothingFound } from "./look.ts";
import type { Look, Looked } from "./look.ts";

const pageSize = 200;

export async function takeEdits(store: TableStore, look: Look): Promise<Looked> {
  return eachOfDay(store, editsTable, editsPartition, look, async (rows) => {
    const units: (readonly Write[])[] = [];
    let leftUntil: number | null = null;
    for (const { columns, etag, partitionKey, rowKey } of rows) {
      const edit = toEdit({ columns });
      const until = keptUntil(look, edit.decidedAt);
      leftUntil = earlier(leftUntil, until);
      if (until !== null) continue;
      const gone = {
        ...toTakenColumns(["body"], look.now),
        ...toEmptyColumns("changes"),
        edit: JSON.stringify({ ...edit, changes: withoutValues(edit.changes) }),
      };
      units.push([{ kind: "merge", row: { partitionKey, rowKey, columns: gone }, etag }]);
    }
    const written = await writeUnits(store, editsTable, units);
    if (written.includes(false)) leftUntil = earlier(leftUntil, look.now);
    return { taken: written.filter(Boolean).length, leftUntil };
  });
}

/** `dropped`: the ledger's months before this one are gone, and a write would bring them back. */
export async function takeReplays(store: TableStore, look: Look, dropped: string): Promise<Looked> {
  return eachOfDay(store, replaysTable, jobsPartition, look, async (rows) => {
    let looked = nothingFound;
    for (const row of rows) {
      const job = JSON.parse(String(row.columns["job"])) as ReplayJob;
      const leftUntil = keptUntil(look, job.isFollowed ? null : job.endedAt);
      if (leftUntil !== null) {
        looked = addLooked(looked, { taken: 0, leftUntil });
        continue;
      }
      const isWhole = await takeItems(store, job.id, dropped);
      // Last: a job that is marked is not looked at again.
      const mark = { ...row, columns: toTakenColumns([], look.now) };
      const isMarked =
        isWhole &&
        (
          await writeUnits(store, replaysTable, [[{ kind: "merge", row: mark, etag: row.etag }]])
        )[0];
      looked = addLooked(looked, { taken: 1, leftUntil: isMarked === true ? null : look.now });
    }
    return looked;
  });
}

/** False when somebody changed an item meanwhile. */
async function takeItems(store: TableStore, id: string, dropped: string): Promise<boolean> {
  let isWhole = true;
  let continuation: string | undefined;
  do {
    const page = await store.query(replaysTable, {
      partitionKey: id,
      limit: pageSize,
      ...(continuation === undefined ? {} : { continuation }),
    });
    continuation = page.continuation;
    const writes = page.rows.flatMap((row) => toItemWrites(row, dropped));
    const results = await writeAll(store, writes);
    // A delivery that never had a body of its own has no row to empty.
    const isLost = results.some(
      ({ kind }, index) => kind === "conflict" && writes[index]?.table === replaysTable,
    );
    if (isLost) isWhole = false;
  } while (continuation !== undefined);
  return isWhole;
}

function toItemWrites(row: StoredRow, dropped: string): readonly TableWrite[] {
  const items = toItems(row);
  const bare = items.map(toBareItem);
  const changed = bare.filter((item, index) => !isDeepStrictEqual(item, items[index]));
  if (changed.length === 0) return [];
  const { etag, partitionKey, rowKey } = row;
  const own: TableWrite = {
    table: replaysTable,
    write: { kind: "merge", row: { partitionKey, rowKey, columns: toColumns(changed) }, etag },
  };
  return [own, ...changed.flatMap((item) => toSentWrites(item, dropped))];
}

/** Its failure's reason is in it, too. */
function toBareItem(item: ReplayItem): ReplayItem {
  const text = JSON.stringify({ ...item, changes: withoutValues(item.changes) });
  return JSON.parse(maskAddresses(text)) as ReplayItem;
}

/** What it sent is needed no more once it has arrived; its event's day may have been looked at before. */
function toSentWrites(item: ReplayItem, dropped: string): readonly TableWrite[] {
  const { table, ...keys } = toReplayBodyKey(item);
  const hasArrived = ["delivered", "skipped"].includes(item.state);
  if (!hasArrived || item.changes.length === 0 || table < `ledger${dropped}`) return [];
  const sent = { ...keys, columns: toEmptyColumns("body") };
  return [{ table, write: { kind: "merge", row: sent, etag: "*" } }];
}

function withoutValues(changes: readonly EventChange[]): readonly EventChange[] {
  return changes.map(({ path }) => ({ path, before: "", after: "" }));
}

/** Rows of what began on the look's day and still has its values, page by page. */
async function eachOfDay(
  store: TableStore,
  table: string,
  partitionKey: string,
  look: Look,
  work: (rows: readonly StoredRow[]) => Promise<Looked>,
): Promise<Looked> {
  let looked = nothingFound;
  let continuation: string | undefined;
  do {
    const page = await store.query(table, {
      partitionKey,
      from: toReplayIdStart(look.endsAt - 1),
      below: toReplayIdStart(look.startsAt - 1),
      limit: pageSize,
      ...(continuation === undefined ? {} : { continuation }),
    });
    continuation = page.continuation;
    const rows = page.rows.filter(({ columns }) => !isBodyTaken(columns));
    looked = addLooked(looked, await work(rows));
  } while (continuation !== undefined);
  return looked;
}
