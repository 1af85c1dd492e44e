import { pauseBetween, whileFlowing, type ChaosContext, type ChaosFault } from "./chaos-fault.ts";
import { killAtEffects } from "./kill-at-effects.ts";
import { killOne } from "./kill-one.ts";
import { meetOne, tellMet } from "./meet-one.ts";
import { whileWorking } from "./while-working.ts";
import { whenHostIsReady } from "./when-host-is-ready.ts";

const secondMs = 1_000;
const minuteMs = 60 * secondMs;

/** Of one fault: each costs two seconds of boot, in which nothing is delivered. Another one may kill in a mixed round. */
const mostKills = ({ isOnly }: ChaosContext): number => (isOnly ? 18 : 9);
/** Of one round: F&O's sends and the host's links wait for seconds each time, whatever the number of documents. */
const mostCuts = 12;
const mostAbsences = 8;
const mostUnansweredSends = 2;
/** Of a mixed round, for storage that goes away after its flow. */
const lateDocuments = 20;

/** Kills again and again, and at least once while messages are under way: at rest there is nothing to lose. */
async function killWhileWorking(
  context: ChaosContext,
  pauseMs: readonly [number, number],
  act: (kill: () => void) => Promise<void>,
): Promise<void> {
  const { control } = context;
  let kills = 0;
  let atWork = 0;
  const kill = (): void => {
    if (control.broker.activeCount > 0) atWork += 1;
    killOne(context);
    kills += 1;
  };
  await whileWorking(context, pauseMs, () => act(kill), mostKills(context));
  await meetOne(context, {
    isMet: () => atWork > 0,
    act: async () => {
      await whenHostIsReady(context);
      if (control.broker.activeCount > 0) kill();
    },
  });
  tellMet(context, atWork, `of ${kills} kills with messages under way`);
}

/** Faults of what the function app runs on. */
export const platformFaults: readonly ChaosFault[] = [
  {
    name: "host-killed",
    weight: 2,
    touches: "instances",
    disturb: async (context) => {
      const { random } = context;
      await killWhileWorking(context, [200, 2_500], async (kill) => {
        await whenHostIsReady(context);
        await pauseBetween(context, 0, 800);
        kill();
        if (random.next() < 0.3) await whenHostIsReady(context);
      });
    },
    heal: (context) => whenHostIsReady(context),
  },
  {
    name: "host-killed-at-effect",
    weight: 2,
    touches: "instances",
    disturb: (context) => killAtEffects(context, mostKills(context)),
    heal: (context) => whenHostIsReady(context),
  },
  {
    name: "host-killed-after-send",
    weight: 1,
    touches: "instances",
    disturb: (context) => killAfterSends(context),
    heal: (context) => whenHostIsReady(context),
  },
  {
    name: "three-instances",
    weight: 2,
    touches: "instances",
    begin: ({ control }) => control.scaleTo(3),
    disturb: (context) =>
      killWhileWorking(context, [1_000, 4_000], async (kill) => {
        await whenHostIsReady(context);
        kill();
      }),
    heal: async (context) => {
      await whenHostIsReady(context);
      await context.control.scaleTo(1);
    },
  },
  {
    name: "bus-connections-dropped",
    weight: 1,
    touches: "bus",
    isLong: true,
    disturb: async (context) => {
      let cut = 0;
      const drop = (): void => void (cut += context.control.bus().dropConnections());
      await whileFlowing(context, [200, 1_500], drop, mostCuts);
      await meetOne(context, { isMet: () => cut > 0, act: drop });
      tellMet(context, cut, "connections cut");
    },
  },
  {
    name: "locks-lost",
    weight: 1,
    touches: "bus",
    disturb: async (context) => {
      let lost = 0;
      const lose = (): void => void (lost += context.control.broker.loseLocks());
      await whileFlowing(context, [100, 900], lose);
      await meetOne(context, { isMet: () => lost > 0, act: lose });
      tellMet(context, lost, "locks lost");
    },
  },
  {
    name: "broker-restarted",
    weight: 1,
    touches: "bus",
    disturb: async (context) => {
      let cut = 0;
      const restart = async (): Promise<void> => {
        cut += context.control.bus().setAway(true);
        await pauseBetween(context, 300, 3_000);
        context.control.bus().setAway(false);
      };
      await whileFlowing(context, [500, 2_000], restart, mostAbsences);
      await meetOne(context, { isMet: () => cut > 0, act: restart });
      tellMet(context, cut, "connections cut");
    },
    heal: ({ control }) => void control.bus().setAway(false),
  },
  {
    name: "storage-away-5s",
    weight: 1,
    touches: "storage",
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
    touches: "storage",
    disturb: async (context) => {
      if (!context.isOnly) return;
      await pauseBetween(context, 200, 1_000);
      context.control.setStorageAway(true);
    },
    hold: (context) => holdWithoutStorage(context),
    heal: ({ control }) => control.setStorageAway(false),
  },
  {
    name: "no-duplicate-detection",
    weight: 1,
    touches: "doors",
    doors: ["eventGrid", "serviceBus"],
    begin: ({ control }) => control.broker.setDuplicateDetectionEnabled(false),
    disturb: (context) => letDuplicatesIn(context),
    heal: ({ control }) => control.broker.setDuplicateDetectionEnabled(true),
  },
  {
    name: "clock-5-minutes-ahead",
    weight: 1,
    touches: "clock",
    begin: ({ time }) => time.setSkew(5 * minuteMs),
    hold: ({ time }) => time.advance(2 * minuteMs),
    heal: ({ time }) => time.setSkew(0),
  },
  {
    name: "clock-5-minutes-behind",
    weight: 1,
    touches: "clock",
    begin: ({ time }) => time.setSkew(-5 * minuteMs),
    hold: ({ time }) => time.advance(2 * minuteMs),
    heal: ({ time }) => time.setSkew(0),
  },
];

