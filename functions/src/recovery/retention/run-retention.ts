/*
 * Retention (design 9, docs/decisions/0060). Each run does what is due, in this order, and one part's trouble
 * keeps no other from its work:
 *
 *   tell of undecided failures (once a day) → drop months → drop blobs → take bodies, day by day
 *
 * A run ends before the host's ten minutes; the next one, an hour later in the same night, goes on where it
 * ended. When nothing is due, a run is a handful of requests.
 */
import { asError, CausewayError } from "../../platform/causeway-error.ts";
import type { Telemetry } from "../../platform/telemetry.ts";
import { dropBlobs, dropMonths, firstDroppedMonth } from "./drop-months.ts";
import { escalateFailures } from "./escalate-failures.ts";
import type { EscalateDependencies } from "./escalate-failures.ts";
import { toDay } from "./look.ts";
import { takeDays } from "./take-days.ts";
import type { DaysDependencies, TakenDays } from "./take-days.ts";

export interface RetentionDependencies extends DaysDependencies, EscalateDependencies {
  readonly telemetry: Telemetry;
}

/** Under the host's ten minutes, with room for the page that is under way. */
const limitMs = 8 * 60_000;

export async function runRetention(on: RetentionDependencies): Promise<void> {
  const { catalog, clock, failures, settings } = on;
  const now = clock.now();
  const hasTime = (): boolean => clock.now() < now + limitMs;
  const done = { days: 0, bodies: 0, tables: 0, blobs: 0 };
  let taken: TakenDays | undefined;
  const troubles = await tryAll([
    () => escalateOnce(on, now),
    async () => {
      const month = firstDroppedMonth(now, settings.ledgerMonths);
      done.tables = await dropMonths({ catalog, store: failures.store }, month, hasTime);
    },
    async () => {
      done.blobs = await dropBlobs(on.bodies, now, settings.failureBodyDays, hasTime);
    },
    async () => {
      taken = await takeDays(on, hasTime);
      done.days = taken.days;
      done.bodies = taken.bodies;
    },
  ]);
  const [trouble] = troubles;
  const result = toResult(trouble, taken);
  on.telemetry.event("retention", { result, code: codeOf(trouble) }, done);
  for (const error of troubles) on.telemetry.error(error, { name: "retention" });
  if (trouble !== undefined) throw trouble;
}

function toResult(trouble: Error | undefined, taken: TakenDays | undefined): string {
  if (trouble !== undefined) return "failed";
  return taken?.isComplete === true ? "ok" : "unfinished";
}

async function escalateOnce(on: RetentionDependencies, now: number): Promise<void> {
  const today = toDay(now);
  if ((await on.cursors.cursor("escalated")) === today) return;
  await escalateFailures(on, now, on.settings);
  await on.cursors.setCursor("escalated", today);
}

async function tryAll(works: readonly (() => Promise<void>)[]): Promise<readonly Error[]> {
  const troubles: Error[] = [];
  for (const work of works) {
    try {
      await work();
    } catch (error) {
      troubles.push(asError(error));
    }
  }
  return troubles;
}

function codeOf(error: Error | undefined): string {
  if (error === undefined) return "";
  return error instanceof CausewayError ? String(error.code) : error.name;
}
