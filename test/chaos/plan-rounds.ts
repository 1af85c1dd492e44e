import { allFaults } from "./all-faults.ts";
import type { ChaosFault } from "./chaos-fault.ts";
import { createSeededRandom, type SeededRandom } from "./seeded-random.ts";

/** What a lane is told of a round: plain data, since it may be another process. */
export interface PlannedRound {
  readonly name: string;
  /** Names out of `allFaults`. */
  readonly faults: readonly string[];
  readonly events: number;
  /** Of the choices made in the round, whichever lane runs it and whenever. */
  readonly seed: number;
}

export interface PlanOptions {
  readonly seed: number;
  readonly events: number;
  /** Names out of `allFaults`. */
  readonly faults: readonly string[];
  /** One round for each; one for each and some in which several are on at once; or all in one round. */
  readonly plan: "alone" | "aloneAndMixed" | "together";
}

/** Events by weight; what rounding leaves goes to the last round. */
export function planRounds(options: PlanOptions): readonly PlannedRound[] {
  const { events, seed } = options;
  const random = createSeededRandom(seed);
  const faults = allFaults.filter(({ name }) => options.faults.includes(name));
  if (options.plan === "together") {
    return [{ name: "together", faults: faults.map(({ name }) => name), events, seed }];
  }
  const singles = faults.map((fault) => ({
    name: fault.name,
    faults: [fault.name],
    weight: fault.weight,
    least: fault.leastEvents ?? 0,
  }));
  const mixable = faults.filter(({ isAlone }) => isAlone !== true);
  const mixes =
    options.plan === "aloneAndMixed" && mixable.length > 1
      ? [1, 2, 3].map((serial) => ({
          name: `mixed-${serial}`,
          faults: pickSome(mixable, random),
          weight: 3,
          least: 0,
        }))
      : [];
  return shareEvents([...singles, ...mixes], events).map((round) => ({
    ...round,
    seed: Math.floor(random.next() * 2 ** 32),
  }));
}

interface WeighedRound extends Pick<PlannedRound, "name" | "faults"> {
  readonly weight: number;
  readonly least: number;
}

/** By weight, but no round gets less than its least where that is no more than an equal share. */
function shareEvents(
  rounds: readonly WeighedRound[],
  events: number,
): readonly Omit<PlannedRound, "seed">[] {
  const total = sumOf(rounds.map(({ weight }) => weight));
  const equalShare = Math.floor(events / rounds.length);
  const leastOf = ({ weight, least }: WeighedRound): number => {
    const wanted = Math.min(least, equalShare);
    return wanted > (events * weight) / total ? wanted : 0;
  };
  const reserved = sumOf(rounds.map(leastOf));
  const others = rounds.filter((round) => leastOf(round) === 0);
  const othersTotal = sumOf(others.map(({ weight }) => weight));
  let left = events;
  return rounds.map((round, index) => {
    const { name, faults, weight } = round;
    const isLast = index === rounds.length - 1;
    const share = leastOf(round) || Math.floor(((events - reserved) * weight) / othersTotal);
    const own = isLast ? left : Math.min(left, share);
    left -= own;
    return { name, faults, events: own };
  });
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

function pickSome(faults: readonly ChaosFault[], random: SeededRandom): readonly string[] {
  const shuffled = faults.map((fault) => ({ fault, place: random.next() }));
  shuffled.sort((left, right) => left.place - right.place);
  return shuffled.slice(0, 4).map(({ fault }) => fault.name);
}
