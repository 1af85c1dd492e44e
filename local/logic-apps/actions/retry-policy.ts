import { ActionFailure } from "../action-call.ts";
import { toText } from "../wdl/content.ts";
import { parseDurationMs } from "../wdl/date-time.ts";
import { type WdlValue, isInteger, isObject, memberOf } from "../wdl/values.ts";

export interface RetryPolicy {
  readonly count: number;
  /** The pause before a retry, counted from 1. */
  readonly delayMs: (retry: number, random: () => number) => number;
}

const none: RetryPolicy = { count: 0, delayMs: () => 0 };

const dayMs = 86_400_000;

/**
 * https://learn.microsoft.com/azure/logic-apps/error-exception-handling#retry-policies : without a policy an action
 * is retried 4 times at exponentially growing intervals that scale by 7.5 s and stay between 5 and 45 s.
 */
export function readRetryPolicy(policy: WdlValue): RetryPolicy {
  if (!isObject(policy)) return exponential(4, 7500, 5000, 45_000);
  const type = toText(memberOf(policy, "type")).toLowerCase();
  if (type === "none") return none;
  if (type === "" || type === "default") return exponential(4, 7500, 5000, 45_000);
  const count = memberOf(policy, "count");
  const intervalMs = durationOf(policy, "interval");
  if (!isInteger(count) || Number(count) < 1 || Number(count) > 90 || intervalMs === undefined) {
    throw invalid("needs a count of 1 to 90 and an interval");
  }
  if (intervalMs < 5000 || intervalMs > dayMs)
    throw invalid("needs an interval between PT5S and P1D");
  if (type === "fixed") return { count: Number(count), delayMs: () => intervalMs };
  if (type !== "exponential") throw invalid(`has the unknown type '${type}'`);
  return exponential(
    Number(count),
    intervalMs,
    durationOf(policy, "minimumInterval") ?? 0,
    durationOf(policy, "maximumInterval") ?? dayMs,
  );
}

function invalid(problem: string): ActionFailure {
  return new ActionFailure("InvalidRetryPolicy", `The retry policy ${problem}.`);
}

function durationOf(policy: WdlValue, name: string): number | undefined {
  const text = memberOf(policy, name);
  return typeof text === "string" ? parseDurationMs(text) : undefined;
}

/** Retry n waits for a random time of a window that doubles: from 2^(n-2) to 2^(n-1) intervals, within the bounds. */
function exponential(count: number, intervalMs: number, minMs: number, maxMs: number): RetryPolicy {
  return {
    count,
    delayMs: (retry, random) => {
      const low = Math.max(retry === 1 ? 0 : 2 ** (retry - 2) * intervalMs, minMs);
      const high = Math.max(Math.min(2 ** (retry - 1) * intervalMs, maxMs), low);
      return Math.min(low + random() * (high - low), maxMs);
    },
  };
}
