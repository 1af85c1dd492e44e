export interface SeededRandom {
  /** 0 ≤ number < 1. */
  readonly next: () => number;
  /** Whole number, `from` and `to` included. */
  readonly between: (from: number, to: number) => number;
  readonly pick: <T>(choices: readonly T[]) => T;
}

/** Words that are nearly alike have to lead to sequences that are not. */
const warmUp = 15;

/**
 * sfc32: the same words choose the same. Its state is large enough that generators of different words share nothing,
 * however many a run begins: F&O's event ids are drawn from them, and none may come twice.
 */
export function createSeededRandom(...words: readonly (number | string)[]): SeededRandom {
  let [a, b, c, count] = toState(words.join("/"));
  const next = (): number => {
    const drawn = (a + b + count) | 0;
    count = (count + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + drawn) | 0;
    return (drawn >>> 0) / 2 ** 32;
  };
  for (let drawn = 0; drawn < warmUp; drawn += 1) next();
  return {
    next,
    between: (from, to) => from + Math.floor(next() * (to - from + 1)),
    pick: (choices) => {
      const choice = choices[Math.floor(next() * choices.length)];
      if (choice === undefined) throw new RangeError("there is nothing to pick from");
      return choice;
    },
  };
}

type State = [a: number, b: number, c: number, count: number];

/** FNV-1a from four places to begin at. */
function toState(text: string): State {
  const hash = (from: number): number => {
    let mixed = from;
    for (let at = 0; at < text.length; at += 1) {
      mixed = Math.imul(mixed ^ text.charCodeAt(at), 0x01000193);
    }
    return mixed ^ (mixed >>> 15);
  };
  return [hash(0x811c9dc5), hash(0x9e3779b9), hash(0x85ebca6b), hash(0xc2b2ae35)];
}
