import type { Accepted } from "./check-world.ts";
import { chooseDocument, type Door } from "./choose-document.ts";
import type { PlannedRound } from "./plan-rounds.ts";
import type { Traffic } from "./traffic.ts";

/** In flight at once when F&O posts; it sends with four of its own. */
const posters = 6;

export interface ExtraDocument {
  readonly doors?: readonly Door[];
  readonly lines?: readonly object[];
  /** For faults of the mail: a customer without an address gets none. */
  readonly hasAddress?: boolean;
}

type Round = Pick<PlannedRound, "name" | "seed">;
type Posting = Pick<Traffic, "post">;

/** A round's own documents. Which of the posters comes to number n, and when, does not choose what it is. */
export async function postRound(
  traffic: Posting,
  { name: round, seed, events }: Round & Pick<PlannedRound, "events">,
  { doors, onBegin }: { readonly doors?: readonly Door[]; readonly onBegin: (n: number) => void },
): Promise<void> {
  let next = 0;
  const poster = async (): Promise<void> => {
    while (next < events) {
      const n = next;
      next += 1;
      onBegin(n);
      const document = chooseDocument(seed, "flow", n);
      await traffic.post({ round, document, ...(doors === undefined ? {} : { doors }) });
    }
  };
  await Promise.all(Array.from({ length: posters }, poster));
}

/** What a fault posts besides, counted for itself: how many there are depends on the time that it has. */
export function createExtraPoster(
  traffic: Posting,
  { name: round, seed }: Round,
  fault: string,
): (options?: ExtraDocument) => Promise<Accepted> {
  let next = 0;
  return ({ hasAddress = false, ...options } = {}) => {
    const document = chooseDocument(seed, fault, next, { hasAddress });
    next += 1;
    return traffic.post({ round, document, ...options });
  };
}
