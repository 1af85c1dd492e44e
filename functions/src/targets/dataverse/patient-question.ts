/*
 * A question to CE of a target that is not CE (the mail's "who owns the account?"). It does not pass CE's
 * gate, so it keeps quiet by itself while CE is away or throttles: one question a minute and process, and
 * everybody else is told without asking how long to stay away.
 *
 *   open ──CE away, throttled, or not letting us in──► quiet ──minute over──► one asks, the others stay quiet
 *     ▲                                                                          │
 *     └────────────────────────── CE answers, whatever it says ──────────────────┘
 */
import { DataverseError } from "../../dynamics/dataverse-failure.ts";
import type { DataverseFailure } from "../../dynamics/dataverse-failure.ts";
import type { Clock } from "../../platform/clock.ts";
import { isForEverybody, toOutcome, toReadFailure } from "./to-outcome.ts";

const pauseMs = 60_000;
const longestPatienceMs = 30 * 60_000;

interface Quiet {
  readonly since: number;
  readonly until: number;
  readonly failure: DataverseFailure;
}

/** While CE is away it throws a DataverseError with the time to stay away, longer the longer it lasts. */
export function createPatientQuestion<Asked, Answer>(
  ask: (asked: Asked) => Promise<Answer>,
  clock: Clock,
): (asked: Asked) => Promise<Answer> {
  let quiet: Quiet | null = null;
  return async (asked) => {
    const now = clock.now();
    if (quiet !== null) {
      if (now < quiet.until) throw toPutOff(quiet, now);
      quiet = { ...quiet, until: now + pauseMs };
    }
    try {
      const answer = await ask(asked);
      quiet = null;
      return answer;
    } catch (error) {
      const failure = awayFailureOf(error);
      if (failure === undefined) {
        quiet = null;
        throw error;
      }
      const askedAt = clock.now();
      const until = askedAt + Math.max(failure.afterMs ?? 0, pauseMs);
      quiet = { since: quiet?.since ?? askedAt, until, failure };
      throw toPutOff(quiet, askedAt);
    }
  };
}

/** What says something about CE and nothing about the one question. */
export function awayFailureOf(error: unknown): DataverseFailure | undefined {
  if (!(error instanceof DataverseError)) return undefined;
  const failure = toReadFailure(error.failure);
  return isForEverybody(toOutcome(failure)) ? failure : undefined;
}

function toPutOff({ since, until, failure }: Quiet, now: number): DataverseError {
  const patienceMs = Math.min(now - since, longestPatienceMs);
  return new DataverseError({ ...failure, afterMs: Math.max(until - now, patienceMs) });
}
