import { systemClock } from "../../functions/src/platform/clock.ts";
import type { Clock } from "../../functions/src/platform/clock.ts";
import { ApiRefusal } from "./api-refusal.ts";
import type { OperatorClientErrorCode } from "./operator-client.ts";

export interface AskOptions<Answer> {
  readonly isOver: (answer: Answer) => boolean;
  /** Called with every answer, the last one too. */
  readonly show: (answer: Answer) => void;
  readonly clock?: Clock;
}

const pollMs = 1_000;
/** The API may be away for a moment (a deployment, a restart): what is followed goes on without us. */
const toleratedErrors = 30;

/** Asks every second until it is over; throws what the API says no with, and the last of many errors in a row. */
export async function askUntilOver<Answer>(
  ask: () => Promise<Answer>,
  { clock = systemClock, isOver, show }: AskOptions<Answer>,
): Promise<Answer> {
  let errors = 0;
  for (;;) {
    const answer = await ask().catch((error: unknown) => {
      errors += 1;
      if (isFinal(error) || errors > toleratedErrors) throw error;
      return undefined;
    });
    if (answer !== undefined) {
      errors = 0;
      show(answer);
      if (isOver(answer)) return answer;
    }
    await clock.sleep(pollMs);
  }
}

/** An answer of the API itself, and not of a host that has not loaded it yet: it stays the same. */
function isFinal(error: unknown): boolean {
  const unreachable: OperatorClientErrorCode = "OPERATOR_UNREACHABLE";
  return error instanceof ApiRefusal && error.status < 500 && error.code !== unreachable;
}
