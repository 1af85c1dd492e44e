import type { FaultySystem } from "../../local/assembly/fault-control.ts";
import type { Fault } from "../../local/faults.ts";
import { pauseBetween, whileFlowing, type ChaosContext, type ChaosFault } from "./chaos-fault.ts";

const minuteMs = 60_000;

/** For which a document of its own is waited for to meet a fault. */
const hitLimitMs = 10_000;
const gatePauseMs = 20_000;

interface Turn {
  readonly fault: Fault;
  hits: number;
}

/**
 * One after the other while events flow; the last one stays on for a while after the flow. Each has to meet something:
 * one that met nothing by then gets a document of its own.
 */
function inTurns(
  name: string,
  weight: number,
  system: FaultySystem,
  faults: readonly Fault[],
  mayLeave: readonly string[] = [],
): ChaosFault {
  return {
    name,
    weight,
    mayLeave,
    disturb: async (context) => {
      const turns = faults.map((fault): Turn => ({ fault, hits: 0 }));
      let next = 0;
      await whileFlowing(context, [300, 1_200], () => {
        const turn = turns[next % turns.length];
        next += 1;
        if (turn !== undefined)
          context.control.faults[system].set(turn.fault, () => (turn.hits += 1));
      });
      for (const turn of turns) if (turn.hits === 0) await meetOne(context, system, turn);
      context.note(`hits ${turns.map(({ hits }) => hits).join("/")}`);
      // In a mixed round others may keep everything from getting that far.
      if (context.round === name && turns.some(({ hits }) => hits === 0))
        context.complain(`one of its faults hit nothing`);
    },
    hold: ({ time }) => time.advance(minuteMs),
    heal: ({ control }) => control.faults[system].clear(),
  };
}

async function meetOne(context: ChaosContext, system: FaultySystem, turn: Turn): Promise<void> {
  const { control, time, traffic, round } = context;
  const giveUpAt = performance.now() + hitLimitMs;
  control.faults[system].set({ ...turn.fault, rate: 1 }, () => (turn.hits += 1));
  const posting = traffic.post({ round, doors: ["serviceBus"] });
  // The gate that the fault before has closed opens after a while.
  while (turn.hits === 0 && performance.now() < giveUpAt) await time.advance(gatePauseMs);
  await posting;
  control.faults[system].set(turn.fault);
}

/** Longer than the 90 s for which CE's client waits, and the 100 s for which a workflow's caller waits. */
const tooLateMs = 110_000;

/** What the systems around get wrong. */
export const systemFaults: readonly ChaosFault[] = [
  inTurns("finance-404-429-500", 1, "finance", [
    { status: 404, rate: 0.5 },
    { status: 429, retryAfter: 2, rate: 0.5 },
    { status: 500, rate: 0.5 },
  ]),
  inTurns("ce-429-500", 1, "dataverse", [
    { status: 429, retryAfter: 5, rate: 0.6 },
    { status: 429, rate: 0.6 },
    { status: 500, rate: 0.5 },
  ]),
  inTurns("ce-answers-too-late", 1, "dataverse", [
    { latencyMs: tooLateMs, afterEffect: true, rate: 0.3 },
  ]),
  inTurns("ce-reset-after-write", 1, "dataverse", [
    { reset: true, afterEffect: true, rate: 0.4 },
    { reset: true, rate: 0.4 },
  ]),
  inTurns(
    "crm-300-500",
    1,
    "crm",
    [
      { status: 300, rate: 0.05 },
      { status: 500, rate: 0.4 },
      { status: 503, retryAfter: 30, rate: 0.4 },
    ],
    ["CRM_AMBIGUOUS"],
  ),
  {
    name: "crm-partial-errors",
    weight: 1,
    begin: ({ control }) => control.configureCrm({ lockedShare: 0.2 }),
    hold: ({ time }) => time.advance(2 * minuteMs),
    heal: ({ control }) => control.configureCrm({ lockedShare: 0 }),
  },
  {
    name: "mail-fails-after-accepting",
    weight: 1,
    mayLeave: ["MAIL_FAILED"],
    begin: ({ control }) => control.configureMail({ failShare: 0.2 }),
    hold: ({ time }) => time.advance(5 * minuteMs),
    heal: ({ control }) => control.configureMail({ failShare: 0 }),
  },
  inTurns("mail-reset-after-send", 1, "mail", [
    { reset: true, afterEffect: true, rate: 0.4 },
    { status: 500, rate: 0.4 },
    { status: 429, retryAfter: 20, rate: 0.5 },
  ]),
  inTurns("workflow-times-out-after-work", 1, "workflows", [
    { latencyMs: tooLateMs, afterEffect: true, rate: 0.2 },
    { status: 504, afterEffect: true, rate: 0.3 },
    { reset: true, afterEffect: true, rate: 0.3 },
  ]),
];

/** What F&O itself does twice, or once too often. */
export const eventFaults: readonly ChaosFault[] = [
  { name: "three-doors", weight: 1, doors: ["eventGrid", "serviceBus", "https"] },
  {
    name: "resent-same-and-new-id",
    weight: 1,
    disturb: (context) => resendSome(context),
    hold: (context) => resendSome(context),
  },
  {
    name: "poison-row",
    weight: 1,
    mayLeave: ["CE_REJECTED"],
    disturb: async (context) => {
      const { traffic, round } = context;
      let count = 0;
      await whileFlowing(context, [300, 1_500], async () => {
        // Above what a money column of CE holds: refused by CE alone, and only this row.
        const lines = [{ product: "D0011", quantity: 1, unitPrice: 200_000_000_000_000 }];
        await traffic.post({ round, doors: ["serviceBus"], lines });
        count += 1;
      });
      context.note(`${count} poison rows`);
    },
  },
];

async function resendSome(context: ChaosContext): Promise<void> {
  const { traffic, random, posted } = context;
  const doors = ["eventGrid", "serviceBus", "https"] as const;
  for (let count = 0; count < 20; count += 1) {
    await pauseBetween(context, 20, 200);
    const documents = posted().filter(({ eventIds }) => eventIds.length > 0);
    if (documents.length === 0) continue;
    const newEventId = random.next() < 0.5;
    await traffic.resend(random.pick(documents), { newEventId, door: random.pick(doors) });
  }
}
