import { allFaults } from "./all-faults.ts";
import type { ChaosContext, ChaosFault } from "./chaos-fault.ts";
import { checkWorld, type Problem, type Verdict } from "./check-world.ts";
import type { PlannedRound } from "./plan-rounds.ts";
import { readWorld } from "./read-world.ts";
import { createSeededRandom, type SeededRandom } from "./seeded-random.ts";
import { startChaosStack, type ChaosStack } from "./start-chaos-stack.ts";
import { createTimeDriver, type TimeDriver } from "./time-driver.ts";
import { createTraffic, type Traffic } from "./traffic.ts";

/** Of one local Azure and its world, in which rounds run one after the other. */
export interface LaneOptions {
  readonly seed: number;
  readonly folder: string;
  /** Skipped after the last round, for late copies of messages to show that they do nothing. */
  readonly afterwardsMs: number;
  /** Log lines of the local services, too. */
  readonly isVerbose: boolean;
}

export interface LaneResult extends Verdict {
  readonly rounds: readonly RoundResult[];
}

type Phase = "flow" | "hold" | "resend" | "settle";

export interface RoundResult {
  readonly name: string;
  readonly posted: number;
  readonly realMs: number;
  /** Where the real time went. */
  readonly phases: Readonly<Record<Phase, number>>;
  readonly skippedMs: number;
  /** How often time was moved on. */
  readonly steps: number;
  readonly notes: readonly string[];
}

interface Run {
  readonly stack: ChaosStack;
  readonly traffic: Traffic;
  readonly time: TimeDriver;
  readonly random: SeededRandom;
  readonly complaints: Problem[];
}

/** In flight at once when F&O posts; it sends with four of its own. */
const posters = 6;
/** Nothing is under way then: every step finds the same, the sweep included. */
const afterwardsStepMs = 5 * 60_000;

/** For the person who waits; standard output is for what the run found. */
function onProgress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Posts, breaks, heals and waits, round by round as `next` names them, then asks the world. */
export async function runRounds(
  options: LaneOptions,
  next: () => Promise<PlannedRound | undefined>,
): Promise<LaneResult> {
  const random = createSeededRandom(options.seed);
  onProgress("starting the local Azure");
  const stack = await startChaosStack({
    folder: options.folder,
    log: options.isVerbose ? onProgress : () => undefined,
    random: createSeededRandom(options.seed).next,
  });
  try {
    const traffic = createTraffic(stack.environment.finance.baseUrl, random);
    const time = createTimeDriver(stack);
    const run: Run = { stack, traffic, time, random, complaints: [] };
    const rounds: RoundResult[] = [];
    const left = new Map<string, ReadonlySet<string>>();
    for (let round = await next(); round !== undefined; round = await next()) {
      random.restart(round.seed);
      const faults = allFaults.filter(({ name }) => round.faults.includes(name));
      left.set(round.name, new Set(faults.flatMap(({ mayLeave = [] }) => mayLeave)));
      rounds.push(await runRound(run, round));
    }
    onProgress("waiting for what may come late");
    await time.advance(options.afterwardsMs, afterwardsStepMs);
    await time.settle().catch((error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      run.complaints.push({ round: "afterwards", kind: "unchecked", text });
    });
    onProgress("asking every system");
    const world = await readWorld(stack.environment);
    const verdict = checkWorld(traffic.documents, world, (name) => left.get(name) ?? new Set());
    return { ...verdict, problems: [...verdict.problems, ...run.complaints], rounds };
  } finally {
    await stack.close();
  }
}

async function runRound(
  run: Run,
  { name: round, events, faults: names }: PlannedRound,
): Promise<RoundResult> {
  const { stack, traffic, time } = run;
  const faults = allFaults.filter(({ name }) => names.includes(name));
  const startedAt = performance.now();
  const skippedBefore = time.skippedMs();
  const stepsBefore = time.steps();
  const first = traffic.documents.length;
  const notes: string[] = [];
  let isOver = false;
  const context: ChaosContext = {
    ...run,
    onProgress,
    control: stack.control,
    round,
    isFlowOver: () => isOver,
    posted: () => traffic.documents.slice(first),
    note: (text) => notes.push(text),
    complain: (text) => run.complaints.push({ round, kind: "disagrees", text }),
  };
  const phases = { flow: 0, hold: 0, resend: 0, settle: 0 };
  const during = async (phase: Phase, work: () => Promise<void>): Promise<void> => {
    const from = performance.now();
    await work();
    phases[phase] = performance.now() - from;
  };
  for (const { begin } of faults) await begin?.(context);
  await during("flow", async () => {
    const flow = postAll(run, round, faults, events).finally(() => (isOver = true));
    await Promise.all([flow, ...faults.map(({ disturb }) => disturb?.(context))]);
  });
  onProgress(`${round}: ${events} posted`);
  await during("hold", async () => {
    for (const { hold } of faults) await hold?.(context);
    for (const { heal } of faults) await heal?.(context);
  });
  await during("resend", () => traffic.resendErrors());
  await during("settle", () =>
    // A finding like any other: the rounds after it have their own.
    time.settle().catch((error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      run.complaints.push({ round, kind: "unchecked", text });
    }),
  );
  const realMs = performance.now() - startedAt;
  const skippedMs = time.skippedMs() - skippedBefore;
  const steps = time.steps() - stepsBefore;
  const posted = traffic.documents.length - first;
  onProgress(`${round}: settled after ${(realMs / 1000).toFixed(1)} s`);
  return { name: round, posted, realMs, phases, skippedMs, steps, notes };
}

async function postAll(
  { traffic }: Run,
  round: string,
  faults: readonly ChaosFault[],
  events: number,
): Promise<void> {
  const doors = faults.find((fault) => fault.doors !== undefined)?.doors;
  let begun = 0;
  const poster = async (): Promise<void> => {
    while (begun < events) {
      begun += 1;
      if (begun % 100 === 0) onProgress(`${round}: ${begun} of ${events}`);
      await traffic.post({ round, ...(doors === undefined ? {} : { doors }) });
    }
  };
  await Promise.all(Array.from({ length: posters }, poster));
}
