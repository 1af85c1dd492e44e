import { allFaults } from "./all-faults.ts";
import type { ChaosContext, ChaosFault } from "./chaos-fault.ts";
import { checkWorld, type Problem, type Verdict } from "./check-world.ts";
import type { PlannedRound } from "./plan-rounds.ts";
import { readWorld } from "./read-world.ts";
import { createExtraPoster, postRound } from "./post-round.ts";
import { createSeededRandom } from "./seeded-random.ts";
import { startChaosStack, type ChaosStack } from "./start-chaos-stack.ts";
import { createTimeDriver, type TimeDriver } from "./time-driver.ts";
import { createTraffic, type Traffic } from "./traffic.ts";

/** Of one local Azure and its world, in which rounds run one after the other. */
export interface LaneOptions {
  /** Of what the simulated systems draw until the first round begins. */
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
  readonly complaints: Problem[];
}

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
  let systems = createSeededRandom(options.seed, "systems");
  onProgress("starting the local Azure");
  const stack = await startChaosStack({
    folder: options.folder,
    log: options.isVerbose ? onProgress : () => undefined,
    random: () => systems.next(),
  });
  try {
    const traffic = createTraffic(stack.environment.finance.baseUrl);
    const time = createTimeDriver(stack);
    const run: Run = { stack, traffic, time, complaints: [] };
    const rounds: RoundResult[] = [];
    const left = new Map<string, ReadonlySet<string>>();
    for (let round = await next(); round !== undefined; round = await next()) {
      // Anew, or what they get wrong would depend on the rounds that this lane has had before.
      systems = createSeededRandom(round.seed, "systems");
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

async function runRound(run: Run, planned: PlannedRound): Promise<RoundResult> {
  const { name: round, events, faults: names, seed, hasToMeet } = planned;
  const { stack, traffic, time } = run;
  const faults = allFaults.filter(({ name }) => names.includes(name));
  const startedAt = performance.now();
  const skippedBefore = time.skippedMs();
  const stepsBefore = time.steps();
  const first = traffic.documents.length;
  const notes: string[] = [];
  let isOver = false;
  const isOnly = names.length === 1;
  const withName = (fault: string, text: string): string => (isOnly ? text : `${fault}: ${text}`);
  const toContext = (fault: string): ChaosContext => ({
    ...{ stack, traffic, time, onProgress, round, hasToMeet },
    control: stack.control,
    random: createSeededRandom(seed, fault),
    post: createExtraPoster(traffic, planned, fault),
    isOnly,
    isFlowOver: () => isOver,
    posted: () => traffic.documents.slice(first),
    note: (text) => notes.push(withName(fault, text)),
    complain: (text) =>
      run.complaints.push({ round, kind: "disagrees", text: withName(fault, text) }),
  });
  const running = faults.map((fault) => ({ fault, context: toContext(fault.name) }));
  const phases = { flow: 0, hold: 0, resend: 0, settle: 0 };
  const during = async (phase: Phase, work: () => Promise<void>): Promise<void> => {
    const from = performance.now();
    await work();
    phases[phase] = performance.now() - from;
  };
  for (const { fault, context } of running) await fault.begin?.(context);
  await during("flow", async () => {
    const flow = postFlow(run, planned, faults).finally(() => (isOver = true));
    await Promise.all([flow, ...running.map(({ fault, context }) => fault.disturb?.(context))]);
  });
  onProgress(`${round}: ${events} posted`);
  await during("hold", async () => {
    for (const { fault, context } of running) await fault.hold?.(context);
    for (const { fault, context } of running) await fault.heal?.(context);
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

function postFlow(
  { traffic }: Run,
  round: PlannedRound,
  faults: readonly ChaosFault[],
): Promise<void> {
  const doors = faults.find((fault) => fault.doors !== undefined)?.doors;
  return postRound(traffic, round, {
    ...(doors === undefined ? {} : { doors }),
    onBegin: (n) => {
      if (n > 0 && n % 100 === 0) onProgress(`${round.name}: ${n} of ${round.events}`);
    },
  });
}
