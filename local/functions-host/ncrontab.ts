import { FunctionsHostError } from "./functions-host-error.ts";
import { parseTimeSpan } from "./host-json.ts";

/** When a timer fires, in milliseconds since 1970 (UTC: Linux plans know no other time zone). */
export interface Schedule {
  next(afterMs: number): number;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split(" ");
const DAYS = "sun mon tue wed thu fri sat".split(" ");
const FIELDS: readonly Field[] = [
  { name: "second", min: 0, max: 59 },
  { name: "minute", min: 0, max: 59 },
  { name: "hour", min: 0, max: 23 },
  { name: "day", min: 1, max: 31 },
  { name: "month", min: 1, max: 12, names: MONTHS },
  { name: "day of week", min: 0, max: 7, names: DAYS },
];
const DAY_MS = 86_400_000;
/** 29 February on a given weekday comes back within 28 years; across 2100, which is no leap year, 40. */
const SEARCH_DAYS = 366 * 41;

/** NCRONTAB with six fields, five (then at second 0), or a time span between runs. */
export function parseSchedule(text: string): Schedule {
  const spanMs = parseTimeSpan(text);
  if (spanMs !== undefined && spanMs > 0) return { next: (afterMs) => afterMs + spanMs };
  const parts = text.trim().split(/\s+/);
  const fields = parts.length === 5 ? ["0", ...parts] : parts;
  if (fields.length !== 6) throw invalid(text, "it has neither five nor six fields");
  const [seconds, minutes, hours, days, months, weekdays] = FIELDS.map((field, index) =>
    parseField(fields[index] ?? "", field, text),
  ).map((values) => [...values].sort((a, b) => a - b));
  if (!seconds || !minutes || !hours || !days || !months || !weekdays) throw invalid(text, "");
  const isDay = (date: Date): boolean =>
    days.includes(date.getUTCDate()) &&
    months.includes(date.getUTCMonth() + 1) &&
    (weekdays.includes(date.getUTCDay()) || (weekdays.includes(7) && date.getUTCDay() === 0));
  return { next: (afterMs) => findNext(text, afterMs, isDay, [hours, minutes, seconds]) };
}

function findNext(
  text: string,
  afterMs: number,
  isDay: (date: Date) => boolean,
  times: readonly [readonly number[], readonly number[], readonly number[]],
): number {
  const startOfDay = Math.floor(afterMs / DAY_MS) * DAY_MS;
  for (let day = 0; day < SEARCH_DAYS; day += 1) {
    const dayMs = startOfDay + day * DAY_MS;
    if (!isDay(new Date(dayMs))) continue;
    const found = findTime(dayMs, afterMs, times);
    if (found !== undefined) return found;
  }
  throw invalid(text, "it never comes");
}

function findTime(
  dayMs: number,
  afterMs: number,
  [hours, minutes, seconds]: readonly [readonly number[], readonly number[], readonly number[]],
): number | undefined {
  for (const hour of hours) {
    if (dayMs + (hour + 1) * 3_600_000 <= afterMs) continue;
    for (const minute of minutes) {
      const minuteMs = dayMs + (hour * 60 + minute) * 60_000;
      const second = seconds.find((value) => minuteMs + value * 1000 > afterMs);
      if (second !== undefined) return minuteMs + second * 1000;
    }
  }
  return undefined;
}

function parseField(text: string, field: Field, schedule: string): ReadonlySet<number> {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^(\*|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/(\d+))?$/i.exec(part);
    if (match === null) throw invalid(schedule, `the ${field.name} "${part}" is not understood`);
    const [, range, from, to, stepText] = match;
    const step = Number(stepText ?? "1");
    const first = range === "*" ? field.min : toValue(from, field);
    const last =
      to !== undefined
        ? toValue(to, field)
        : range === "*" || stepText !== undefined
          ? field.max
          : first;
    if (!(first >= field.min && last <= field.max && first <= last && step > 0)) {
      throw invalid(schedule, `the ${field.name} "${part}" is outside ${field.min}-${field.max}`);
    }
    for (let value = first; value <= last; value += step) values.add(value);
  }
  return values;
}

function toValue(text: string | undefined, field: Field): number {
  const index = field.names?.indexOf((text ?? "").toLowerCase().slice(0, 3)) ?? -1;
  return index >= 0 ? index + field.min : Number(text);
}

function invalid(schedule: string, why: string): FunctionsHostError {
  return new FunctionsHostError(
    "SCHEDULE_INVALID",
    `The schedule '${schedule}' is not valid: ${why}`,
  );
}
