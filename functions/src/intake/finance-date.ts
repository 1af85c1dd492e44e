/** F&O's serializer: milliseconds in UTC. Dataverse adds an offset, which never changes the instant. */
const serialized = /^\/Date\((-?\d+)(?:[+-]\d{4})?\)\/$/;

/** ISO 8601 in UTC with milliseconds; null for what is no time. */
export function toFinanceTime(text: string): string | null {
  const match = serialized.exec(text);
  // A text without offset is UTC in F&O; Date would read it as local time.
  const iso = /^\d{4}-\d{2}-\d{2}T[0-9:.]+$/.test(text) ? `${text}Z` : text;
  const instant = new Date(match?.[1] === undefined ? iso : Number(match[1]));
  if (Number.isNaN(instant.getTime())) return null;
  const year = instant.getUTCFullYear();
  return year < 0 || year > 9999 ? null : instant.toISOString();
}

/** Calendar day in UTC. F&O means "no date" by 1900-01-01: null. */
export function toFinanceDay(text: string): string | null {
  const day = toFinanceTime(text)?.slice(0, 10);
  return day === undefined || day === "1900-01-01" ? null : day;
}
