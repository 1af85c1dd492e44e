import type { Duration } from "../../../schemas/types/flow.ts";

const pattern = /^P(?=.)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;

/** Milliseconds of an ISO 8601 duration; months and years have no fixed length and are refused. */
export function parseDuration(text: Duration): number {
  const match = pattern.exec(text);
  if (match === null) throw new RangeError(`"${text}" is no duration such as P3D or PT24H`);
  const [weeks, days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part || "0"));
  const allDays = (weeks ?? 0) * 7 + (days ?? 0);
  const allMinutes = (allDays * 24 + (hours ?? 0)) * 60 + (minutes ?? 0);
  return (allMinutes * 60 + (seconds ?? 0)) * 1000;
}