/**
 * Beside other faults it comes when they have met something: without the ledger nothing gets as far as they are. What
 * comes late has a door that takes it all the same.
 */
async function holdWithoutStorage({ control, time, isOnly, post }: ChaosContext): Promise<void> {
  control.setStorageAway(true);
  const late = isOnly
    ? []
    : Array.from({ length: lateDocuments }, () => post({ doors: ["serviceBus"] }));
  await time.advance(minuteMs);
  await Promise.all(late);
}

async function killAfterSends(context: ChaosContext): Promise<void> {
  let kills = 0;
  // Only the app sends there: what it was about to complete comes again.
  const waitForSend = (): (() => void) =>
    context.control.broker.onNextArrival("integration-events", () => {
      killOne(context);
      kills += 1;
    });
  const act = async (): Promise<void> => {
    await whenHostIsReady(context);
    const stopWaiting = waitForSend();
    await pauseBetween(context, 200, 800);
    // Else it would meet a send of the next round.
    stopWaiting();
  };
  await whileWorking(context, [100, 800], act, mostKills(context));
  await meetOne(context, { isMet: () => kills > 0, act });
  tellMet(context, kills, "kills after a send");
}

/** Locks are lost, and a send is taken whose sender gets no answer: it sends the same message again. */
async function letDuplicatesIn(context: ChaosContext): Promise<void> {
  const { broker, bus } = context.control;
  const before = broker.duplicatesLetIn;
  let isWaiting = false;
  let stopWaiting = (): void => undefined;
  const cutNextSend = (): void => {
    if (isWaiting) return;
    isWaiting = true;
    stopWaiting = broker.onNextArrival("integration-events", () => {
      isWaiting = false;
      bus().dropConnections();
    });
  };
  let cuts = 0;
  await whileFlowing(context, [500, 2_000], () => {
    broker.loseLocks();
    if (cuts < mostUnansweredSends) cutNextSend();
    cuts += 1;
  });
  const count = (): number => broker.duplicatesLetIn - before;
  await meetOne(context, { isMet: () => count() > 0, act: cutNextSend });
  stopWaiting();
  tellMet(context, count(), "duplicates let in");
}
