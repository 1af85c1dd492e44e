import { settleMs } from "../../recovery/verify/run-verification.ts";
import { OperatorError } from "../operator-error.ts";

interface VerifyWindow {
  readonly since: number;
  readonly until: number;
}

const longestDays = 32;
const dayMs = 86_400_000;
const settleMinutes = settleMs / 60_000;

/**
 * When what is compared was posted, epoch ms. Nothing of the last minutes is: an event on its way would be told as none,
 * and a repair would raise a second one; of hours that have not happened a report would say that all is well.
 */
export function toVerifyWindow(
  given: { readonly since: string; readonly until?: string },
  now: number,
): VerifyWindow {
  const newest = now - settleMs;
  const since = Date.parse(given.since);
  const until = given.until === undefined ? newest : Date.parse(given.until);
  if (until > newest) {
    throw refuse(
      `The window ends at ${toIso(until)}; events of what was posted in the last ${settleMinutes} minutes may still be on their way.`,
      `Leave the end out, for ${settleMinutes} minutes ago, or name an earlier one.`,
    );
  }
  if (since >= until) {
    const end = given.until === undefined ? `, ${settleMinutes} minutes ago` : "";
    throw refuse(
      `The window is empty: it begins at ${toIso(since)} and ends at ${toIso(until)}${end}.`,
      "Begin earlier.",
    );
  }
  if (until - since > longestDays * dayMs) {
    throw refuse(`The window is longer than ${longestDays} days.`, "Verify month by month.");
  }
  return { since, until };
}

function toIso(at: number): string {
  return new Date(at).toISOString();
}

function refuse(message: string, fix: string): OperatorError {
  return new OperatorError("REQUEST_INVALID", message, fix);
}
