import { type Culture, getCulture } from "./culture.ts";
import { type DateParts, type DateTime, dayOfWeek, toParts, toRoundTrip } from "./date-time.ts";
import { WorkflowExpressionError } from "./expression-error.ts";

/** Formats as .NET's DateTime.ToString: a single letter is a standard format, anything longer a custom one. */
export function formatDate(time: DateTime, format = "o", locale?: string): string {
  if (format === "" || format === "o" || format === "O") return toRoundTrip(time);
  const culture = getCulture(locale);
  return formatCustom(
    time,
    format.length === 1 ? standardPattern(format, culture) : format,
    culture,
  );
}

/** https://learn.microsoft.com/dotnet/standard/base-types/standard-date-and-time-format-strings */
function standardPattern(format: string, culture: Culture): string {
  const { shortDate, longDate, shortTime, longTime } = culture;
  const patterns: Record<string, string> = {
    d: shortDate,
    D: longDate,
    f: `${longDate} ${shortTime}`,
    F: `${longDate} ${longTime}`,
    g: `${shortDate} ${shortTime}`,
    G: `${shortDate} ${longTime}`,
    m: culture.monthDay,
    M: culture.monthDay,
    r: "R",
    R: "R",
    s: "yyyy'-'MM'-'dd'T'HH':'mm':'ss",
    t: shortTime,
    T: longTime,
    u: "yyyy'-'MM'-'dd HH':'mm':'ss'Z'",
    U: `${longDate} ${longTime}`,
    y: culture.yearMonth,
    Y: culture.yearMonth,
  };
  const pattern = patterns[format];
  if (pattern === undefined) {
    throw new WorkflowExpressionError("ARGUMENT", `'${format}' is not a date and time format.`);
  }
  return pattern;
}

/** Either quoted text, an escaped character, `%` before a single letter, a run of one letter, or anything else. */
const tokenPattern = /'[^']*'|"[^"]*"|\\[\s\S]|%(?=[A-Za-z])|([dfFghHKmMstyz])\1*|[\s\S]/g;

export function tokenizeFormat(format: string): readonly string[] {
  return format.match(tokenPattern) ?? [];
}

function formatCustom(time: DateTime, format: string, culture: Culture): string {
  if (format === "R") {
    return formatCustom(time, "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'", getCulture());
  }
  const parts = toParts(time);
  const weekday = dayOfWeek(time);
  let text = "";
  for (const token of tokenizeFormat(format)) {
    text += formatToken(token, parts, weekday, time, culture);
  }
  // .NET drops the point in front of an `F` fraction that is empty; formatToken marks it.
  return text.replaceAll(/\.?\u0000/g, "");
}

function formatToken(
  token: string,
  parts: DateParts,
  weekday: number,
  time: DateTime,
  culture: Culture,
): string {
  const width = token.length;
  const pad = (value: number, most = 2): string =>
    String(value).padStart(Math.min(width, most), "0");
  switch (token[0]) {
    case "d":
      if (width > 2) return (width === 3 ? culture.shortDays : culture.days)[weekday] ?? "";
      return pad(parts.day);
    case "M":
      if (width > 2)
        return (width === 3 ? culture.shortMonths : culture.months)[parts.month - 1] ?? "";
      return pad(parts.month);
    case "y":
      return width <= 2 ? pad(parts.year % 100) : String(parts.year).padStart(width, "0");
    case "h":
      return pad(parts.hour % 12 === 0 ? 12 : parts.hour % 12);
    case "H":
      return pad(parts.hour);
    case "m":
      return pad(parts.minute);
    case "s":
      return pad(parts.second);
    default:
      return formatRareToken(token, parts, time, culture);
  }
}

function formatRareToken(
  token: string,
  parts: DateParts,
  time: DateTime,
  culture: Culture,
): string {
  const width = token.length;
  const fraction = (): string => String(parts.fraction).padStart(7, "0").slice(0, width);
  switch (token[0]) {
    case "f":
      return fraction();
    case "F":
      return fraction().replace(/0+$/, "") || "\u0000";
    case "t":
      return (parts.hour < 12 ? culture.am : culture.pm).slice(0, width === 1 ? 1 : undefined);
    case "K":
      return time.kind === "utc" ? "Z" : "";
    case "z":
      return ["+0", "+00", "+00:00"][Math.min(width, 3) - 1] ?? "";
    case "g":
      return "A.D.";
    case "/":
      return culture.dateSeparator;
    case "%":
      return "";
    case "'":
    case '"':
      return token.slice(1, width > 1 ? -1 : undefined);
    case "\\":
      return token.slice(1);
    default:
      return token;
  }
}
