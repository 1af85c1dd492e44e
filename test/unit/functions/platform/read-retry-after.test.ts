import { expect, it } from "@jest/globals";
import { readRetryAfter } from "../../../../functions/src/platform/read-retry-after.ts";

const now = Date.parse("2026-01-15T09:30:00Z");
const inAMinute = "Thu, 15 Jan 2026 09:31:00 GMT";

it.each([
  ["seconds", { "retry-after": "12" }, 12_000],
  ["a part of a second", { "retry-after": "0.5" }, 500],
  ["a date, by our clock where the answer has no date", { "retry-after": inAMinute }, 60_000],
  [
    "a date, by the answer's own clock",
    { "retry-after": inAMinute, date: "Thu, 15 Jan 2026 09:30:50 GMT" },
    10_000,
  ],
  ["a date that is over", { "retry-after": "Thu, 15 Jan 2026 09:00:00 GMT" }, 0],
  ["nothing", {}, undefined],
  ["what nobody can read", { "retry-after": "soon" }, undefined],
])("an answer that says to wait for %s", (_what, headers, expected) => {
  const known = new Map<string, string>(Object.entries(headers));
  expect(readRetryAfter({ headers: { get: (name) => known.get(name) ?? null } }, now)).toBe(
    expected,
  );
});
