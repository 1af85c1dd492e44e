export interface SeededRandom {
  /** 0 ≤ number < 1. */
  readonly next: () => number;
  /** Whole number, `from` and `to` included. */
  readonly between: (from: number, to: number) => number;
  readonly pick: <T>(choices: readonly T[]) => T;
  /** Chooses from now on what a new one of this seed would. */
  readonly restart: (seed: number) => void;
}

/** mulberry32: 32 bits of state are plenty for choosing faults, and the same seed chooses the same ones. */
export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (from, to) => from + Math.floor(next() * (to - from + 1)),
    pick: (choices) => {
      const choice = choices[Math.floor(next() * choices.length)];
      if (choice === undefined) throw new RangeError("there is nothing to pick from");
      return choice;
    },
    restart: (again) => {
      state = again >>> 0;
    },
  };
}
