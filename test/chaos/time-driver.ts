import type { ChaosStack } from "./start-chaos-stack.ts";
import { readProcessorUse } from "./process-activity.ts";
import { countOpen } from "./read-world.ts";

/** Moves the time of everything: services first wait until nothing more happens by itself. */
export interface TimeDriver {
  /** Skips this much in steps of at least a minute or `stepMs`, each followed by a wait for quiet. */
  advance(ms: number, stepMs?: number): Promise<void>;
  /** Skips until every delivery is settled and no message is left; throws when that does not come about. */
  settle(): Promise<void>;
  /** Shifts the function app's clock against everybody else's. */
  setSkew(ms: number): Promise<void>;
  readonly skippedMs: () => number;
  readonly steps: () => number;
}

const minuteMs = 60_000;
/**
 * While somebody is at work: well below a lock's five minutes, in case the step comes too early. Twice as
 * long each time that nothing came of it: then it is a lock of somebody who is gone, which has to run out.
 */
const shortStepMs = 20_000;
const longestShortStepMs = 80_000;
/** The sweep's own timer is in the other process; no step passes over it. */
const longestStepMs = 5 * minuteMs;
/** Nothing heard for so long means that all who are left wait for time to pass. */
const quietMs = 20;
const quietUnderWorkMs = 150;
const quietLimitMs = 10_000;
/**
 * With storage away the app tries again and again, is never quiet and gets nowhere: waiting longer lets nothing more
 * happen. The steps stay short then, since messages are under way.
 */
const quietLimitWithoutStorageMs = 1_000;
const settleLimitSteps = 4_000;
const settleLimitMs = 6 * minuteMs;

export function createTimeDriver(stack: ChaosStack): TimeDriver {
  const { clock, control } = stack;
  let skewMs = 0;
  let skipped = 0;
  let stepCount = 0;
  const moveHosts = async (aheadMs = 0): Promise<void> => {
    const offsetMs = clock.offsetMs + skewMs + aheadMs;
    await Promise.all(control.instances().map((host) => host.setOffset(offsetMs)));
  };
  const step = async (ms: number): Promise<void> => {
    // The app first: a message that becomes due finds it ready, and not a step behind.
    await moveHosts(ms);
    await clock.advance(ms);
    skipped += ms;
    stepCount += 1;
  };
  const quiet = (): Promise<void> => untilQuiet(stack);
  let shortMs = shortStepMs;
  let messagesBefore = -1;
  /** To what is due next, but at least a step: thousands of messages may be due a moment apart. */
  const nextStepMs = (leastMs: number): number => {
    // Of messages alone: the app's own timers ask for something at most steps, and it ends no lock.
    const messages = control.broker.activity;
    shortMs = messages === messagesBefore ? Math.min(2 * shortMs, longestShortStepMs) : shortStepMs;
    messagesBefore = messages;
    if (control.underWay() > 0) return shortMs;
    const ahead = (clock.nextDueMs() ?? Infinity) - clock.now();
    return Math.min(Math.max(ahead, leastMs), longestStepMs);
  };
  return {
    skippedMs: () => skipped,
    steps: () => stepCount,
    setSkew: async (ms) => {
      skewMs = ms;
      await moveHosts();
    },
    advance: async (ms, leastMs = minuteMs) => {
      for (let left = ms; left > 0;) {
        await quiet();
        const next = Math.min(left, nextStepMs(leastMs));
        left -= next;
        await step(next);
      }
      await quiet();
    },
    settle: async () => {
      const giveUpAt = performance.now() + settleLimitMs;
      for (let steps = 0; steps < settleLimitSteps && performance.now() < giveUpAt; steps += 1) {
        await quiet();
        if (await isSettled(stack)) return;
        await step(nextStepMs(minuteMs));
      }
      throw new Error(`not settled: ${await describe(stack)}`);
    },
  };
}

/** Ends when nothing moved for a moment: a longer one while messages or requests are under way. */
async function untilQuiet({ control }: ChaosStack): Promise<void> {
  const limitMs = control.isStorageAway() ? quietLimitWithoutStorageMs : quietLimitMs;
  const giveUpAt = performance.now() + limitMs;
  let seen = control.activity();
  let seenTicks = -1;
  let since = performance.now();
  while (performance.now() < giveUpAt) {
    const activity = control.activity();
    if (activity === seen) {
      // Also when nothing seems to go on: an app that opens a connection has nothing under way yet.
      const { ticks, isWaiting } = await readProcessorUse(control.processes());
      const now = performance.now();
      if (ticks !== seenTicks || isWaiting) since = now;
      else if (now - since >= (control.underWay() === 0 ? quietMs : quietUnderWorkMs)) return;
      seenTicks = ticks;
    } else {
      // The processes are asked once this stands still: asking takes a share of the work's own processor.
      seen = activity;
      since = performance.now();
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const queues = [
  "business-events",
  "dead-letters",
  "integration-events",
  ...["ce", "crm", "email"].map((name) => `integration-events/Subscriptions/${name}`),
];

async function isSettled({ control, environment }: ChaosStack): Promise<boolean> {
  if (control.underWay() > 0) return false;
  const counts = queues.map((path) => control.broker.counts(path));
  if (counts.some(({ scheduled, active, deadLetter }) => scheduled + active + deadLetter > 0)) {
    return false;
  }
  return (await countOpen(environment.storage.connectionString)) === 0;
}

async function describe({ control, environment }: ChaosStack): Promise<string> {
  const counts = queues.map((path) => {
    const { active, scheduled, deadLetter } = control.broker.counts(path);
    return `${path} ${active}+${scheduled} scheduled+${deadLetter} dead`;
  });
  const open = await countOpen(environment.storage.connectionString);
  return `${open} open deliveries; ${counts.join("; ")}; ${control.underWay()} under way (${control.describeUnderWay().join(", ")})`;
}
