/*
 * Finds deliveries that have no message any more. Every `open` row whose delivery is 15 minutes past due
 * gets a new wake-up (hop + 1); the fourth time it is the failure STUCK. Rows that are merely waiting in
 * a backlog are left alone: as long as the oldest message that waits for the target is older than the
 * delivery's due time, its wake-up is most likely still among them.
 */
import type { Clock } from "../platform/clock.ts";
import type { OldestActive, Sender } from "../platform/messages.ts";
import { asError } from "../platform/causeway-error.ts";
import { TableError } from "../platform/table-store.ts";
import type { StoredRow } from "../platform/table-store.ts";
import type { Telemetry } from "../platform/telemetry.ts";
import { commit } from "./commit.ts";
import type { Decided, Owed } from "./commit.ts";
import type { Lane } from "./lane.ts";
import { openPartitions, openTable, toOpenKeys } from "./ledger-keys.ts";
import type { Ledger, Versioned } from "./ledger.ts";
import { hasStory, isTerminal } from "./ledger-rows.ts";
import type { DeliveryId, DeliveryRow } from "./ledger-rows.ts";
import { defaultSettings, onSweep } from "./policy.ts";

export interface SweepDependencies {
  readonly ledger: Ledger;
  readonly sender: Sender;
  readonly oldestActive: OldestActive;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly random: () => number;
}

export interface SweepResult {
  /** Open rows looked at. */
  readonly seen: number;
  readonly woken: number;
  readonly stuck: number;
  /** Open rows of deliveries that were settled already. */
  readonly cleared: number;
}

const pageSize = 200;
/** Messages live for 14 days. */
const abandonedMs = 15 * 24 * 3_600_000;

export async function sweepLane<Body>(
  on: SweepDependencies,
  lane: Lane<Body>,
): Promise<SweepResult> {
  const target = lane.target.name;
  const oldestActive = await on.oldestActive(lane.entity, lane.subscription);
  const oldest = oldestActive ?? Infinity;
  const total = { seen: 0, woken: 0, stuck: 0, cleared: 0 };
  let continuation: string | undefined;
  do {
    const page = await on.ledger.store.query(openTable, {
      partitionKey: openPartitions(target, on.clock.now()),
      limit: pageSize,
      ...(continuation === undefined ? {} : { continuation }),
    });
    const result = await sweepPage(on, lane, page.rows, oldest);
    total.seen += page.rows.length;
    total.woken += result.woken;
    total.stuck += result.stuck;
    total.cleared += result.cleared;
    continuation = page.continuation;
  } while (continuation !== undefined);
  on.telemetry.event("sweep", { target }, total);
  const ageMs = oldestActive === null ? 0 : on.clock.now() - oldestActive;
  on.telemetry.metric("causeway.backlog.age", Math.max(ageMs, 0) / 1_000, { target });
  on.telemetry.metric("causeway.backlog.open", total.seen - total.cleared, { target });
  return total;
}

async function sweepPage<Body>(
  on: SweepDependencies,
  lane: Lane<Body>,
  rows: readonly StoredRow[],
  oldest: number,
): Promise<Omit<SweepResult, "seen">> {
  const now = on.clock.now();
  // The open row's own due time is that of acceptance; it only says that looking is worth while.
  const due = rows.filter((row) => Date.parse(String(row.columns["dueAt"])) < now);
  const versions = await on.ledger.load(
    due.map((row) => toOpenId(lane, row)),
    { fresh: true },
  );
  const found: Found<Body> = { decided: [], owed: [], strays: [] };
  const seen = new Set<string>();
  let cleared = 0;
  for (const [index, open] of due.entries()) {
    const version = versions[index];
    const isSettled = version !== undefined && isTerminal(version.row);
    if (version === undefined ? isAbandoned(open, now) : isSettled && !hasStory(version.row)) {
      await clear(on, open);
      cleared += 1;
    } else if (version !== undefined) {
      await look(on, lane, open, version, { found, oldest, isSecond: seen.has(open.rowKey) });
      seen.add(open.rowKey);
    }
  }
  await on.ledger.addOpen(found.strays.flatMap(({ row }) => (isTerminal(row) ? [] : [row])));
  const written = await commit(on, lane, found.decided, found.owed);
  for (const { open } of found.strays) await clear(on, open);
  const stuck = written.filter((row) => row.state === "failed").length;
  return { woken: written.length - stuck, stuck, cleared };
}

interface Found<Body> {
  readonly decided: Decided<Body>[];
  readonly owed: Owed<Body>[];
  /**
   * Open rows of another hour than their delivery's: acceptance broke off after them and was begun again
   * by another clock. `commit` does not know of them.
   */
  readonly strays: { readonly open: StoredRow; readonly row: DeliveryRow }[];
}

/** What one open row's delivery needs. Its trouble (a body that is gone) must not keep the others lost. */
async function look<Body>(
  on: SweepDependencies,
  lane: Lane<Body>,
  open: StoredRow,
  version: Versioned,
  { found, oldest, isSecond }: { found: Found<Body>; oldest: number; isSecond: boolean },
): Promise<void> {
  const { row } = version;
  try {
    if (hasStory(row)) {
      // Nobody could say so yet: commit sends the story and then clears the open row.
      const body = await lane.loadBody(row);
      if (!isSecond) found.owed.push({ body, row, what: "failure" });
    } else if (!isSecond) {
      const each = await decide(on, lane, version, oldest);
      if (each !== undefined) found.decided.push(each);
    }
    if (toOpenKeys(row).partitionKey !== open.partitionKey) found.strays.push({ open, row });
  } catch (error) {
    if (error instanceof TableError) throw error;
    on.telemetry.error(asError(error), { name: "sweep", target: lane.target.name });
  }
}

async function decide<Body>(
  on: SweepDependencies,
  lane: Lane<Body>,
  version: Versioned,
  oldest: number,
): Promise<Decided<Body> | undefined> {
  if (oldest <= version.row.dueAt) return undefined;
  const moment = { now: on.clock.now(), random: on.random(), settings: defaultSettings };
  const swept = onSweep(version.row, moment);
  if (swept.kind === "leave") return undefined;
  const body = await lane.loadBody(version.row);
  return { item: { ...version, hop: version.row.hop, body }, decision: swept.decision };
}

/** By its own keys: the row may lie in another hour than the ledger's (a crash during acceptance). */
async function clear(on: SweepDependencies, row: StoredRow): Promise<void> {
  await on.ledger.discardOpen({ partitionKey: row.partitionKey, rowKey: row.rowKey });
}

/**
 * Intake writes the open row first, so a row without a delivery may be one that is being accepted now:
 * it is only cleared when no message of that time can come any more.
 */
function isAbandoned(row: StoredRow, now: number): boolean {
  return now - Date.parse(String(row.columns["dueAt"])) > abandonedMs;
}

/** An open row's delivery. */
export function toOpenId<Body>(lane: Lane<Body>, row: StoredRow): DeliveryId {
  return { eventId: row.rowKey, time: String(row.columns["time"]), target: lane.target.name };
}
