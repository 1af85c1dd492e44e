import { WorkflowExpressionError } from "./expression-error.ts";

/** What .NET's CultureInfo knows and the language needs, derived from the data of Intl. */
export interface Culture {
  readonly locale: string;
  readonly months: readonly string[];
  readonly shortMonths: readonly string[];
  readonly days: readonly string[];
  readonly shortDays: readonly string[];
  readonly am: string;
  readonly pm: string;
  /** .NET pattern letters. */
  readonly shortDate: string;
  readonly longDate: string;
  readonly shortTime: string;
  readonly longTime: string;
  readonly monthDay: string;
  readonly yearMonth: string;
  readonly dateSeparator: string;
  readonly decimalSeparator: string;
  readonly groupSeparator: string;
}

const cultures = new Map<string, Culture>();

export function getCulture(name = "en-US"): Culture {
  const locale = canonicalLocale(name);
  let culture = cultures.get(locale);
  if (culture === undefined) {
    culture = buildCulture(locale);
    cultures.set(locale, culture);
  }
  return culture;
}

function canonicalLocale(name: string): string {
  if (name === "") return "en-US";
  try {
    const locale = new Intl.Locale(name.replaceAll("_", "-"));
    if (Intl.DateTimeFormat.supportedLocalesOf(locale.toString()).length > 0) {
      return locale.toString();
    }
  } catch {
    // Falls through to the same error as a well-formed name that nobody knows.
  }
  throw new WorkflowExpressionError("ARGUMENT", `'${name}' is not a known locale.`);
}

function buildCulture(locale: string): Culture {
  const names = (options: Intl.DateTimeFormatOptions, type: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => {
      // 2023-01-01 is a Sunday: day index and weekday agree.
      const date = type === "weekday" ? Date.UTC(2023, 0, 1 + index) : Date.UTC(2023, index, 1);
      return partOf(locale, options, new Date(date), type);
    });
  const numbers = new Intl.NumberFormat(locale, { useGrouping: true }).formatToParts(1234567.5);
  const numberPart = (type: string): string =>
    plainSpaces(numbers.find((part) => part.type === type)?.value ?? "");
  const shortDate = toPattern(locale, { dateStyle: "short" }).replace(/y+/, "yyyy");
  return {
    locale,
    months: names({ month: "long", day: "numeric" }, "month", 12),
    shortMonths: names({ month: "short", day: "numeric" }, "month", 12),
    days: names({ weekday: "long" }, "weekday", 7),
    shortDays: names({ weekday: "short" }, "weekday", 7),
    am: dayPeriod(locale, 1),
    pm: dayPeriod(locale, 13),
    shortDate,
    longDate: toPattern(locale, { dateStyle: "full" }),
    shortTime: toPattern(locale, { timeStyle: "short" }),
    longTime: toPattern(locale, { timeStyle: "medium" }),
    monthDay: toPattern(locale, { month: "long", day: "numeric" }),
    yearMonth: toPattern(locale, { month: "long", year: "numeric" }),
    dateSeparator: /[^dMy' ]/.exec(shortDate)?.[0] ?? "/",
    decimalSeparator: numberPart("decimal"),
    groupSeparator: numberPart("group"),
  };
}

function dayPeriod(locale: string, hour: number): string {
  const options = { hour: "numeric", hour12: true } as const;
  return partOf(locale, options, new Date(Date.UTC(2023, 0, 1, hour)), "dayPeriod");
}

function partOf(
  locale: string,
  options: Intl.DateTimeFormatOptions,
  date: Date,
  type: string,
): string {
  const format = new Intl.DateTimeFormat(locale, { ...options, ...gregorian });
  return plainSpaces(format.formatToParts(date).find((part) => part.type === type)?.value ?? "");
}

const gregorian = { timeZone: "UTC", calendar: "gregory", numberingSystem: "latn" } as const;

/** A day whose month, day, hour, minute and second show whether they are padded. */
const probe = new Date(Date.UTC(2025, 2, 4, 5, 6, 7));

/** The .NET pattern behind an Intl format, read off a formatted probe. */
function toPattern(locale: string, options: Intl.DateTimeFormatOptions): string {
  const parts = new Intl.DateTimeFormat(locale, { ...options, ...gregorian }).formatToParts(probe);
  const is12Hour = parts.some((part) => part.type === "dayPeriod");
  const letters = (part: Intl.DateTimeFormatPart): string => {
    const isPadded = part.value.length > 1;
    if (part.type === "year") return "yyyy";
    if (part.type === "month") return /^\d/.test(part.value) ? (isPadded ? "MM" : "M") : "MMMM";
    if (part.type === "day") return isPadded ? "dd" : "d";
    if (part.type === "weekday") return "dddd";
    if (part.type === "hour") return (is12Hour ? "h" : "H").repeat(isPadded ? 2 : 1);
    if (part.type === "minute") return "mm";
    if (part.type === "second") return "ss";
    if (part.type === "dayPeriod") return "tt";
    const text = plainSpaces(part.value);
    return /[A-Za-z]/.test(text) ? `'${text}'` : text;
  };
  return parts.map(letters).join("");
}

/** Intl separates with narrow and no-break spaces where .NET's documented results show plain ones. */
export function plainSpaces(text: string): string {
  return text.replaceAll(/[\u00a0\u202f]/g, " ");
}
