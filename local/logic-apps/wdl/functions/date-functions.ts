import type { EvaluationContext, FunctionTable, WdlFunction } from "../context.ts";
import {
  type DateTime,
  addMonths,
  dayOfWeek,
  dayOfYear,
  isInRange,
  ticksPerDay,
  ticksPerHour,
  ticksPerMinute,
  ticksPerSecond,
  toParts,
  toRoundTrip,
  toTimeSpan,
} from "../date-time.ts";
import { argumentError } from "../expression-error.ts";
import { formatDate } from "../format-date.ts";
import { parseDate, parseDateExact } from "../parse-date.ts";
import { fromZone, nowFrom, toZone } from "../time-zones.ts";
import { type WdlValue, toInteger } from "../values.ts";
import { argument, integerArgument, optionalString, stringArgument } from "./arguments.ts";

/** https://learn.microsoft.com/azure/logic-apps/expression-functions-reference#date-and-time-functions */
export const dateFunctions: FunctionTable = {
  addDays: adder("addDays", ticksPerDay),
  addHours: adder("addHours", ticksPerHour),
  addMinutes: adder("addMinutes", ticksPerMinute),
  addSeconds: adder("addSeconds", ticksPerSecond),
  addToTime: {
    min: 3,
    max: 4,
    call: (args) => shift("addToTime", timeArgument("addToTime", args, 0), args, 1, 1),
  },
  subtractFromTime: {
    min: 3,
    max: 4,
    call: (args) =>
      shift("subtractFromTime", timeArgument("subtractFromTime", args, 0), args, 1, -1),
  },
  getFutureTime: {
    min: 2,
    max: 3,
    call: (args, context) => shift("getFutureTime", now(context), args, 0, 1),
  },
  getPastTime: {
    min: 2,
    max: 3,
    call: (args, context) => shift("getPastTime", now(context), args, 0, -1),
  },
  convertFromUtc: {
    min: 2,
    max: 3,
    call: (args) => {
      const time = timeArgument("convertFromUtc", args, 0);
      return format(
        "convertFromUtc",
        toZone(time, stringArgument("convertFromUtc", args, 1)),
        args,
        2,
      );
    },
  },
  convertToUtc: {
    min: 2,
    max: 3,
    call: (args) => {
      const time = timeArgument("convertToUtc", args, 0);
      return format("convertToUtc", inUtc(time, stringArgument("convertToUtc", args, 1)), args, 2);
    },
  },
  convertTimeZone: { min: 3, max: 4, call: (args) => convertTimeZone(args) },
  dateDifference: {
    min: 2,
    max: 2,
    call: (args) =>
      toTimeSpan(
        timeArgument("dateDifference", args, 1).ticks -
          timeArgument("dateDifference", args, 0).ticks,
      ),
  },
  dayOfMonth: { min: 1, max: 1, call: (args) => toParts(timeArgument("dayOfMonth", args, 0)).day },
  dayOfWeek: { min: 1, max: 1, call: (args) => dayOfWeek(timeArgument("dayOfWeek", args, 0)) },
  dayOfYear: { min: 1, max: 1, call: (args) => dayOfYear(timeArgument("dayOfYear", args, 0)) },
  formatDateTime: {
    min: 1,
    max: 3,
    call: (args) => {
      const time = timeArgument("formatDateTime", args, 0);
      return formatDate(
        time,
        optionalString("formatDateTime", args, 1),
        optionalString("formatDateTime", args, 2),
      );
    },
  },
  parseDateTime: { min: 1, max: 3, call: (args) => parseDateTime(args) },
  startOfDay: starter("startOfDay", (time) => ({
    ...time,
    ticks: floorTo(time.ticks, ticksPerDay),
  })),
  startOfHour: starter("startOfHour", (time) => ({
    ...time,
    ticks: floorTo(time.ticks, ticksPerHour),
  })),
  startOfMonth: starter("startOfMonth", (time) => ({
    ...time,
    ticks: floorTo(time.ticks, ticksPerDay) - BigInt(toParts(time).day - 1) * ticksPerDay,
  })),
  ticks: { min: 1, max: 1, call: (args) => toInteger(timeArgument("ticks", args, 0).ticks) },
  utcNow: {
    min: 0,
    max: 1,
    call: (args, context) => format("utcNow", now(context), args, 0),
  },
};

