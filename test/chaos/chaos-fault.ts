import type { FaultControl } from "../../local/assembly/fault-control.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { ChaosStack } from "./start-chaos-stack.ts";
import type { TimeDriver } from "./time-driver.ts";
import type { Accepted } from "./check-world.ts";
import type { Door } from "./choose-document.ts";
import type { ExtraDocument } from "./post-round.ts";
import type { Traffic } from "./traffic.ts";

/** What a fault works with. */
export interface ChaosContext {
  readonly stack: ChaosStack;
  readonly control: FaultControl;
  readonly traffic: Traffic;
  readonly time: TimeDriver;
  /** The fault's own: what the others of the round draw does not change what this one chooses. */
  readonly random: SeededRandom;
  /** A document besides those of the round. */
  readonly post: (options?: ExtraDocument) => Promise<Accepted>;
  /** Name of the round, which its documents carry. */
  readonly round: string;
  /** The round has no other fault. */
  readonly isOnly: boolean;
  /** Having met nothing is a finding: in a mixed round others may keep everything from getting that far. */
  readonly hasToMeet: boolean;
  /** True once every document of the round was posted. */
  readonly isFlowOver: () => boolean;
  /** Documents of this round so far. */
  readonly posted: () => readonly Accepted[];
  /** A line for the person who waits. */
  readonly onProgress: (text: string) => void;
  /** A figure or finding that belongs into the round's line of the table. */
  readonly note: (text: string) => void;
  /** Something that must not be, found while the fault was on. */
  readonly complain: (text: string) => void;
}

/**
 * begin → flow, with `disturb` beside it → hold → heal → (F&O's error list is sent again) → everything
 * settles. Several faults of one round go through these together.
 */
export interface ChaosFault {
  readonly name: string;
  /** Share of the run's events, against the others: less where an event costs more of the run's time. */
  readonly weight: number;
  /** What its round gets however small its share is, as long as that is no more than an equal one. */
  readonly leastEvents?: number;
  /** Never mixed with others: hours are skipped, and each of its events costs many times what another one does. */
  readonly isAlone?: boolean;
  /** Of two that change the same thing the later one wins: those with the same word come in different mixes. */
  readonly touches?: string;
  /** Codes of the failures that it may leave open for a person; everything else has to be delivered in the end. */
  readonly mayLeave?: readonly string[];
  /** Locks of whoever was cut off have to run out, whatever the number of documents. */
  readonly isLong?: boolean;
  /** Doors that each event of the round goes through, all of them; the document's own one when left out. */
  readonly doors?: readonly Door[];
  readonly begin?: (context: ChaosContext) => Promise<void> | void;
  /** Runs beside the flow and ends soon after it is over. */
  readonly disturb?: (context: ChaosContext) => Promise<void>;
  /** After the flow, with the fault still on. */
  readonly hold?: (context: ChaosContext) => Promise<void>;
  readonly heal?: (context: ChaosContext) => Promise<void> | void;
}

/** Real time, since what is disturbed is work that goes on. */
export async function pauseBetween(
  { random }: Pick<ChaosContext, "random">,
  fromMs: number,
  toMs: number,
): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, random.between(fromMs, toMs)));
}

/** Again and again while events flow, with pauses, `most` times: then the rest of the round flows undisturbed. */
export async function whileFlowing(
  context: ChaosContext,
  pauseMs: readonly [number, number],
  act: () => Promise<void> | void,
  most = Infinity,
): Promise<void> {
  let times = 0;
  do {
    await pauseBetween(context, ...pauseMs);
    await act();
    times += 1;
  } while (times < most && !context.isFlowOver());
}
