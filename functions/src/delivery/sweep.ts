/*
 * Finds deliveries that have no message any more. Every `open` row whose delivery is 15 minutes past due
 * gets a new wake-up (hop + 1); the fourth time it is the failure STUCK. Rows that are merely waiting in
 * a backlog are left alone: as long as the oldest message that waits for the target is older than the
 * delivery's due time, its wake-up is most likely still among them.
 */
import type { Clock } from "../platform/clock.ts";
import type { OldestActive, Sender } from "../platform/messages.ts";
import type { StoredRow } from "../platform/table-store.ts";
import type { Telemetry } from "../platform/telemetry.ts";
import { commit } from "./commit.ts";
import type { Decided, Owed } from "./commit.ts";
import type { Lane } from "./lane.ts";
import { openPartitions, openTable } from "./ledger-keys.ts";
import type { Ledger, Versioned } from "./ledger.ts";
import { isTerminal } from "./ledger-rows.ts";
import type { DeliveryId } from "./ledger-rows.ts";
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
  const ids = due.map((row) => toOpenId(lane, row));
  const versions = await on.ledger.load(ids, { fresh: true });
  const decided: Decided<Body>[] = [];
  const owed: Owed<Body>[] = [];
  let cleared = 0;
  for (const [index, id] of ids.entries()) {
    const version = versions[index];
    if (version === undefined) {
      if (isAbandoned(due[index], now)) cleared += await clear(on, due[index]);
    } else if (isTerminal(version.row) && version.row.state !== "failed") {
      cleared += await clear(on, due[index]);
    } else if (version.row.state === "failed") {
      // It failed, and nobody could say so yet: commit sends the story and then clears the open row.
      owed.push({ body: await lane.loadBody(id), row: version.row, what: "failure" });
    } else {
      const each = await decide(on, lane, version, oldest);
      if (each !== undefined) decided.push(each);
    }
  }
  const written = await commit(on, lane, decided, owed);
  const stuck = written.filter((row) => row.state === "failed").length;
  return { woken: written.length - stuck, stuck, cleared };
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
async function clear(on: SweepDependencies, row: StoredRow | undefined): Promise<number> {
  if (row === undefined) return 0;
  await on.ledger.discardOpen({ partitionKey: row.partitionKey, rowKey: row.rowKey });
  return 1;
}

/**
 * Intake writes the open row first, so a row without a delivery may be one that is being accepted now:
 * it is only cleared when no message of that time can come any more.
 */
function isAbandoned(row: StoredRow | undefined, now: number): boolean {
  return row !== undefined && now - Date.parse(String(row.columns["dueAt"])) > abandonedMs;
}

/** An open row's delivery. */
export function toOpenId<Body>(lane: Lane<Body>, row: StoredRow): DeliveryId {
  return { eventId: row.rowKey, time: String(row.columns["time"]), target: lane.target.name };
}