function now(context: EvaluationContext): DateTime {
  return nowFrom(context.now, parseDate);
}

function timeArgument(name: string, args: readonly WdlValue[], index: number): DateTime {
  const text = stringArgument(name, args, index);
  const time = parseDate(text);
  if (time === undefined) {
    throw argumentError(
      name,
      `was invoked with the timestamp '${text}', which is not a valid date and time (ISO 8601 preferred).`,
    );
  }
  return time;
}

function format(name: string, time: DateTime, args: readonly WdlValue[], index: number): string {
  return formatDate(time, optionalString(name, args, index));
}

function inRange(name: string, time: DateTime | undefined): DateTime {
  if (time === undefined || !isInRange(time.ticks)) {
    throw argumentError(name, "made a date outside of the years 1 to 9999.");
  }
  return time;
}

function adder(name: string, unit: bigint): WdlFunction {
  return {
    min: 2,
    max: 3,
    call: (args) => {
      const time = timeArgument(name, args, 0);
      const ticks = time.ticks + BigInt(integerArgument(name, args, 1)) * unit;
      return format(name, inRange(name, { ...time, ticks }), args, 2);
    },
  };
}

function starter(name: string, toStart: (time: DateTime) => DateTime): WdlFunction {
  return {
    min: 1,
    max: 2,
    call: (args) => format(name, toStart(timeArgument(name, args, 0)), args, 1),
  };
}

function floorTo(ticks: bigint, unit: bigint): bigint {
  return ticks - (ticks % unit);
}

const units: Readonly<Record<string, bigint>> = {
  second: ticksPerSecond,
  minute: ticksPerMinute,
  hour: ticksPerHour,
  day: ticksPerDay,
  week: 7n * ticksPerDay,
};

/** `args[at]` is the interval, then the unit, then the format. */
function shift(
  name: string,
  time: DateTime,
  args: readonly WdlValue[],
  at: number,
  sign: 1 | -1,
): string {
  const interval = integerArgument(name, args, at) * sign;
  const unit = stringArgument(name, args, at + 1).toLowerCase();
  const ticks = units[unit];
  if (ticks !== undefined) {
    const moved = { ...time, ticks: time.ticks + BigInt(interval) * ticks };
    return format(name, inRange(name, moved), args, at + 2);
  }
  if (unit !== "month" && unit !== "year") {
    throw argumentError(
      name,
      `does not know the time unit '${unit}'; it can be 'Second', 'Minute', 'Hour', 'Day', 'Week', 'Month' or 'Year'.`,
    );
  }
  const moved = addMonths(time, interval * (unit === "year" ? 12 : 1));
  return format(name, inRange(name, moved), args, at + 2);
}

/** A time that says it is UTC needs no conversion. */
function inUtc(time: DateTime, zone: string): DateTime {
  return time.kind === "utc" ? time : fromZone(time, zone);
}

function convertTimeZone(args: readonly WdlValue[]): string {
  const name = "convertTimeZone";
  const time = timeArgument(name, args, 0);
  const source = stringArgument(name, args, 1);
  const target = stringArgument(name, args, 2);
  return format(name, toZone(inUtc(time, source), target), args, 3);
}

function parseDateTime(args: readonly WdlValue[]): string {
  const text = stringArgument("parseDateTime", args, 0);
  const locale = optionalString("parseDateTime", args, 1);
  const exact = argument(args, 2) === null ? undefined : stringArgument("parseDateTime", args, 2);
  const time = exact === undefined ? parseDate(text, locale) : parseDateExact(text, exact, locale);
  if (time === undefined) {
    throw argumentError("parseDateTime", `cannot read '${text}' as a date and time.`);
  }
  return toRoundTrip(time);
}
