/*
 * Bodies in the ledger. The rows of a day are read in pages, without bodies but for the small business event;
 * rows of one partition are looked at together, and the rows of one event change in one transaction, each on
 * the version that was read: whoever was faster keeps the body until the next look. A body in a blob goes in
 * three steps, so that no crash leaves a blob that no row names:
 *
 *   rawBlob, bodyBlob ──row written──► blobsToRemove ──blobs removed──► (row written again) none
 */
import { gzipSync } from "node:zlib";
import {
  isBodyTaken,
  readBody,
  referenceColumn,
  toTakenColumns,
} from "../../delivery/ledger-bodies.ts";
import { toBodyColumns } from "../../delivery/ledger-columns.ts";
import { isReplayBodyKey } from "../../delivery/ledger-keys.ts";
import { toBareEvent } from "../../intake/to-bare-event.ts";
import type { BodyStore } from "../../platform/body-store.ts";
import { maskAddresses } from "../../platform/mask-addresses.ts";
import type { ColumnValue, StoredRow, TableStore, Write } from "../../platform/table-store.ts";
import { writeUnits } from "../write-units.ts";
import { addLooked, earlier, keptUntil, nothingFound, toDay } from "./look.ts";
import type { Look, Looked } from "./look.ts";

export interface EventBodiesDependencies {
  readonly store: TableStore;
  readonly bodies: BodyStore;
}

export interface LookedAtLedger extends Looked {
  /** Partition at which the next look goes on; null: the day is done. */
  readonly place: string | null;
}

const pageSize = 1_000;
const settledStates = ["published", "delivered", "superseded", "skipped", "discarded"];
const blobsColumn = "blobsToRemove";
/** A raw body has at most six columns; nearly all have one of half a kilobyte. */
const rawColumns = [0, 1, 2, 3, 4, 5].map((index) => `raw${index}`);
const read = [
  ...["state", "settledAt", "acceptedAt", "rule", "reason", "trail", "bodyTakenAt"],
  ...["rawBlob", "bodyBlob", blobsColumn, ...rawColumns],
];

/** `from`: where an earlier look at the day had to end. No page is begun after `hasTime` says no. */
export async function takeEventBodies(
  on: EventBodiesDependencies,
  look: Look,
  from: string | null,
  hasTime: () => boolean,
): Promise<LookedAtLedger> {
  const table = `ledger${look.day.slice(0, 6)}`;
  const partitionKey = { from: from ?? look.day, below: toDay(look.endsAt) };
  let looked = nothingFound;
  let rows: readonly StoredRow[] = [];
  let continuation: string | undefined;
  do {
    if (!hasTime()) return { ...looked, place: rows[0]?.partitionKey ?? partitionKey.from };
    const page = await on.store.query(table, {
      partitionKey,
      select: read,
      limit: pageSize,
      ...(continuation === undefined ? {} : { continuation }),
    });
    continuation = page.continuation;
    rows = [...rows, ...page.rows];
    // The last partition may go on in the next page.
    const open = continuation === undefined ? undefined : rows.at(-1)?.partitionKey;
    const whole = rows.filter((row) => row.partitionKey !== open);
    looked = addLooked(looked, await takeFrom(on, table, look, whole));
    rows = rows.filter((row) => row.partitionKey === open);
  } while (continuation !== undefined);
  return { ...looked, place: null };
}

async function takeFrom(
  on: EventBodiesDependencies,
  table: string,
  look: Look,
  rows: readonly StoredRow[],
): Promise<Looked> {
  let leftUntil: number | null = null;
  const units: (readonly Write[])[] = [];
  const withBlobs: StoredRow[] = [];
  for (const event of toEvents(rows)) {
    const until = keptUntil(look, settledAt(event));
    leftUntil = earlier(leftUntil, until);
    if (until !== null) continue;
    const writes: Write[] = [];
    for (const row of event) {
      const columns = await toColumns(on, row, look.now);
      if (columns === undefined) continue;
      const { etag, partitionKey, rowKey } = row;
      writes.push({ kind: "merge", row: { partitionKey, rowKey, columns }, etag });
    }
    if (writes.length > 0) units.push(writes);
    withBlobs.push(...event.filter((row) => blobsOf(row).length > 0));
  }
  const written = await writeUnits(on.store, table, units);
  await removeBlobs(on, table, withBlobs);
  const isConflict = written.includes(false);
  const taken = written.filter(Boolean).length;
  return { taken, leftUntil: isConflict ? earlier(leftUntil, look.now) : leftUntil };
}

