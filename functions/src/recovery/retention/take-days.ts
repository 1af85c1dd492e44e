/*
 * A day (of EventTime; of a failure's last call; on which an edit or a replay began) goes
 *
 *   never looked at ──bodyDays after its end──► looked at ──something kept its body──► looked at when the first
 *        of it is due ──► … ──failureBodyDays after its end──► final look ──► forgotten
 *
 * What has just been looked at is written down before the cursor moves on: ended anywhere, a run looks at a
 * day once more and finds done what was done. Days that nobody looked at while the timer stood still are next.
 */
import type { BodyStore } from "../../platform/body-store.ts";
import type { RetentionSettings } from "../../platform/config.ts";
import type { Clock } from "../../platform/clock.ts";
import type { TableCatalog } from "../../platform/table-catalog.ts";
import type { FailureStore } from "../failure-store.ts";
import { addLooked, dayMs, toDay, toFinalLook, toLook } from "./look.ts";
import type { Look, Looked } from "./look.ts";
import { firstDroppedMonth } from "./drop-months.ts";
import type { KnownDay, RetentionStore } from "./retention-store.ts";
import { takeEdits, takeReplays } from "./take-copies.ts";
import { takeEventBodies } from "./take-event-bodies.ts";
import { takeFailureBodies } from "./take-failure-bodies.ts";

export interface DaysDependencies {
  readonly failures: FailureStore;
  readonly bodies: BodyStore;
  readonly catalog: TableCatalog;
  readonly cursors: RetentionStore;
  readonly clock: Clock;
  readonly settings: RetentionSettings;
}

export interface TakenDays {
  readonly days: number;
  readonly bodies: number;
  /** False: time was up, and the rest is for the next run. */
  readonly isComplete: boolean;
}

export async function takeDays(on: DaysDependencies, hasTime: () => boolean): Promise<TakenDays> {
  const now = on.clock.now();
  let days = 0;
  let bodies = 0;
  const look = async (known: KnownDay): Promise<boolean> => {
    const looked = await lookAt(on, known, now, hasTime);
    days += 1;
    bodies += looked.taken;
    return looked.isComplete;
  };
  for (const known of await on.cursors.dueDays(now)) {
    if (!hasTime() || !(await look(known))) return { days, bodies, isComplete: false };
  }
  const newest = toDay(now - on.settings.bodyDays * dayMs - dayMs);
  for (let day = await firstDay(on, newest); day <= newest; day = nextDay(day)) {
    if (!hasTime()) return { days, bodies, isComplete: false };
    const isComplete = await look({ day, lookAt: now, place: null, leftUntil: null });
    await on.cursors.setCursor("days", nextDay(day));
    if (!isComplete) return { days, bodies, isComplete };
  }
  return { days, bodies, isComplete: true };
}

/** Where the last run ended, else the first day of the oldest month that there is. */
async function firstDay({ catalog, cursors }: DaysDependencies, newest: string): Promise<string> {
  const known = await cursors.cursor("days");
  if (known !== undefined) return known;
  const months = (await catalog.names()).flatMap((name) => /^ledger(\d{6})$/.exec(name)?.[1] ?? []);
  const [oldest] = months.sort();
  return oldest === undefined ? newest : `${oldest}01`;
}

function nextDay(day: string): string {
  const at = Date.parse(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6, 8)}T00:00:00Z`);
  return toDay(at + dayMs);
}

async function lookAt(
  on: DaysDependencies,
  known: KnownDay,
  now: number,
  hasTime: () => boolean,
): Promise<{ readonly taken: number; readonly isComplete: boolean }> {
  const { day, leftUntil, place } = known;
  const look = toLook(day, now, on.settings);
  const store = on.failures.store;
  const events = await takeEventBodies({ store, bodies: on.bodies }, look, place, hasTime);
  const before = addLooked({ taken: 0, leftUntil }, events);
  if (events.place !== null) {
    await on.cursors.saveDay({
      ...{ day, lookAt: now, place: events.place, leftUntil: before.leftUntil },
    });
    return { taken: events.taken, isComplete: false };
  }
  const looked = addLooked(before, await takeOthers(on, look));
  await saveLooked(on, look, looked);
  return { taken: looked.taken, isComplete: true };
}

async function takeOthers({ failures, settings }: DaysDependencies, look: Look): Promise<Looked> {
  const { store } = failures;
  const dropped = firstDroppedMonth(look.now, settings.ledgerMonths);
  const ofFailures = await takeFailureBodies(failures, look);
  const ofEdits = await takeEdits(store, look);
  return addLooked(addLooked(ofFailures, ofEdits), await takeReplays(store, look, dropped));
}

/** A final look that met somebody else's change is made once more. */
async function saveLooked(
  { cursors, settings }: DaysDependencies,
  look: Look,
  { leftUntil }: Looked,
): Promise<void> {
  const { day, isFinal } = look;
  if (isFinal && leftUntil === null) return cursors.forgetDay(day);
  const final = toFinalLook(look.endsAt, settings.failureBodyDays);
  const lookAt = isFinal ? (leftUntil ?? final) : Math.min(leftUntil ?? final, final);
  // Everything that it says of the day is known by now: what comes late is found by the final look.
  await cursors.saveDay({ day, lookAt, place: null, leftUntil: null });
}
