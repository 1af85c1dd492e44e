/*
 * Limits that are kept before a target is called. Calls in flight and per minute are this instance's
 * share of the target's; per hour (mail) is one row for all instances. A place may lie in the future:
 * the delivery is then put off to exactly that time and needs no other place when it comes back, so
 * that 1,000 mails over a quota of 90 come back once each and not every hour.
 */
import type { Clock } from "../platform/clock.ts";
import { isConflict, TableError } from "../platform/table-store.ts";
import type { TableStore } from "../platform/table-store.ts";
import { gatesTable } from "./gates.ts";

export interface Budget {
  readonly concurrency?: number;
  readonly perMinute?: number;
  readonly perHour?: number;
}

export interface Place {
  /** Epoch ms: when the call may be made or, without a reservation, when to ask again. */
  readonly at: number;
  /** False: all places that can be written down are given away; calling then would exceed the budget. */
  readonly isReserved: boolean;
}

export interface Budgets {
  /** Where each of `count` calls stands in the line. */
  reserve(target: string, budget: Budget, count: number): Promise<readonly Place[]>;
  /** Places that `reserve` gave and nothing was called for. */
  giveBack(target: string, budget: Budget, places: readonly number[]): Promise<void>;
  /** By target: this instance's calls of the last minute, where a budget counts them. */
  lastMinute(): Readonly<Record<string, number>>;
  /** Runs `work` when one of the instance's places in flight is free. */
  inFlight<T>(target: string, budget: Budget, work: () => Promise<T>): Promise<T>;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const hourRow = "hour";
/** Reservations are instants of 11 characters in one column of at most 32 K characters. */
const maxReservations = 2_500;
const conflictTries = 20;

/**
 * Places in a sliding window: never more than `limit` in any stretch of `windowMs`. `taken` is in order
 * of time; gives the new places, the first `reserved` of which are in what is taken afterwards.
 */
export function reserveIn(
  taken: readonly number[],
  window: Window,
  count: number,
  now: number,
): Reserved {
  const all = taken.filter((time) => time > now - window.windowMs);
  const limit = Math.min(window.limit, maxReservations);
  const reserved = Math.min(count, Math.max(0, maxReservations - all.length));
  const places: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const place = firstFree(all, { ...window, limit }, now);
    // Beyond what one row can hold the place is only a time to ask again.
    if (index < reserved) insert(all, place);
    places.push(place);
  }
  return { places, reserved, taken: all };
}

interface Window {
  readonly limit: number;
  readonly windowMs: number;
}

/** Places are given back when their time has come, so a gap is only ever found at `now`. */
function firstFree(taken: readonly number[], window: Window, now: number): number {
  const before = taken[taken.length - window.limit];
  const inLine = before === undefined ? now : before + window.windowMs;
  return inLine <= now || fits(taken, window, now) ? now : inLine;
}

/** Whether every stretch with one more at `place` stays within the limit. */
function fits(taken: readonly number[], { limit, windowMs }: Window, place: number): boolean {
  const index = taken.findLastIndex((other) => other <= place) + 1;
  const at = (position: number): number | undefined =>
    position === index ? place : taken[position < index ? position : position - 1];
  for (let last = index; last <= index + limit; last += 1) {
    const [end, start] = [at(last), at(last - limit)];
    if (end === undefined) return true;
    if (start !== undefined && end - start < windowMs) return false;
  }
  return true;
}

function insert(places: number[], place: number): void {
  const index = places.findLastIndex((other) => other <= place);
  places.splice(index + 1, 0, place);
}

/** `taken` without one entry for each of `places`, as far as they are there. */
export function withoutPlaces(
  taken: readonly number[],
  places: readonly number[],
): readonly number[] {
  const left = [...taken];
  for (const place of places) {
    const index = left.indexOf(place);
    if (index >= 0) left.splice(index, 1);
  }
  return left;
}

interface Reserved {
  readonly places: readonly number[];
  readonly reserved: number;
  readonly taken: readonly number[];
}

