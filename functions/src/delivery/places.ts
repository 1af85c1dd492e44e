/** Reservations are instants of 11 characters in one column of at most 32 K characters. */
const maxReservations = 2_500;

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

export interface Reserved {
  readonly places: readonly number[];
  readonly reserved: number;
  readonly taken: readonly number[];
}
