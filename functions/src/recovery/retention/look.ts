/** One look at everything of one day (UTC). */
export interface Look {
  /** `yyyymmdd` */
  readonly day: string;
  /** Epoch ms; `endsAt` is not part of the day. */
  readonly startsAt: number;
  readonly endsAt: number;
  /** Whatever still has a body loses it, settled or not. */
  readonly isFinal: boolean;
  readonly now: number;
  /** How long a body is kept after settling. */
  readonly bodyMs: number;
}

/** What a look came to. */
export interface Looked {
  /** Bodies taken. */
  readonly taken: number;
  /** The earliest time at which what kept its body can lose it, epoch ms; null: nothing is left. */
  readonly leftUntil: number | null;
}

export const dayMs = 86_400_000;
export const nothingFound: Looked = { taken: 0, leftUntil: null };

export function toLook(
  day: string,
  now: number,
  days: { readonly bodyDays: number; readonly failureBodyDays: number },
): Look {
  const startsAt = Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6, 8)}T00:00:00Z`);
  const endsAt = startsAt + dayMs;
  const isFinal = now >= toFinalLook(endsAt, days.failureBodyDays);
  return { day, startsAt, endsAt, isFinal, now, bodyMs: days.bodyDays * dayMs };
}

export function toFinalLook(endsAt: number, failureBodyDays: number): number {
  return endsAt + failureBodyDays * dayMs;
}

/** `yyyymmdd` of an instant. */
export function toDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10).replaceAll("-", "");
}

/** Null: its body goes now. Else when it goes at the earliest; `settledAt` is null for what is not settled. */
export function keptUntil(look: Look, settledAt: number | null): number | null {
  if (look.isFinal) return null;
  // What settles after this look is due this much later at the earliest.
  const due = (settledAt ?? look.now) + look.bodyMs;
  return due > look.now ? due : null;
}

export function earlier(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

export function addLooked(a: Looked, b: Looked): Looked {
  return { taken: a.taken + b.taken, leftUntil: earlier(a.leftUntil, b.leftUntil) };
}
