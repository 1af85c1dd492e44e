import { describe, expect, it } from "@jest/globals";
import { parseSchedule } from "../../../../local/functions-host/ncrontab.ts";

const nextAfter = (schedule: string, after: string): string =>
  new Date(parseSchedule(schedule).next(Date.parse(after))).toISOString();

describe("a timer's schedule", () => {
  it.each([
    ["0 */5 * * * *", "2026-11-24T08:03:10Z", "2026-11-24T08:05:00.000Z"],
    ["0 */5 * * * *", "2026-11-24T08:05:00Z", "2026-11-24T08:10:00.000Z"],
    ["*/10 * * * * *", "2026-11-24T23:59:55Z", "2026-11-25T00:00:00.000Z"],
    ["0 30 9-17/4 * * MON-FRI", "2026-11-27T17:31:00Z", "2026-11-30T09:30:00.000Z"],
    ["0 0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00.000Z"],
    ["0 0 * * 7", "2026-11-24T00:00:00Z", "2026-11-29T00:00:00.000Z"],
    ["00:00:30", "2026-11-24T00:00:10Z", "2026-11-24T00:00:40.000Z"],
  ])("%s after %s comes at %s", (schedule, after, next) => {
    expect(nextAfter(schedule, after)).toBe(next);
  });

  it.each(["* * * *", "0 61 * * * *", "0 x * * * *", "0 0 0 31 2 *"])(
    "%s is refused",
    (schedule) => {
      expect(() => nextAfter(schedule, "2026-01-01T00:00:00Z")).toThrow("is not valid");
    },
  );
});
