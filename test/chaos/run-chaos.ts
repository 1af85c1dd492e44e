import type { ChaosContext, ChaosFault } from "./chaos-fault.ts";
import { checkWorld, type Problem, type Verdict } from "./check-world.ts";
import { longFaults } from "./long-faults.ts";
import { platformFaults } from "./platform-faults.ts";
import { readWorld } from "./read-world.ts";
import { recoveryFaults } from "./recovery-faults.ts";
import { createSeededRandom, type SeededRandom } from "./seeded-random.ts";
import { startChaosStack, type ChaosStack } from "./start-chaos-stack.ts";
import { eventFaults, systemFaults } from "./system-faults.ts";
import { createTimeDriver, type TimeDriver } from "./time-driver.ts";
import { createTraffic, type Traffic } from "./traffic.ts";

export const allFaults: readonly ChaosFault[] = [
  ...platformFaults,
  ...systemFaults,
  ...eventFaults,
  ...recoveryFaults,
  ...longFaults,
];

export interface ChaosOptions {
  readonly seed: number;
  readonly events: number;
  /** Names out of `allFaults`. */
  readonly faults: readonly string[];
  /** One round for each; one for each and some in which several are on at once; or all in one round. */
  readonly plan: "alone" | "aloneAndMixed" | "together";
  readonly folder: string;
  readonly log: (line: string) => void;
  readonly onProgress: (text: string) => void;
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

export interface ChaosResult extends Verdict {
  readonly rounds: readonly RoundResult[];
  readonly realMs: number;
}

interface Run {
  readonly stack: ChaosStack;
  readonly traffic: Traffic;
  readonly time: TimeDriver;
  readonly random: SeededRandom;
  readonly onProgress: (text: string) => void;
  readonly complaints: Problem[];
}

/** In flight at once when F&O posts; it sends with four of its own. */
const posters = 6;
/** After the last round, for late copies of messages to show that they do nothing. */
const afterwardsMs = 2 * 3_600_000;
/** Of the short form, which `npm test` has a minute for: longer than the sweep leaves anything alone. */
const shortAfterwardsMs = 30 * 60_000;
/** Nothing is under way then: every step finds the same, the sweep included. */
const afterwardsStepMs = 5 * 60_000;

/** Posts, breaks, heals and waits, round by round, then asks the world. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const startedAt = performance.now();
  const random = createSeededRandom(options.seed);
  const { onProgress } = options;
  onProgress("starting the local Azure");
  const stack = await startChaosStack({ ...options, random: random.next });
  try {
    const traffic = createTraffic(stack.environment.finance.baseUrl, random);
    const time = createTimeDriver(stack);
    const run: Run = { stack, traffic, time, random, onProgress, complaints: [] };
    const rounds: RoundResult[] = [];
    for (const { name, faults, events } of planRounds(options, random)) {
      rounds.push(await runRound(run, name, faults, events));
    }
    onProgress("waiting for what may come late");
    const lateMs = options.plan === "together" ? shortAfterwardsMs : afterwardsMs;
    await time.advance(lateMs, afterwardsStepMs);
    await time.settle().catch((error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      run.complaints.push({ round: "afterwards", kind: "unchecked", text });
    });
    onProgress("asking every system");
    const verdict = checkWorld(traffic.documents, await readWorld(stack.environment));
    return {
      ...verdict,
      problems: [...verdict.problems, ...run.complaints],
      rounds,
      realMs: performance.now() - startedAt,
    };
  } finally {
    await stack.close();
  }
}

interface PlannedRound {
  readonly name: string;
  readonly faults: readonly ChaosFault[];
  readonly events: number;
}

/** Events by weight; what rounding leaves goes to the last round. */
function planRounds(options: ChaosOptions, random: SeededRandom): readonly PlannedRound[] {
  const faults = allFaults.filter(({ name }) => options.faults.includes(name));
  if (options.plan === "together") return [{ name: "together", faults, events: options.events }];
  const singles = faults.map((fault) => ({
    name: fault.name,
    faults: [fault],
    weight: fault.weight,
    least: fault.leastEvents ?? 0,
  }));
  const mixable = faults.filter(({ isAlone }) => isAlone !== true);
  const mixes =
    options.plan === "aloneAndMixed" && mixable.length > 1
      ? [1, 2, 3].map((serial) => ({
          name: `mixed-${serial}`,
          faults: pickSome(mixable, random),
          weight: 1,
          least: 0,
        }))
      : [];
  return shareEvents([...singles, ...mixes], options.events);
}

interface WeighedRound extends Omit<PlannedRound, "events"> {
  readonly weight: number;
  readonly least: number;
}

/** By weight, but no round gets less than its least where that is no more than an equal share. */
function shareEvents(rounds: readonly WeighedRound[], events: number): readonly PlannedRound[] {
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

function pickSome(faults: readonly ChaosFault[], random: SeededRandom): readonly ChaosFault[] {
  const shuffled = faults.map((fault) => ({ fault, place: random.next() }));
  shuffled.sort((left, right) => left.place - right.place);
  return shuffled.slice(0, 4).map(({ fault }) => fault);
}

async function runRound(
  run: Run,
  round: string,
  faults: readonly ChaosFault[],
  events: number,
): Promise<RoundResult> {
  const { stack, traffic, time } = run;
  const startedAt = performance.now();
  const skippedBefore = time.skippedMs();
  const stepsBefore = time.steps();
  const first = traffic.documents.length;
  const notes: string[] = [];
  let isOver = false;
  const context: ChaosContext = {
    ...run,
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
  run.onProgress(`${round}: ${events} posted`);
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
  run.onProgress(`${round}: settled after ${(realMs / 1000).toFixed(1)} s`);
  return { name: round, posted, realMs, phases, skippedMs, steps, notes };
}

async function postAll(
  { traffic, onProgress }: Run,
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
