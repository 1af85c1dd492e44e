import { allFaults } from "./all-faults.ts";
import type { ChaosFault } from "./chaos-fault.ts";
import { createSeededRandom, type SeededRandom } from "./seeded-random.ts";

const mixedName = "mixed-";
const mixes = 3;
const leastMixed = 4;

/** What a lane is told of a round: plain data, since it may be another process. */
export interface PlannedRound {
  readonly name: string;
  /** Names out of `allFaults`. */
  readonly faults: readonly string[];
  readonly events: number;
  /** Of the choices made in the round, whichever lane runs it and whenever, and whatever other rounds there are. */
  readonly seed: number;
  /** A fault that met nothing is a finding. */
  readonly hasToMeet: boolean;
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
  const faults = allFaults.filter(({ name }) => options.faults.includes(name));
  if (options.plan === "together") {
    const names = faults.map(({ name }) => name);
    return [toPlanned({ name: "together", faults: names, events }, seed)];
  }
  const singles = faults.map((fault) => ({
    name: fault.name,
    faults: [fault.name],
    weight: fault.weight,
    least: fault.leastEvents ?? 0,
  }));
  const mixable = faults.filter(({ isAlone }) => isAlone !== true);
  const mixed =
    options.plan === "aloneAndMixed" && mixable.length > 1
      ? mixFaults(mixable, createSeededRandom(seed, "mixes")).map((names, index) => ({
          name: `${mixedName}${index + 1}`,
          faults: names,
          weight: 3,
          least: 0,
        }))
      : [];
  return shareEvents([...singles, ...mixed], events).map((round) => toPlanned(round, seed));
}

/** By its name: the same round chooses the same in a run that has others beside it. */
function toPlanned(round: Omit<PlannedRound, "seed" | "hasToMeet">, seed: number): PlannedRound {
  const own = createSeededRandom(seed, round.name);
  return {
    ...round,
    seed: Math.floor(own.next() * 2 ** 32),
    hasToMeet: !round.name.startsWith(mixedName),
  };
}

interface WeighedRound extends Pick<PlannedRound, "name" | "faults"> {
  readonly weight: number;
  readonly least: number;
}

/** By weight, but no round gets less than its least where that is no more than an equal share. */
function shareEvents(
  rounds: readonly WeighedRound[],
  events: number,
): readonly Omit<PlannedRound, "seed" | "hasToMeet">[] {
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

/**
 * Three mixes in which every fault comes at least once: dealt out one by one, those that touch the same thing after each
 * other, so that they come apart. Where there are few, a mix takes some of the others', too.
 */
function mixFaults(
  faults: readonly ChaosFault[],
  random: SeededRandom,
): readonly (readonly string[])[] {
  const placed = faults.map((fault) => ({ fault, place: random.next() }));
  placed.sort((left, right) => left.place - right.place);
  const groups = new Map<string, string[]>();
  for (const { fault } of placed) {
    const { name, touches = name } = fault;
    groups.set(touches, [...(groups.get(touches) ?? []), name]);
  }
  const names = [...groups.values()].flat();
  return Array.from({ length: mixes }, (_, mix) => {
    const own = names.filter((_name, index) => index % mixes === mix);
    const others = names.filter((name) => !own.includes(name));
    return [...own, ...others.slice(0, Math.max(0, leastMixed - own.length))];
  });
}
