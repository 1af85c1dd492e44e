import type { ChaosContext } from "./chaos-fault.ts";

/** For a fault that has to meet something; in a mixed round others may make it wait for nothing. */
const limitMs = 60_000;
const mixedLimitMs = 10_000;
const lookMs = 1_000;
const pauseMs = 5;
/** The gate that a fault before has closed opens after a while; locks of killed hosts run out. */
const stepMs = 20_000;

interface Meeting {
  readonly isMet: () => boolean;
  /** What the fault does, while there is something that it can meet; left out: it is on. */
  readonly act?: () => Promise<void> | void;
}

/**
 * A fault that met nothing in the flow gets a document of its own, and another where that was not enough: a small run
 * would else prove nothing, or fail by chance.
 */
export async function meetOne(context: ChaosContext, { isMet, act }: Meeting): Promise<void> {
  const { time, hasToMeet, post } = context;
  const giveUpAt = performance.now() + (hasToMeet ? limitMs : mixedLimitMs);
  const postings: Promise<unknown>[] = [];
  while (!isMet() && performance.now() < giveUpAt) {
    postings.push(post({ doors: ["serviceBus"], hasAddress: true }));
    const lookUntil = performance.now() + lookMs;
    while (!isMet() && performance.now() < lookUntil) {
      await act?.();
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    if (!isMet()) await time.advance(stepMs);
  }
  await Promise.all(postings);
}

/** Says what it met, and that it met nothing where that is a finding. */
export function tellMet(
  { note, complain, hasToMeet }: ChaosContext,
  count: number,
  what: string,
): void {
  note(`${count} ${what}`);
  if (count === 0 && hasToMeet) complain(`it met nothing: 0 ${what}`);
}
