/*
 * Places of an hourly budget: one row in `gates` for all instances, changed by its ETag. A burst of
 * deliveries must not meet itself at that row: per process and target one change is under way at a time, and
 * whoever comes meanwhile waits and is part of the next one. Two requests then serve all of them.
 *
 *   idle ──change──► writing ──others came──► writing (all of them together) ──nobody left──► idle
 *                       │ another instance was first: a pause, read again
 */
import type { Clock } from "../platform/clock.ts";
import { isConflict, TableError } from "../platform/table-store.ts";
import type { RowKeys, TableStore } from "../platform/table-store.ts";
import { gatesTable } from "./gates.ts";
import { reserveIn, withoutPlaces } from "./places.ts";
import type { Reserved } from "./places.ts";

const hourMs = 60 * 60_000;
const conflictTries = 20;
/** Between two tries at the row, by full jitter: doubles up to the second. */
const firstPauseMs = 20;
const longestPauseMs = 1_000;

interface HourlyPlaces {
  reserve(target: string, limit: number, count: number): Promise<Reserved>;
  giveBack(target: string, limit: number, places: readonly number[]): Promise<void>;
}

interface HourlyPlacesOptions {
  readonly store: TableStore;
  readonly clock: Clock;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
}

interface Wish {
  readonly count: number;
  readonly back: readonly number[];
  readonly resolve: (reserved: Reserved) => void;
  readonly reject: (error: unknown) => void;
}

interface Line {
  readonly waiting: Wish[];
  isWriting: boolean;
}

export function createHourlyPlaces(options: HourlyPlacesOptions): HourlyPlaces {
  const lines = new Map<string, Line>();
  const join = (target: string, limit: number, count: number, back: readonly number[]) =>
    new Promise<Reserved>((resolve, reject) => {
      const name = `${target} ${limit}`;
      const line = lines.get(name) ?? { waiting: [], isWriting: false };
      lines.set(name, line);
      line.waiting.push({ count, back, resolve, reject });
      if (!line.isWriting) void serve(options, line, target, limit);
    });
  return {
    reserve: (target, limit, count) => join(target, limit, count, []),
    giveBack: async (target, limit, places) => {
      await join(target, limit, 0, places);
    },
  };
}

/** Never throws: whoever waits is told. */
async function serve(
  options: HourlyPlacesOptions,
  line: Line,
  target: string,
  limit: number,
): Promise<void> {
  line.isWriting = true;
  while (line.waiting.length > 0) {
    const wishes = line.waiting.splice(0);
    try {
      deal(wishes, await changeRow(options, target, limit, wishes));
    } catch (error) {
      for (const { reject } of wishes) reject(error);
    }
  }
  line.isWriting = false;
}

/** Who came first gets the earliest places; the last ones may be without a reservation. */
function deal(wishes: readonly Wish[], { places, reserved, taken }: Reserved): void {
  let from = 0;
  for (const { count, resolve } of wishes) {
    const own = Math.min(count, Math.max(0, reserved - from));
    resolve({ places: places.slice(from, from + count), reserved: own, taken });
    from += count;
  }
}

async function changeRow(
  { store, clock, random }: HourlyPlacesOptions,
  target: string,
  limit: number,
  wishes: readonly Wish[],
): Promise<Reserved> {
  const keys = toHourKeys(target);
  const count = wishes.reduce((sum, wish) => sum + wish.count, 0);
  const back = wishes.flatMap((wish) => wish.back).map(toSecond);
  for (let attempt = 0; attempt < conflictTries; attempt += 1) {
    const stored = await store.get(gatesTable, keys);
    const before = withoutPlaces(parsePlaces(stored?.columns["places"]), back);
    const result = reserveIn(before, { limit, windowMs: hourMs }, count, clock.now());
    const columns = { places: result.taken.map((time) => toSecond(time) / 1_000).join(" ") };
    const row = { ...keys, columns };
    try {
      await store.write(
        gatesTable,
        stored === undefined
          ? { kind: "insert", row }
          : { kind: "replace", row, etag: stored.etag },
      );
      return result;
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
    await clock.sleep(random() * Math.min(firstPauseMs * 2 ** attempt, longestPauseMs));
  }
  throw new TableError(
    "UNAVAILABLE",
    gatesTable,
    `${target}: the hourly budget's row is contended`,
  );
}

export function toHourKeys(target: string): RowKeys {
  return { partitionKey: target, rowKey: "hour" };
}

/** Kept to the second, never earlier than it is. */
function toSecond(place: number): number {
  return Math.ceil(place / 1_000) * 1_000;
}

export function parsePlaces(value: unknown): readonly number[] {
  if (typeof value !== "string" || value === "") return [];
  return value.split(" ").map((seconds) => Number(seconds) * 1_000);
}
