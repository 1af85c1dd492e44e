/** A point of .NET's calendar. `unspecified` times carry no zone and print without `Z`. */
export interface DateTime {
  /** 100-nanosecond steps since 0001-01-01T00:00:00. */
  readonly ticks: bigint;
  readonly kind: "utc" | "unspecified";
}

export interface DateParts {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** 100-nanosecond steps within the second, 0 to 9,999,999. */
  readonly fraction: number;
}

export const ticksPerSecond = 10_000_000n;
export const ticksPerMinute = 60n * ticksPerSecond;
export const ticksPerHour = 60n * ticksPerMinute;
export const ticksPerDay = 24n * ticksPerHour;
const ticksPerMs = 10_000n;
/** Ticks at 1970-01-01T00:00:00. */
const epochTicks = 621_355_968_000_000_000n;
/** The first tick after 9999-12-31. */
const endTicks = 3_155_378_976_000_000_000n;

export function isInRange(ticks: bigint): boolean {
  return ticks >= 0n && ticks < endTicks;
}

export function fromEpochMs(epochMs: number): DateTime {
  return { ticks: epochTicks + BigInt(Math.trunc(epochMs)) * ticksPerMs, kind: "utc" };
}

/** Whole milliseconds since 1970; finer digits are cut. */
export function toEpochMs(time: DateTime): number {
  const sinceEpoch = time.ticks - epochTicks;
  const ms = sinceEpoch / ticksPerMs;
  return Number(sinceEpoch % ticksPerMs < 0n ? ms - 1n : ms);
}

export function toParts(time: DateTime): DateParts {
  const date = new Date(toEpochMs(time));
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    fraction: Number(time.ticks % ticksPerSecond),
  };
}

/** Undefined when the parts name no real moment (February 30, 24:30, year 0). */
export function fromParts(parts: DateParts, kind: DateTime["kind"]): DateTime | undefined {
  const { year, month, day, hour, minute, second } = parts;
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return undefined;
  if (day > daysInMonth(year, month) || hour > 23 || minute > 59 || second > 59) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return { ticks: fromEpochMs(date.getTime()).ticks + BigInt(parts.fraction), kind };
}

function daysInMonth(year: number, month: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month, 0);
  return date.getUTCDate();
}

/** 0 = Sunday. */
export function dayOfWeek(time: DateTime): number {
  return Number((time.ticks / ticksPerDay + 1n) % 7n);
}

export function dayOfYear(time: DateTime): number {
  const start = fromParts(
    { year: toParts(time).year, month: 1, day: 1, hour: 0, minute: 0, second: 0, fraction: 0 },
    time.kind,
  );
  return Number((time.ticks - (start?.ticks ?? 0n)) / ticksPerDay) + 1;
}

/** Adds months as .NET does: January 31 plus one month is the last day of February. */
export function addMonths(time: DateTime, months: number): DateTime | undefined {
  const parts = toParts(time);
  const index = parts.year * 12 + parts.month - 1 + months;
  const year = Math.floor(index / 12);
  const month = (index % 12) + 1;
  if (year < 1 || year > 9999) return undefined;
  return fromParts(
    { ...parts, year, month, day: Math.min(parts.day, daysInMonth(year, month)) },
    time.kind,
  );
}

/** The round-trip format, `2018-03-15T00:00:00.0000000Z`: what the language answers unless told otherwise. */
export function toRoundTrip(time: DateTime): string {
  const seconds = new Date(toEpochMs(time)).toISOString().slice(0, 19);
  const fraction = String(time.ticks % ticksPerSecond).padStart(7, "0");
  return `${seconds}.${fraction}${time.kind === "utc" ? "Z" : ""}`;
}

/** .NET's constant format of a time span: `[-][d.]hh:mm:ss[.fffffff]`. */
export function toTimeSpan(ticks: bigint): string {
  const size = ticks < 0n ? -ticks : ticks;
  const two = (value: bigint): string => String(value).padStart(2, "0");
  const days = size / ticksPerDay;
  const fraction = size % ticksPerSecond;
  const clock = [
    two((size % ticksPerDay) / ticksPerHour),
    two((size % ticksPerHour) / ticksPerMinute),
    two((size % ticksPerMinute) / ticksPerSecond),
  ].join(":");
  return [
    ticks < 0n ? "-" : "",
    days > 0n ? `${days.toString()}.` : "",
    clock,
    fraction > 0n ? `.${String(fraction).padStart(7, "0")}` : "",
  ].join("");
}

/** Milliseconds of an ISO 8601 duration (`PT30S`, `P1DT2H`); undefined for anything else. Months count 30 days. */
export function parseDurationMs(text: string): number | undefined {
  const match =
    /^(-)?P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i.exec(
      text,
    );
  if (match === null || !/\d/.test(text)) return undefined;
  const unitMs = [
    365 * 86_400_000,
    30 * 86_400_000,
    7 * 86_400_000,
    86_400_000,
    3_600_000,
    60_000,
    1000,
  ];
  const ms = unitMs.reduce((sum, unit, index) => sum + Number(match[index + 2] ?? 0) * unit, 0);
  return match[1] === undefined ? ms : -ms;
}
