/*
 * Limits that are kept before a target is called. Calls in flight and per minute are this instance's
 * share of the target's; per hour (mail) is one row for all instances. A place may lie in the future:
 * the delivery is then put off to exactly that time and needs no other place when it comes back, so
 * that 1,000 mails over a quota of 90 come back once each and not every hour.
 */
import type { Clock } from "../platform/clock.ts";
import type { TableStore } from "../platform/table-store.ts";
import { gatesTable } from "./gates.ts";
import { createHourlyPlaces, parsePlaces, toHourKeys } from "./hourly-places.ts";
import { reserveIn, withoutPlaces } from "./places.ts";
import type { Reserved } from "./places.ts";

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

export function createBudgets(options: {
  readonly store: TableStore;
  readonly clock: Clock;
  readonly instances: number;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
}): Budgets {
  const { clock, instances } = options;
  const hours = createHourlyPlaces(options);
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
          : await hours.reserve(target, budget.perHour, count);
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
      if (budget.perHour !== undefined) await hours.giveBack(target, budget.perHour, places);
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

/** Places in the hourly budget that were given away: epoch ms, past and future. */
export async function readHourlyPlaces(
  store: TableStore,
  target: string,
): Promise<readonly number[]> {
  const stored = await store.get(gatesTable, toHourKeys(target));
  return parsePlaces(stored?.columns["places"]);
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
