/** One round: the same load with telemetry and without, one right after the other. */
export interface Round {
  readonly on: Sample;
  readonly off: Sample;
}

export interface Sample {
  /** Of the function app's process, user and system. */
  readonly cpuMsPerEvent: number;
  readonly eventsPerSecond: number;
}

/** A share of what the run without telemetry did: 0.05 is five percent. */
export interface Overhead {
  /** Of the sums over all rounds. */
  readonly overall: number;
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface Comparison {
  /** Processor time that telemetry adds. */
  readonly cpu: Overhead;
  /** Throughput that telemetry takes. */
  readonly throughput: Overhead;
}

/** `rounds` has at least one. */
export function compareRounds(rounds: readonly Round[]): Comparison {
  return {
    cpu: toOverhead(rounds, ({ on, off }) => [on.cpuMsPerEvent, off.cpuMsPerEvent]),
    // Seconds for an event: times can be summed, rates cannot.
    throughput: toOverhead(rounds, ({ on, off }) => [
      1 / on.eventsPerSecond,
      1 / off.eventsPerSecond,
    ]),
  };
}

function toOverhead(
  rounds: readonly Round[],
  costs: (round: Round) => readonly [on: number, off: number],
): Overhead {
  const pairs = rounds.map(costs);
  const shares = pairs.map(([on, off]) => on / off - 1).toSorted((left, right) => left - right);
  const sum = (side: 0 | 1): number => pairs.reduce((total, pair) => total + pair[side], 0);
  return {
    overall: sum(0) / sum(1) - 1,
    median: median(shares),
    least: shares[0] ?? Number.NaN,
    most: shares.at(-1) ?? Number.NaN,
  };
}

function median(sorted: readonly number[]): number {
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return ((low ?? Number.NaN) + (high ?? Number.NaN)) / 2;
}
