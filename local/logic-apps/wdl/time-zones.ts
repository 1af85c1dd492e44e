import { findIana } from "windows-iana";
import { type DateTime, fromEpochMs, isInRange, ticksPerSecond, toEpochMs } from "./date-time.ts";
import { WorkflowExpressionError } from "./expression-error.ts";

const formats = new Map<string, Intl.DateTimeFormat>();

/** A time zone by the name Windows gives it; the runtime knows no others. */
function getFormat(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone.toLowerCase());
  if (format === undefined) {
    const iana = /^(utc|coordinated universal time)$/i.test(zone) ? "UTC" : findZone(zone);
    if (iana === undefined) {
      throw new WorkflowExpressionError(
        "ARGUMENT",
        `The time zone id '${zone}' is not a known Windows time zone.`,
      );
    }
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: iana,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
      era: "short",
    });
    formats.set(zone.toLowerCase(), format);
  }
  return format;
}

function findZone(zone: string): string | undefined {
  return findIana(zone)[0];
}

/** Seconds by which the zone's clocks are ahead of UTC at this moment. */
function offsetSeconds(format: Intl.DateTimeFormat, epochMs: number): number {
  const parts = new Map(
    format.formatToParts(new Date(epochMs)).map((part) => [part.type, part.value]),
  );
  const number = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type) ?? 0);
  const year = parts.get("era") === "BC" ? 1 - number("year") : number("year");
  const local = new Date(0);
  local.setUTCFullYear(year, number("month") - 1, number("day"));
  local.setUTCHours(number("hour"), number("minute"), number("second"));
  return Math.round((local.getTime() - Math.floor(epochMs / 1000) * 1000) / 1000);
}

/** The wall clock of a zone at a UTC moment; UTC itself stays UTC. */
export function toZone(time: DateTime, zone: string): DateTime {
  const format = getFormat(zone);
  if (format.resolvedOptions().timeZone === "UTC") return { ticks: time.ticks, kind: "utc" };
  const seconds = offsetSeconds(format, toEpochMs(time));
  return inRange(
    { ticks: time.ticks + BigInt(seconds) * ticksPerSecond, kind: "unspecified" },
    zone,
  );
}

/** The UTC moment of a zone's wall clock: standard time when clocks show it twice, an error when never. */
export function fromZone(time: DateTime, zone: string): DateTime {
  const format = getFormat(zone);
  const wallMs = toEpochMs(time);
  const dayMs = 86_400_000;
  const offsets = [
    ...new Set([wallMs - dayMs, wallMs + dayMs].map((ms) => offsetSeconds(format, ms))),
  ];
  const fitting = offsets.filter(
    (seconds) => offsetSeconds(format, wallMs - seconds * 1000) === seconds,
  );
  // The smaller offset is the later moment: standard time.
  const seconds = fitting.length === 0 ? undefined : Math.min(...fitting);
  if (seconds === undefined) {
    throw new WorkflowExpressionError(
      "ARGUMENT",
      `The time does not exist in the time zone '${zone}': clocks skip it.`,
    );
  }
  return inRange({ ticks: time.ticks - BigInt(seconds) * ticksPerSecond, kind: "utc" }, zone);
}

function inRange(time: DateTime, zone: string): DateTime {
  if (!isInRange(time.ticks)) {
    throw new WorkflowExpressionError("ARGUMENT", `The time is out of range in '${zone}'.`);
  }
  return time;
}

export function nowFrom(
  text: string | undefined,
  parse: (text: string) => DateTime | undefined,
): DateTime {
  const given = text === undefined ? undefined : parse(text);
  return given === undefined ? fromEpochMs(Date.now()) : { ...given, kind: "utc" };
}
