import { pauseBetween, whileFlowing, type ChaosContext, type ChaosFault } from "./chaos-fault.ts";
import { killOne } from "./kill-one.ts";
import { whenHostIsReady } from "./when-host-is-ready.ts";

const secondMs = 1_000;
const minuteMs = 60 * secondMs;

/** The systems where an effect is made: the host dies just before or just after one. */
const effectPlaces = ["dataverse", "workflows", "crm", "mail"] as const;

const mostTurns = 400;
/** In a row, after the flow, with the ledger away for longer than a moment: there is no effect to meet then. */
const mostVainTurns = 3;
/** Of one round: each costs two seconds of boot, in which nothing is delivered. */
const mostKills = 18;
/** As long as so many messages are under way after the flow, deliveries go on in which a kill meets something. */
const backlog = 200;
const hitLimitMs = 5_000;
/** Of one round: F&O's sends and the host's links wait for seconds each time, whatever the number of documents. */
const mostCuts = 12;
const mostAbsences = 8;

/**
 * Kills the host at the next write to one of the systems, when it has come or when it has been carried out; the
 * caller gets no answer. False when none came. Once the flow is over there may be nothing left to do: a document
 * of its own then gives it something.
 */
async function killAtEffect(context: ChaosContext, moment: "before" | "after"): Promise<boolean> {
  const { control, random, traffic, round, isFlowOver } = context;
  const faults = control.faults[random.pick(effectPlaces)];
  const giveUpAt = performance.now() + hitLimitMs;
  const posting = isFlowOver() ? traffic.post({ round, doors: ["serviceBus"] }) : undefined;
  let isHit = false;
  const afterEffect = moment === "after";
  // Over whatever another fault of the round has set there.
  const takeAway = faults.over({ reset: true, onlyWrites: true, afterEffect }, () => {
    if (isHit) return;
    isHit = true;
    killOne(context);
    takeAway();
  });
  const hasHit = (): boolean => isHit;
  while (!hasHit() && performance.now() < giveUpAt) await pauseBetween(context, 20, 60);
  takeAway();
  await posting;
  return hasHit();
}

/** What is left of a long flow keeps the host busy: the kills go on in it. */
function isWorkOver({ control, isFlowOver }: ChaosContext): boolean {
  return isFlowOver() && control.underWay() < backlog;
}

/** `whileFlowing`, and while much of what came is still to be delivered. */
async function whileWorking(
  context: ChaosContext,
  pauseMs: readonly [number, number],
  act: () => Promise<void>,
): Promise<void> {
  const working = { ...context, isFlowOver: () => isWorkOver(context) };
  await whileFlowing(working, pauseMs, act, mostKills);
}

