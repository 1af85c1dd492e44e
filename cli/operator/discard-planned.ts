import type { LeftOut } from "../../functions/src/recovery/find-named.ts";
import { ApiRefusal } from "./api-refusal.ts";
import type { OperatorClient } from "./operator-client.ts";

export interface Discarded {
  readonly discarded: number;
  readonly decidedByOthers: number;
  /** Some that were planned are left. */
  readonly isMore: boolean;
  /** Of those that were named; more than in the plan where somebody decided about one meanwhile. */
  readonly leftOut: readonly LeftOut[];
}

interface Round {
  readonly discarded: number;
  readonly noLongerOpen: number;
  readonly isMore: boolean;
  readonly leftOut: readonly LeftOut[];
}

/** Round by round: one request discards 2,000. `body` bears the plan's instant, so no round finds what came since. */
export async function discardPlanned(
  client: Pick<OperatorClient, "post">,
  body: Readonly<Record<string, unknown>>,
): Promise<Discarded> {
  let [discarded, decidedByOthers] = [0, 0];
  for (;;) {
    let round: Round;
    try {
      round = await client.post<Round>("failures/discard", body);
    } catch (error) {
      if (discarded === 0) throw error;
      // Whoever took the rest between two rounds has ended it for us.
      if (isNothingLeft(error)) return { discarded, decidedByOthers, isMore: false, leftOut: [] };
      // Perhaps more: an answer that was lost says nothing of its round.
      process.stderr.write(
        `${discarded} had been discarded before this went wrong. Look what is left, and go on.\n`,
      );
      throw error;
    }
    discarded += round.discarded;
    decidedByOthers += round.noLongerOpen;
    // What is no longer open is not found again, so every round gets nearer to the end.
    const { isMore, leftOut } = round;
    if (!isMore || round.discarded === 0) return { discarded, decidedByOthers, isMore, leftOut };
  }
}

function isNothingLeft(error: unknown): boolean {
  return error instanceof ApiRefusal && error.code === "NOTHING_SELECTED";
}
