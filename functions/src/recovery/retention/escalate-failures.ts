import type { Telemetry } from "../../platform/telemetry.ts";
import type { FailureStore } from "../failure-store.ts";
import { groupFailures } from "../group-failures.ts";
import { toSafeCode } from "../notice-texts.ts";
import type { OwnerNotices } from "../owner-notices.ts";
import { dayMs } from "./look.ts";

export interface EscalateDependencies {
  readonly failures: FailureStore;
  readonly notices: Pick<OwnerNotices, "noteUndecided">;
  readonly telemetry: Telemetry;
}

/**
 * Tells of failures that nobody decides: people once for each group, as long as it lasts, telemetry on every
 * day, so that the alert ends when the last one is decided. How many groups there are.
 */
export async function escalateFailures(
  on: EscalateDependencies,
  now: number,
  days: { readonly escalateDays: number; readonly failureBodyDays: number },
): Promise<number> {
  const olderThan = now - days.escalateDays * dayMs;
  const found = await groupFailures(on.failures, { status: "open", olderThan });
  await on.notices.noteUndecided(found, days);
  for (const { code, count, firstAt, group, owner, target } of found.groups) {
    const oldestDays = Math.floor((now - firstAt) / dayMs);
    const dimensions = { code: toSafeCode(code), target, owner, group };
    on.telemetry.event("undecided", dimensions, { failures: count, oldestDays });
  }
  return found.groups.length;
}
