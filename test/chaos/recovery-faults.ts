import { pauseBetween, type ChaosContext, type ChaosFault } from "./chaos-fault.ts";
import { createOperatorClient, type ShownReplay } from "./operator-client.ts";
import { readFailures } from "./read-world.ts";
import { killOne } from "./kill-one.ts";
import { tellMet } from "./meet-one.ts";
import { whenHostIsReady } from "./when-host-is-ready.ts";

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
/** Real time in which a replay has to end, with locks of killed hosts that run out on the moved clock. */
const replayLimitMs = 4 * minuteMs;
const verifyLimitMs = 60 * secondMs;
const mostKills = 8;
/** Back to where the round's documents were posted, whatever it took until all were settled. */
const flowMs = 60 * minuteMs;
/** Verify leaves alone what was posted in the last 15 minutes. */
const unverifiedMs = 20 * minuteMs;

/** What people set right afterwards, while it goes wrong once more. */
export const recoveryFaults: readonly ChaosFault[] = [
  {
    name: "replay-killed",
    weight: 2,
    isAlone: true,
    begin: refuseHalf,
    hold: (context) => replayWhile(context, killing),
  },
  {
    name: "replay-under-traffic",
    weight: 2,
    isAlone: true,
    begin: refuseHalf,
    hold: (context) => replayWhile(context, posting),
  },
  { name: "original-after-repair", weight: 1, isAlone: true, hold: repairBeforeOriginal },
];

/** A person's matter at once, and sound as soon as the CRM is. */
function refuseHalf({ control }: ChaosContext): void {
  control.faults.crm.set({ status: 300, onlyWrites: true, rate: 0.5 });
}

interface Beside {
  /** When each of its acts was, by the stack's clock. */
  readonly disturb: (context: ChaosContext, isOver: () => boolean) => Promise<readonly number[]>;
  readonly acts: string;
  /** Between two looks at the replay. */
  readonly wait: (context: ChaosContext) => Promise<void>;
}

/** Locks of killed hosts have to run out. */
const killing: Beside = {
  disturb: killHosts,
  acts: "kills while it ran",
  wait: ({ time }) => time.advance(20 * secondMs),
};
/** While traffic flows it is never quiet enough for moving time on. */
const posting: Beside = {
  disturb: postOn,
  acts: "posted meanwhile",
  wait: (context) => pauseBetween(context, 200, 300),
};

/** Every failure of the CRM is replayed, and has to be gone afterwards. */
async function replayWhile(context: ChaosContext, beside: Beside): Promise<void> {
  const { control, stack, time, note, complain } = context;
  await time.settle();
  control.faults.crm.clear();
  const before = await countOpenFailures(context);
  if (before === 0) {
    complain("nothing failed, so that there was nothing to replay");
    return;
  }
  const operator = createOperatorClient(stack.environment);
  const { id } = await operator.beginReplay("crm");
  let isOver = false;
  const disturbing = beside.disturb(context, () => isOver);
  const ended = await followReplay(
    () => operator.replay(id),
    () => beside.wait(context),
  ).finally(() => (isOver = true));
  const acts = await disturbing;
  // The look at the replay that finds it ended may be late: a time-step and more.
  const endedAt = Date.parse(ended?.endedAt ?? "") || Infinity;
  tellMet(context, acts.filter((at) => at < endedAt).length, beside.acts);
  await time.settle();
  const left = await countOpenFailures(context);
  note(`${before} failures replayed, ${left} left`);
  if (ended?.state !== "done")
    complain(`the replay is ${ended?.state ?? "unknown"}: ${ended?.note ?? ""}`);
  if (left > 0) complain(`${left} failures are open after their replay`);
}

/** Undefined when it did not end in time. */
async function followReplay(
  look: () => Promise<ShownReplay>,
  wait: () => Promise<void>,
): Promise<ShownReplay | undefined> {
  const giveUpAt = performance.now() + replayLimitMs;
  let last: ShownReplay | undefined;
  while (performance.now() < giveUpAt) {
    // The host is away for a moment after each kill.
    last = (await look().catch(() => undefined)) ?? last;
    if (last !== undefined && isEnded(last)) return last;
    await wait();
  }
  return last;
}

function isEnded({ state, isFollowed }: ShownReplay): boolean {
  return !isFollowed && (state === "done" || state === "stopped" || state === "cancelled");
}

/** First at the replay's own next send: a short one would else be over before. */
async function killHosts(context: ChaosContext, isOver: () => boolean): Promise<readonly number[]> {
  const { control, stack } = context;
  const kills: number[] = [];
  const kill = (): void => {
    kills.push(stack.clock.now());
    killOne(context);
  };
  const stopWaiting = control.broker.onNextArrival("integration-events", kill);
  while (!isOver() && kills.length === 0) await pauseBetween(context, 10, 20);
  stopWaiting();
  while (!isOver() && kills.length < mostKills) {
    await whenHostIsReady(context);
    await pauseBetween(context, 100, 1_200);
    if (!isOver()) kill();
  }
  await whenHostIsReady(context);
  return kills;
}

async function postOn(context: ChaosContext, isOver: () => boolean): Promise<readonly number[]> {
  const posts: number[] = [];
  while (!isOver()) {
    posts.push(context.stack.clock.now());
    await context.post();
    await pauseBetween(context, 50, 250);
  }
  return posts;
}

async function countOpenFailures({ stack, posted }: ChaosContext): Promise<number> {
  const events = new Set(posted().flatMap(({ eventIds }) => eventIds));
  const failures = await readFailures(stack.environment.storage.connectionString);
  return failures.filter(
    ({ eventId, status, target }) => target === "crm" && isStanding(status) && events.has(eventId),
  ).length;
}

function isStanding(status: string): boolean {
  return status === "open" || status === "replaying";
}

/**
 * F&O's events of some documents are not accepted; verify finds the documents and raises events of its own.
 * The originals come afterwards, with the rest of F&O's error list.
 */
async function repairBeforeOriginal(context: ChaosContext): Promise<void> {
  const { control, stack, time, traffic, posted, note, complain } = context;
  await time.settle();
  const since = stack.clock.now();
  // A hundredth of what it compares is the most that verify repairs by itself.
  const wanted = Math.max(1, Math.floor(posted().length / 100));
  control.broker.setStatus("business-events", "SendDisabled");
  for (let count = 0; count < wanted; count += 1) {
    await context.post({ doors: ["serviceBus"] });
  }
  control.broker.setStatus("business-events", "Active");
  if (traffic.refused() < wanted) complain("an event was accepted that had to wait");
  await time.advance(unverifiedMs);
  const operator = createOperatorClient(stack.environment);
  const begun = await operator.beginRepair(since - flowMs);
  const giveUpAt = performance.now() + verifyLimitMs;
  let verified = begun;
  while (verified.state === "running" && performance.now() < giveUpAt) {
    await pauseBetween(context, 100, 200);
    verified = await operator.verification(begun.id);
  }
  await time.settle();
  // Each document goes to CE, to the CRM and by mail.
  const deliveries = 3 * wanted;
  note(`${verified.repaired} of ${deliveries} deliveries repaired before their event came`);
  if (verified.repaired !== deliveries) {
    complain(`verify is ${verified.state} and repaired ${verified.repaired}: ${verified.note}`);
  }
}