/** Faults of what the function app runs on. */
export const platformFaults: readonly ChaosFault[] = [
  {
    name: "host-killed",
    weight: 2,
    disturb: async (context) => {
      const { random } = context;
      let kills = 0;
      await whileWorking(context, [200, 2_500], async () => {
        await whenHostIsReady(context);
        await pauseBetween(context, 0, 800);
        killOne(context);
        kills += 1;
        if (random.next() < 0.3) await whenHostIsReady(context);
      });
      context.note(`${kills} kills`);
      if (kills === 0) context.complain("the host was never killed");
    },
    heal: (context) => whenHostIsReady(context),
  },
  {
    name: "host-killed-at-effect",
    weight: 2,
    disturb: async (context) => {
      const kills = { before: 0, after: 0 };
      let vain = 0;
      let hasHit = true;
      for (let turn = 0; turn < mostTurns && vain < mostVainTurns; turn += 1) {
        const wanted = turn % 2 === 0 ? "after" : "before";
        const isEnough = kills.before > 0 && kills.after > 0;
        const isFull = kills.before + kills.after >= mostKills;
        const isOver = isWorkOver(context) || (!hasHit && context.isFlowOver());
        if (isEnough && (isFull || isOver)) break;
        await whenHostIsReady(context);
        hasHit = await killAtEffect(context, wanted);
        if (hasHit) kills[wanted] += 1;
        const canHit = !context.isFlowOver() || !context.control.isStorageAway();
        vain = hasHit || canHit ? 0 : vain + 1;
      }
      context.note(`${kills.before} kills before an effect, ${kills.after} after one`);
      if (vain === mostVainTurns) return;
      if (kills.before === 0) context.complain("the host was never killed before an effect");
      if (kills.after === 0) context.complain("the host was never killed after an effect");
    },
    heal: (context) => whenHostIsReady(context),
  },
  {
    name: "host-killed-after-send",
    weight: 1,
    disturb: async (context) => {
      let kills = 0;
      await whileWorking(context, [100, 800], async () => {
        await whenHostIsReady(context);
        // Only the app sends there: what it was about to complete comes again.
        const stopWaiting = context.control.broker.onNextArrival("integration-events", () => {
          killOne(context);
          kills += 1;
        });
        await pauseBetween(context, 200, 800);
        // Else it would meet a send of the next round.
        stopWaiting();
      });
      context.note(`${kills} kills after a send`);
      if (kills === 0 && context.round === "host-killed-after-send")
        context.complain("the host was never killed after a send");
    },
    heal: (context) => whenHostIsReady(context),
  },
  {
    name: "three-instances",
    weight: 2,
    begin: ({ control }) => control.scaleTo(3),
    disturb: async (context) => {
      let kills = 0;
      await whileWorking(context, [1_000, 4_000], async () => {
        await whenHostIsReady(context);
        killOne(context);
        kills += 1;
      });
      context.note(`${kills} kills`);
    },
    heal: async (context) => {
      await whenHostIsReady(context);
      await context.control.scaleTo(1);
    },
  },
  {
    name: "bus-connections-dropped",
    weight: 1,
    isLong: true,
    disturb: (context) =>
      whileFlowing(context, [200, 1_500], () => context.control.bus().dropConnections(), mostCuts),
  },
  {
    name: "locks-lost",
    weight: 1,
    disturb: (context) =>
      whileFlowing(context, [100, 900], () => context.control.broker.loseLocks()),
  },
  {
    name: "broker-restarted",
    weight: 1,
    disturb: (context) =>
      whileFlowing(
        context,
        [500, 2_000],
        async () => {
          context.control.bus().setAway(true);
          await pauseBetween(context, 300, 3_000);
          context.control.bus().setAway(false);
        },
        mostAbsences,
      ),
    heal: ({ control }) => control.bus().setAway(false),
  },
  {
    name: "storage-away-5s",
    weight: 1,
    disturb: (context) =>
      whileFlowing(
        context,
        [300, 1_500],
        async () => {
          context.control.setStorageAway(true);
          await new Promise((resolve) => setTimeout(resolve, 5 * secondMs));
          context.control.setStorageAway(false);
        },
        mostAbsences,
      ),
    heal: ({ control }) => control.setStorageAway(false),
  },
  {
    name: "storage-away-60s",
    weight: 1,
    disturb: async ({ control, random }) => {
      await pauseBetween({ random }, 200, 1_000);
      control.setStorageAway(true);
    },
    hold: ({ time }) => time.advance(minuteMs),
    heal: ({ control }) => control.setStorageAway(false),
  },
  {
    name: "no-duplicate-detection",
    weight: 1,
    doors: ["eventGrid", "serviceBus"],
    begin: ({ control }) => control.broker.setDuplicateDetectionEnabled(false),
    disturb: (context) =>
      whileFlowing(context, [500, 2_000], () => {
        context.control.broker.loseLocks();
      }),
    heal: ({ control }) => control.broker.setDuplicateDetectionEnabled(true),
  },
  {
    name: "clock-5-minutes-ahead",
    weight: 1,
    begin: ({ time }) => time.setSkew(5 * minuteMs),
    hold: ({ time }) => time.advance(2 * minuteMs),
    heal: ({ time }) => time.setSkew(0),
  },
  {
    name: "clock-5-minutes-behind",
    weight: 1,
    begin: ({ time }) => time.setSkew(-5 * minuteMs),
    hold: ({ time }) => time.advance(2 * minuteMs),
    heal: ({ time }) => time.setSkew(0),
  },
];
