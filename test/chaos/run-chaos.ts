import { availableParallelism } from "node:os";
import { join } from "node:path";
import { stop } from "esbuild";
import { buildIfChanged } from "../../scripts/build-if-changed.ts";
import { allFaults } from "./all-faults.ts";
import type { Verdict } from "./check-world.ts";
import { planRounds, type PlannedRound, type PlanOptions } from "./plan-rounds.ts";
import { bundleLane, runLane } from "./run-lane.ts";
import type { LaneOptions, LaneResult, RoundResult, runRounds } from "./run-rounds.ts";

export interface ChaosOptions extends PlanOptions {
  /** Local Azures that share the rounds; what one waits for, the other has the processor for. */
  readonly lanes: number;
  readonly folder: string;
  readonly isVerbose: boolean;
}

export interface ChaosResult extends Verdict {
  readonly rounds: readonly RoundResult[];
  readonly realMs: number;
}

const afterwardsMs = 2 * 3_600_000;
/** Of the short form, which `npm test` has a minute for: longer than the sweep leaves anything alone. */
const shortAfterwardsMs = 30 * 60_000;

/** Every planned round in one of the lanes, and what all lanes found. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const startedAt = performance.now();
  const rounds = planRounds(options);
  const next = handOut(rounds);
  const lanes = Math.min(options.lanes, rounds.length, availableParallelism());
  const results =
    lanes === 1
      ? [await runHere({ ...toLane(options, 1), folder: options.folder }, next)]
      : await runLanes(options, lanes, next);
  return { ...merge(results, rounds), realMs: performance.now() - startedAt };
}

/**
 * The longest first, so that no lane is left with one at the end: those that skip hours or wait for locks to run out,
 * then by their documents. One that begins is nobody else's.
 */
function handOut(rounds: readonly PlannedRound[]): () => Promise<PlannedRound | undefined> {
  const long = new Set(
    allFaults
      .filter(({ isAlone, isLong }) => isAlone === true || isLong === true)
      .map(({ name }) => name),
  );
  const isLong = ({ faults }: PlannedRound): boolean => faults.some((name) => long.has(name));
  const others = rounds.filter((round) => !isLong(round));
  others.sort((left, right) => right.events - left.events);
  const waiting = [...rounds.filter(isLong), ...others];
  return () => Promise.resolve(waiting.shift());
}

/** Loaded here only: with lanes of their own, this process needs nothing of a local Azure. */
async function runHere(...lane: Parameters<typeof runRounds>): Promise<LaneResult> {
  const { runRounds } = await import("./run-rounds.ts");
  return runRounds(...lane);
}

async function runLanes(
  options: ChaosOptions,
  lanes: number,
  next: () => Promise<PlannedRound | undefined>,
): Promise<readonly LaneResult[]> {
  // Else each lane would build the app.
  const [program] = await Promise.all([bundleLane(), buildIfChanged()]);
  await stop();
  const abort = new AbortController();
  try {
    return await Promise.all(
      Array.from({ length: lanes }, (_, index) =>
        runLane(program, toLane(options, index + 1), next, abort.signal),
      ),
    );
  } finally {
    // What one lane failed of, the others need not finish.
    abort.abort();
  }
}

function toLane({ seed, folder, isVerbose, plan }: ChaosOptions, lane: number): LaneOptions {
  return {
    seed: seed + lane - 1,
    folder: join(folder, `lane-${lane}`),
    afterwardsMs: plan === "together" ? shortAfterwardsMs : afterwardsMs,
    isVerbose,
  };
}

function merge(
  results: readonly LaneResult[],
  planned: readonly PlannedRound[],
): Omit<ChaosResult, "realMs"> {
  const sum = (count: (result: LaneResult) => number): number =>
    results.reduce((total, result) => total + count(result), 0);
  const order = planned.map(({ name }) => name);
  const rounds = results
    .flatMap((result) => result.rounds)
    .sort((left, right) => order.indexOf(left.name) - order.indexOf(right.name));
  if (rounds.length !== planned.length) {
    throw new Error(`${rounds.length} of ${planned.length} rounds were run; no verdict is given.`);
  }
  return {
    accepted: sum(({ accepted }) => accepted),
    effects: {
      ce: sum(({ effects }) => effects.ce),
      crm: sum(({ effects }) => effects.crm),
      email: sum(({ effects }) => effects.email),
    },
    skipped: sum(({ skipped }) => skipped),
    failuresOpen: sum(({ failuresOpen }) => failuresOpen),
    lost: sum(({ lost }) => lost),
    doubled: sum(({ doubled }) => doubled),
    unchecked: sum(({ unchecked }) => unchecked),
    openCodes: Object.assign(
      {},
      ...results.map(({ openCodes }) => openCodes),
    ) as Verdict["openCodes"],
    problems: results.flatMap(({ problems }) => problems),
    rounds,
  };
}