export function createBudgets(options: {
  readonly store: TableStore;
  readonly clock: Clock;
  readonly instances: number;
}): Budgets {
  const { store, clock, instances } = options;
  const minutes = new Map<string, readonly number[]>();
  const slots = new Map<string, Slots>();
  const reserveMinute = (target: string, limit: number, count: number): Reserved => {
    const window = { limit: shareOf(limit, instances), windowMs: minuteMs };
    const result = reserveIn(minutes.get(target) ?? [], window, count, clock.now());
    minutes.set(target, result.taken);
    return result;
  };
  return {
    reserve: async (target, budget, count) => {
      const now = clock.now();
      const hour =
        budget.perHour === undefined
          ? undefined
          : await reserveHour(store, target, budget.perHour, count, now);
      const minute =
        budget.perMinute === undefined ? undefined : reserveMinute(target, budget.perMinute, count);
      return Array.from({ length: count }, (_none, index): Place => {
        const at = Math.max(now, hour?.places[index] ?? now, minute?.places[index] ?? now);
        const reserved = Math.min(hour?.reserved ?? count, minute?.reserved ?? count);
        return { at, isReserved: index < reserved };
      });
    },
    giveBack: async (target, budget, places) => {
      if (places.length === 0) return;
      const taken = minutes.get(target);
      if (taken !== undefined) minutes.set(target, withoutPlaces(taken, places));
      if (budget.perHour !== undefined) await giveBackHour(store, target, places);
    },
    lastMinute: () => {
      const now = clock.now();
      const isRecent = (time: number): boolean => time > now - minuteMs && time <= now;
      const counts = [...minutes].map(([target, taken]) => [target, taken.filter(isRecent).length]);
      return Object.fromEntries(counts) as Readonly<Record<string, number>>;
    },
    inFlight: async (target, budget, work) => {
      if (budget.concurrency === undefined) return work();
      const places = slots.get(target) ?? new Slots(shareOf(budget.concurrency, instances));
      slots.set(target, places);
      await places.enter();
      try {
        return await work();
      } finally {
        places.leave();
      }
    },
  };
}

/** At least one: a budget smaller than the number of instances would stop the target. */
export function shareOf(limit: number, instances: number): number {
  return Math.max(1, Math.floor(limit / instances));
}

function reserveHour(
  store: TableStore,
  target: string,
  limit: number,
  count: number,
  now: number,
): Promise<Reserved> {
  return changeHour(store, target, (taken) =>
    reserveIn(taken, { limit, windowMs: hourMs }, count, now),
  );
}

async function giveBackHour(
  store: TableStore,
  target: string,
  places: readonly number[],
): Promise<void> {
  const seconds = places.map(toSecond);
  await changeHour(store, target, (before) => ({ taken: withoutPlaces(before, seconds) }));
}

/** Kept to the second, never earlier than it is. */
function toSecond(place: number): number {
  return Math.ceil(place / 1_000) * 1_000;
}

async function changeHour<T extends { readonly taken: readonly number[] }>(
  store: TableStore,
  target: string,
  change: (taken: readonly number[]) => T,
): Promise<T> {
  const keys = { partitionKey: target, rowKey: hourRow };
  for (let attempt = 0; attempt < conflictTries; attempt += 1) {
    const stored = await store.get(gatesTable, keys);
    const result = change(parsePlaces(stored?.columns["places"]));
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
  }
  throw new TableError(
    "UNAVAILABLE",
    gatesTable,
    `${target}: the hourly budget's row is contended`,
  );
}

/** Places in the hourly budget that were given away: epoch ms, past and future. */
export async function readHourlyPlaces(
  store: TableStore,
  target: string,
): Promise<readonly number[]> {
  const stored = await store.get(gatesTable, { partitionKey: target, rowKey: hourRow });
  return parsePlaces(stored?.columns["places"]);
}

function parsePlaces(value: unknown): readonly number[] {
  if (typeof value !== "string" || value === "") return [];
  return value.split(" ").map((seconds) => Number(seconds) * 1_000);
}

/** Places in flight; who finds none waits in line. */
class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  async enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
