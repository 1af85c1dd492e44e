import { type Culture, getCulture } from "./culture.ts";
import {
  type DateParts,
  type DateTime,
  fromParts,
  isInRange,
  ticksPerMinute,
} from "./date-time.ts";
import { tokenizeFormat } from "./format-date.ts";

const isoPattern =
  /^(\d{4})-(\d{1,2})(?:-(\d{1,2}))?(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/i;

/** Reads a time as .NET's DateTime.Parse does in a culture; with an offset it becomes UTC. */
export function parseDate(text: string, locale?: string): DateTime | undefined {
  const trimmed = text.trim();
  const iso = isoPattern.exec(trimmed);
  if (iso !== null) {
    const number = (index: number, otherwise: number): number =>
      iso[index] === undefined ? otherwise : Number(iso[index]);
    const parts = {
      year: number(1, 1),
      month: number(2, 1),
      day: number(3, 1),
      hour: number(4, 0),
      minute: number(5, 0),
      second: number(6, 0),
      fraction: readFraction(iso[7]),
    };
    return applyOffset(parts, iso[8]);
  }
  return parseLoose(trimmed, getCulture(locale));
}

/** Digits of a second's fraction as 100-ns steps; finer digits are cut. */
function readFraction(digits: string | undefined): number {
  return digits === undefined ? 0 : Number(digits.padEnd(7, "0").slice(0, 7));
}

function applyOffset(parts: DateParts, offset: string | undefined): DateTime | undefined {
  const time = fromParts(parts, offset === undefined ? "unspecified" : "utc");
  if (time === undefined || offset === undefined || /^(Z|GMT|UTC)$/i.test(offset)) return time;
  const match = /^([+-])(\d{1,2}):?(\d{2})?$/.exec(offset);
  if (match === null) return undefined;
  const minutes = (Number(match[2]) * 60 + Number(match[3] ?? 0)) * (match[1] === "-" ? -1 : 1);
  const ticks = time.ticks - BigInt(minutes) * ticksPerMinute;
  return isInRange(ticks) ? { ticks, kind: "utc" } : undefined;
}

const timePattern =
  /(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s*([AaPp])?\.?(?:[Mm]\.?)?\s*(Z|GMT|UTC|[+-]\d{1,2}:?\d{2})?$/;
const hourOnlyPattern = /\s(\d{1,2})\s*([AaPp])[Mm]$/;

/** Anything that is not ISO: words are month and day names, numbers stand in the culture's order. */
function parseLoose(text: string, culture: Culture): DateTime | undefined {
  const clock = readClock(text);
  if (clock === undefined) return undefined;
  const day = readDay(text.slice(0, clock.start), culture);
  if (day === undefined) return undefined;
  return applyOffset({ ...day, ...clock.parts }, clock.offset);
}

interface Clock {
  readonly start: number;
  readonly parts: Pick<DateParts, "hour" | "minute" | "second" | "fraction">;
  readonly offset: string | undefined;
}

function readClock(text: string): Clock | undefined {
  const full = timePattern.exec(text);
  const short = full === null ? hourOnlyPattern.exec(text) : null;
  const match = full ?? short;
  if (match === null) {
    const parts = { hour: 0, minute: 0, second: 0, fraction: 0 };
    return { start: text.length, parts, offset: undefined };
  }
  const half = (full === null ? match[2] : match[5])?.toLowerCase();
  const hour = to24Hours(Number(match[1]), half);
  if (hour === undefined) return undefined;
  const parts = {
    hour,
    minute: full === null ? 0 : Number(full[2]),
    second: Number(full?.[3] ?? 0),
    fraction: readFraction(full?.[4]),
  };
  return { start: match.index, parts, offset: full?.[6] };
}

function to24Hours(hour: number, half: string | undefined): number | undefined {
  if (half === undefined || half === "") return hour;
  if (hour < 1 || hour > 12) return undefined;
  return (hour % 12) + (half.startsWith("p") ? 12 : 0);
}

function readDay(
  text: string,
  culture: Culture,
): Pick<DateParts, "year" | "month" | "day"> | undefined {
  const tokens = text.match(/\d+|[\p{L}\p{M}]+\.?/gu) ?? [];
  if (/[^\d\p{L}\p{M}\s.,/T-]/u.test(text)) return undefined;
  const numbers: string[] = [];
  let month: number | undefined;
  for (const token of tokens) {
    if (/^\d/.test(token)) numbers.push(token);
    else {
      const found = findName(token, culture.months, culture.shortMonths);
      if (found !== undefined && month === undefined) month = found + 1;
      else if (!isFiller(token, culture)) return undefined;
    }
  }
  return month === undefined ? orderNumbers(numbers, culture) : orderWithMonth(numbers, month);
}

function orderWithMonth(
  numbers: readonly string[],
  month: number,
): Pick<DateParts, "year" | "month" | "day"> | undefined {
  const yearAt = numbers.findIndex((digits) => digits.length === 4);
  if (numbers.length === 1 && yearAt === 0) return { year: Number(numbers[0]), month, day: 1 };
  if (numbers.length !== 2) return undefined;
  const yearIndex = yearAt < 0 ? 1 : yearAt;
  return { year: toYear(numbers[yearIndex] ?? ""), month, day: Number(numbers[1 - yearIndex]) };
}

function orderNumbers(
  numbers: readonly string[],
  culture: Culture,
): Pick<DateParts, "year" | "month" | "day"> | undefined {
  if (numbers.length !== 3) return undefined;
  const [first = "", second = "", third = ""] = numbers;
  if (first.length === 4) return { year: Number(first), month: Number(second), day: Number(third) };
  const order = culture.shortDate.replaceAll(/[^dMy]/g, "").replaceAll(/(.)\1+/g, "$1");
  const isDayFirst = order.indexOf("d") < order.indexOf("M");
  return {
    year: toYear(third),
    month: Number(isDayFirst ? second : first),
    day: Number(isDayFirst ? first : second),
  };
}

/** Two digits mean 1950 to 2049, .NET's window until 2029 is moved. */
function toYear(digits: string): number {
  const year = Number(digits);
  if (digits.length > 2) return year;
  return year < 50 ? 2000 + year : 1900 + year;
}

function findName(token: string, ...lists: readonly (readonly string[])[]): number | undefined {
  const bare = (name: string): string => name.replace(/\.$/, "").toLowerCase();
  for (const names of lists) {
    const index = names.findIndex((name) => bare(name) === bare(token));
    if (index >= 0) return index;
  }
  return undefined;
}

/** Day names carry nothing new; `de`, `T` and ordinal letters stand between the numbers of some cultures. */
function isFiller(token: string, culture: Culture): boolean {
  return (
    findName(token, culture.days, culture.shortDays) !== undefined ||
    ["de", "t", "del"].includes(token.toLowerCase())
  );
}

/** Reads a time that has exactly the given custom format. */
export function parseDateExact(
  text: string,
  format: string,
  locale?: string,
): DateTime | undefined {
  const culture = getCulture(locale);
  const fields = new Map<string, string>();
  let at = 0;
  for (const token of tokenizeFormat(format)) {
    const pattern = tokenToPattern(token, culture);
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found === undefined) return undefined;
    at += found.length;
    fields.set(token[0] ?? "", found);
    if (/^[dM]{3,}$/.test(token)) fields.set(`${token[0] ?? ""}name`, found);
    else if (/^[dM]/.test(token)) fields.set(`${token[0] ?? ""}number`, found);
  }
  return at === text.length ? fromFields(fields, culture) : undefined;
}

function tokenToPattern(token: string, culture: Culture): RegExp {
  const width = token.length;
  const names = (list: readonly string[]): RegExp =>
    new RegExp(
      [...list]
        .sort((a, b) => b.length - a.length)
        .map(escapePattern)
        .join("|"),
      "iy",
    );
  switch (token[0]) {
    case "d":
      if (width > 2) return names(width === 3 ? culture.shortDays : culture.days);
      return width === 2 ? /\d{2}/y : /\d{1,2}/y;
    case "M":
      if (width > 2) return names(width === 3 ? culture.shortMonths : culture.months);
      return width === 2 ? /\d{2}/y : /\d{1,2}/y;
    case "h":
    case "H":
    case "m":
    case "s":
      return width === 2 ? /\d{2}/y : /\d{1,2}/y;
    case "y":
      return new RegExp(`\\d{${Math.max(width, 1)}}`, "y");
    case "f":
      return new RegExp(`\\d{${width}}`, "y");
    case "F":
      return new RegExp(`\\d{0,${width}}`, "y");
    case "t":
      return names(
        [culture.am, culture.pm].map((name) => name.slice(0, width === 1 ? 1 : undefined)),
      );
    case "K":
      return /Z|[+-]\d{2}:\d{2}|/y;
    case "z":
      return width === 3 ? /[+-]\d{2}:\d{2}/y : /[+-]\d{1,2}/y;
    default:
      return new RegExp(escapePattern(literalOf(token, culture)), "y");
  }
}

function literalOf(token: string, culture: Culture): string {
  if (token === "%") return "";
  if (token === "/") return culture.dateSeparator;
  if (token.startsWith("\\")) return token.slice(1);
  return /^['"]/.test(token) ? token.slice(1, -1) : token;
}

function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}

function fromFields(fields: ReadonlyMap<string, string>, culture: Culture): DateTime | undefined {
  const number = (name: string, otherwise: number): number => Number(fields.get(name) ?? otherwise);
  const monthName = fields.get("Mname");
  const month =
    monthName === undefined
      ? number("Mnumber", 1)
      : (findName(monthName, culture.months, culture.shortMonths) ?? -1) + 1;
  const half = fields.get("t");
  const isPm = half !== undefined && culture.pm.toLowerCase().startsWith(half.toLowerCase());
  const hour12 = fields.get("h");
  const hour =
    hour12 === undefined
      ? number("H", 0)
      : to24Hours(Number(hour12), half === undefined ? undefined : isPm ? "p" : "a");
  if (hour === undefined) return undefined;
  const parts = {
    year: toYear(fields.get("y") ?? "0001"),
    month,
    day: number("dnumber", 1),
    hour,
    minute: number("m", 0),
    second: number("s", 0),
    fraction: readFraction(fields.get("f") ?? fields.get("F")),
  };
  const offset = fields.get("K") ?? fields.get("z");
  return applyOffset(parts, offset === "" ? undefined : offset);
}