/** Rows of one event: its own, its deliveries', and what replays sent in its place. */
function toEvents(rows: readonly StoredRow[]): Iterable<readonly StoredRow[]> {
  const events = new Map<string, StoredRow[]>();
  for (const row of rows) {
    const [eventId = ""] = row.rowKey.split("|");
    const name = `${row.partitionKey}|${eventId}`;
    const known = events.get(name);
    if (known === undefined) events.set(name, [row]);
    else known.push(row);
  }
  return events.values();
}

/** Null while anything of the event is under way or has failed. */
function settledAt(event: readonly StoredRow[]): number | null {
  let last = 0;
  for (const { columns } of event) {
    const state = columns["state"];
    // What a replay sent has no state of its own.
    if (state === undefined) continue;
    if (!settledStates.includes(String(state))) return null;
    for (const name of ["settledAt", "acceptedAt"]) {
      const at = Date.parse(String(columns[name]));
      if (at > last) last = at;
    }
  }
  return last;
}

/** Undefined for a row that has nothing (any more) that tells of a person. */
async function toColumns(
  { bodies }: EventBodiesDependencies,
  row: StoredRow,
  now: number,
): Promise<Record<string, ColumnValue> | undefined> {
  const { columns, rowKey } = row;
  const told = withoutAddresses(columns);
  const isEvent = !rowKey.includes("|");
  const holdsBody = isEvent || isReplayBodyKey(rowKey) || columns["rule"] === "DRY_RUN";
  if (!holdsBody || isBodyTaken(columns)) return Object.keys(told).length > 0 ? told : undefined;
  const names = isEvent ? (["raw", "body"] as const) : ([toBodyName(rowKey)] as const);
  const blobs = blobsOf(row);
  return {
    ...told,
    ...toTakenColumns(names, now),
    ...(isEvent ? await toBareRaw(bodies, columns) : {}),
    ...(blobs.length === 0
      ? {}
      : { rawBlob: "", bodyBlob: "", [blobsColumn]: JSON.stringify(blobs) }),
  };
}

function toBodyName(rowKey: string): "body" | "wouldSend" {
  return isReplayBodyKey(rowKey) ? "body" : "wouldSend";
}

/** Reasons quote what others answered, and mail services quote addresses. */
function withoutAddresses(
  columns: Readonly<Record<string, ColumnValue>>,
): Record<string, ColumnValue> {
  const masked: Record<string, ColumnValue> = {};
  for (const name of ["reason", "trail"]) {
    const text = columns[name];
    if (typeof text !== "string" || maskAddresses(text) === text) continue;
    masked[name] = maskAddresses(text);
  }
  return masked;
}

/** What F&O can be asked with again, in place of what it sent. */
async function toBareRaw(
  bodies: BodyStore,
  columns: Readonly<Record<string, ColumnValue>>,
): Promise<Record<string, ColumnValue>> {
  const text = await readBody(bodies, "raw", columns);
  const bare = text === undefined ? undefined : toBareEvent(JSON.parse(text));
  return bare === undefined ? {} : toBodyColumns("raw", gzipSync(JSON.stringify(bare)));
}

function blobsOf({ columns }: StoredRow): readonly string[] {
  const named = columns[blobsColumn];
  const waiting =
    typeof named === "string" && named !== "" ? (JSON.parse(named) as readonly string[]) : [];
  const own = [referenceColumn("raw"), referenceColumn("body")].flatMap((name) => {
    const blob = columns[name];
    return typeof blob === "string" && blob !== "" ? [blob] : [];
  });
  return [...waiting, ...own];
}

/** Only what the row as it stands now gives up: its write may have met somebody else's. */
async function removeBlobs(
  on: EventBodiesDependencies,
  table: string,
  rows: readonly StoredRow[],
): Promise<void> {
  for (const { partitionKey, rowKey } of rows) {
    const stored = await on.store.get(table, { partitionKey, rowKey });
    const named = stored?.columns[blobsColumn];
    if (stored === undefined || typeof named !== "string" || named === "") continue;
    await on.bodies.remove(JSON.parse(named) as readonly string[]);
    const row = { partitionKey, rowKey, columns: { [blobsColumn]: "" } };
    await writeUnits(on.store, table, [[{ kind: "merge", row, etag: stored.etag }]]);
  }
}
