import { describe, expect, it } from "@jest/globals";
import type { ChosenDocument } from "../../chaos/choose-document.ts";
import { createExtraPoster, postRound } from "../../chaos/post-round.ts";
import { createSeededRandom } from "../../chaos/seeded-random.ts";
import type { PostOptions, Traffic } from "../../chaos/traffic.ts";

const round = { name: "poison-row", seed: 77, events: 40 };
const fault = "poison-row";

interface Posted {
  /** By number. */
  readonly documents: ReadonlyMap<number, ChosenDocument>;
  /** Numbers in the order of F&O's answers. */
  readonly answered: readonly number[];
  readonly extra: readonly ChosenDocument[];
}

/** A round as a run has it: F&O takes `turnsOf(n)` for document n, and a fault draws and posts beside it. */
async function post(seed: number, turnsOf: (n: number) => number, extras: number): Promise<Posted> {
  const documents = new Map<number, ChosenDocument>();
  const answered: number[] = [];
  const extra: ChosenDocument[] = [];
  let begun = 0;
  const answer = ({ round: name, document: { mailTo, lines } }: PostOptions) => ({
    ...{ number: "CHAOS-000000", round: name, mailTo, lines, eventIds: [] },
  });
  const finance: Pick<Traffic, "post"> = {
    post: async (options) => {
      const n = begun;
      documents.set(n, options.document);
      await pass(turnsOf(n));
      answered.push(n);
      return answer(options);
    },
  };
  const besides: Pick<Traffic, "post"> = {
    post: (options) => {
      extra.push(options.document);
      return Promise.resolve(answer(options));
    },
  };
  const random = createSeededRandom(seed, fault);
  const postExtra = createExtraPoster(besides, { ...round, seed }, fault);
  const disturb = async (): Promise<void> => {
    for (let left = extras; left > 0; left -= 1) {
      await pass(random.between(1, 5));
      await postExtra();
    }
  };
  const onBegin = (n: number): void => void (begun = n);
  await Promise.all([postRound(finance, { ...round, seed }, { onBegin }), disturb()]);
  return { documents, answered, extra };
}

async function pass(turns: number): Promise<void> {
  for (let left = turns; left > 0; left -= 1) await Promise.resolve();
}

describe("the documents of a round", () => {
  it("are the same ones in whatever order the posters come to them, and whatever a fault draws meanwhile", async () => {
    const one = await post(77, () => 1, 3);
    const other = await post(77, (n) => 1 + ((n * 7) % 13), 30);

    expect(other.answered).not.toEqual(one.answered);
    expect(one.documents.size).toBe(round.events);
    expect(other.documents).toEqual(one.documents);
    expect(other.extra.slice(0, 3)).toEqual(one.extra);
  });

  it("are others with another seed, and others than those of a fault", async () => {
    const one = await post(77, () => 1, round.events);
    const other = await post(78, () => 1, round.events);

    expect(other.documents).not.toEqual(one.documents);
    expect([...one.documents.values()]).not.toEqual(one.extra);
  });

  it("are of every kind, for every customer and through every door", async () => {
    const { documents } = await post(77, () => 1, 0);
    const count = (of: (document: ChosenDocument) => unknown): number =>
      new Set([...documents.values()].map(of)).size;

    expect([
      count(({ customer }) => customer),
      count(({ lines }) => lines),
      count(({ kind }) => kind),
      count(({ door }) => door),
    ]).toEqual([5, 3, 3, 3]);
  });

  it("have an address where a fault of the mail needs one", async () => {
    const chosen: ChosenDocument[] = [];
    const besides: Pick<Traffic, "post"> = {
      post: ({ document }) => {
        chosen.push(document);
        return Promise.resolve({ ...document, number: "", round: "", eventIds: [] });
      },
    };
    const postExtra = createExtraPoster(besides, round, fault);
    for (let left = 40; left > 0; left -= 1) await postExtra({ hasAddress: true });

    expect(chosen.filter(({ mailTo }) => mailTo === "")).toEqual([]);
    expect(new Set(chosen.map(({ customer }) => customer)).size).toBe(4);
  });
});
