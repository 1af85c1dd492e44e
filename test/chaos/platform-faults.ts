import { pauseBetween, whileFlowing, type ChaosContext, type ChaosFault } from "./chaos-fault.ts";

const secondMs = 1_000;
const minuteMs = 60 * secondMs;

async function whenHostIsReady({ control }: ChaosContext, limitMs = 60_000): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  while (!control.functions().isReady) {
    if (performance.now() > giveUpAt) throw new Error("the Functions host did not come back");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The systems where an effect is made: the host dies just before or just after one. */
const effectPlaces = ["dataverse", "workflows", "crm", "mail"] as const;

/** Faults of what the function app runs on. */
export const platformFaults: readonly ChaosFault[] = [
  {
    name: "host-killed",
    weight: 2,
    disturb: async (context) => {
      const { control, random } = context;
      let kills = 0;
      await whileFlowing(context, [200, 2_500], async () => {
        await whenHostIsReady(context);
        await pauseBetween(context, 0, 800);
        control.functions().kill();
        kills += 1;
        if (random.next() < 0.3) await whenHostIsReady(context);
      });
      context.note(`${kills} kills`);
    },
    heal: (context) => whenHostIsReady(context),
  },
  {
    name: "host-killed-at-effect",
    weight: 2,
    disturb: async (context) => {
      const { control, random } = context;
      let kills = 0;
      await whileFlowing(context, [100, 600], async () => {
        await whenHostIsReady(context);
        const faults = control.faults[random.pick(effectPlaces)];
        const afterEffect = random.next() < 0.6;
        let isHit = false;
        faults.set({ reset: true, afterEffect, rate: 0.7 }, () => {
          if (isHit) return;
          isHit = true;
          kills += 1;
          control.functions().kill();
          faults.clear();
        });
        await pauseBetween(context, 1_000, 3_000);
        faults.clear();
      });
      context.note(`${kills} kills at an effect`);
    },
    heal: (context) => whenHostIsReady(context),
  },
  {
    name: "bus-connections-dropped",
    weight: 1,
    disturb: (context) =>
      whileFlowing(context, [200, 1_500], () => context.control.bus().dropConnections()),
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
      whileFlowing(context, [500, 2_000], async () => {
        context.control.bus().setAway(true);
        await pauseBetween(context, 300, 3_000);
        context.control.bus().setAway(false);
      }),
    heal: ({ control }) => control.bus().setAway(false),
  },
  {
    name: "storage-away-5s",
    weight: 1,
    disturb: (context) =>
      whileFlowing(context, [300, 1_500], async () => {
        context.control.setStorageAway(true);
        await new Promise((resolve) => setTimeout(resolve, 5 * secondMs));
        context.control.setStorageAway(false);
      }),
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
