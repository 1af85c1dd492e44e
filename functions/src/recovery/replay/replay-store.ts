/*
 * Table `replays`: a job is a row in `.jobs`, newest first; what people want of it (pause, resume, cancel) is
 * a row in `.wishes`, so that they never have to win against the runner; a job that has something to do has a
 * row in `.active`. Its items are a partition of their own, in the order of sending (item-rows.ts).
 *
 * Whoever holds the job's lease works on it: the lease is in the job's row and is renewed with every save, so
 * a runner that lost it finds its ETag changed and stops.
 */
import { randomBytes } from "node:crypto";
import { isConflict } from "../../platform/table-store.ts";
import type { StoredRow, TableStore } from "../../platform/table-store.ts";
import { toNewestFirst } from "../failure-rows.ts";
import { addItems, readItems, saveItems } from "./item-rows.ts";
import type { ReplayItem, ReplayJob } from "./replay-job.ts";

export type ReplayWish = "run" | "pause" | "cancel";

export interface HeldJob {
  readonly job: ReplayJob;
  readonly etag: string;
}

export interface ReplayStore {
  create(job: ReplayJob): Promise<void>;
  get(id: string): Promise<ReplayJob | undefined>;
  list(page: {
    readonly limit: number;
    readonly continuation?: string | undefined;
  }): Promise<{ readonly jobs: readonly ReplayJob[]; readonly continuation?: string }>;
  active(): Promise<readonly string[]>;
  /** Undefined while somebody else holds it, or when there is no such job. */
  take(id: string, owner: string, now: number): Promise<HeldJob | undefined>;
  /** Renews the lease, for longer where more is asked for; throws CHANGED when it was lost. */
  save(held: HeldJob, job: ReplayJob, owner: string, now: number, forMs?: number): Promise<HeldJob>;
  /** For a job that has nothing to do any more. */
  finish(id: string): Promise<void>;
  release(held: HeldJob): Promise<void>;
  wish(id: string): Promise<ReplayWish>;
  setWish(id: string, wish: ReplayWish): Promise<void>;
  addItems(id: string, items: readonly ReplayItem[]): Promise<void>;
  saveItems(id: string, items: readonly ReplayItem[]): Promise<void>;
  items(id: string, from: number, below: number): Promise<readonly ReplayItem[]>;
}

export const replaysTable = "replays";
export const jobsPartition = ".jobs";
const wishesPartition = ".wishes";
const activePartition = ".active";
/** Longer than the slowest single request of a runner; shorter than a person's patience after a crash. */
export const leaseMs = 15_000;

/** Of the ids that are given at this instant: they count backwards. */
export function toReplayIdStart(at: number): string {
  return Number(toNewestFirst(at)).toString(36).padStart(9, "0");
}

/** Sorts newest first, and is short enough to be typed. */
export function toReplayId(now: number): string {
  return `${toReplayIdStart(now)}-${randomBytes(3).toString("hex")}`;
}

export function createReplayStore(store: TableStore): ReplayStore {
  return {
    create: async (job) => {
      const keys = { partitionKey: activePartition, rowKey: job.id };
      // First: an active row without a job is harmless, a job that nobody runs is not.
      await store.write(replaysTable, { kind: "upsert", row: { ...keys, columns: {} } });
      await store.write(replaysTable, { kind: "insert", row: toRow(job, "", 0) });
    },
    get: async (id) => {
      const stored = await store.get(replaysTable, { partitionKey: jobsPartition, rowKey: id });
      return stored === undefined ? undefined : toJob(stored);
    },
    list: async ({ limit, continuation }) => {
      const page = await store.query(replaysTable, {
        partitionKey: jobsPartition,
        limit,
        ...(continuation === undefined ? {} : { continuation }),
      });
      const jobs = page.rows.map(toJob);
      return page.continuation === undefined ? { jobs } : { jobs, continuation: page.continuation };
    },
    active: async () => {
      const { rows } = await store.query(replaysTable, { partitionKey: activePartition });
      return rows.map(({ rowKey }) => rowKey);
    },
    take: (id, owner, now) => take(store, id, owner, now),
    save: async (held, job, owner, now, forMs = leaseMs) => {
      const row = toRow(job, owner, now + forMs);
      const etag = await store.write(replaysTable, { kind: "replace", row, etag: held.etag });
      return { job, etag };
    },
    finish: async (id) => {
      const keys = { partitionKey: activePartition, rowKey: id };
      await store.write(replaysTable, { kind: "delete", keys }).catch(ignoreConflict);
    },
    release: async ({ job, etag }) => {
      const row = toRow(job, "", 0);
      await store.write(replaysTable, { kind: "replace", row, etag }).catch(ignoreConflict);
    },
    wish: async (id) => {
      const stored = await store.get(replaysTable, { partitionKey: wishesPartition, rowKey: id });
      return (stored?.columns["wish"] as ReplayWish | undefined) ?? "run";
    },
    setWish: async (id, wish) => {
      const active = { partitionKey: activePartition, rowKey: id };
      await store.write(replaysTable, { kind: "upsert", row: { ...active, columns: {} } });
      const row = { partitionKey: wishesPartition, rowKey: id, columns: { wish } };
      await store.write(replaysTable, { kind: "upsert", row });
    },
    addItems: (id, items) => addItems(store, toPartition(id), items),
    saveItems: (id, items) => saveItems(store, toPartition(id), items),
    items: (id, from, below) => readItems(store, toPartition(id), from, below),
  };
}

async function take(
  store: TableStore,
  id: string,
  owner: string,
  now: number,
): Promise<HeldJob | undefined> {
  const stored = await store.get(replaysTable, { partitionKey: jobsPartition, rowKey: id });
  if (stored === undefined) return undefined;
  const holder = stored.columns["leaseOwner"];
  const until = Date.parse(String(stored.columns["leaseUntil"] ?? ""));
  if (typeof holder === "string" && holder !== "" && holder !== owner && until > now) {
    return undefined;
  }
  const job = toJob(stored);
  try {
    const row = toRow(job, owner, now + leaseMs);
    const etag = await store.write(replaysTable, { kind: "replace", row, etag: stored.etag });
    return { job, etag };
  } catch (error) {
    ignoreConflict(error);
    return undefined;
  }
}

function toRow(
  job: ReplayJob,
  leaseOwner: string,
  leaseUntil: number,
): {
  readonly partitionKey: string;
  readonly rowKey: string;
  readonly columns: Record<string, string>;
} {
  return {
    partitionKey: jobsPartition,
    rowKey: job.id,
    columns: {
      state: job.state,
      job: JSON.stringify(job),
      leaseOwner,
      leaseUntil: new Date(leaseUntil).toISOString(),
    },
  };
}

function toJob(stored: StoredRow): ReplayJob {
  return JSON.parse(String(stored.columns["job"])) as ReplayJob;
}

function toPartition(id: string): { readonly table: string; readonly partitionKey: string } {
  return { table: replaysTable, partitionKey: id };
}

function ignoreConflict(error: unknown): void {
  if (!isConflict(error)) throw error;
}
