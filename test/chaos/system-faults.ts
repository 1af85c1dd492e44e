import type { FaultySystem } from "../../local/assembly/fault-control.ts";
import type { Fault } from "../../local/faults.ts";
import { meetOne, tellMet } from "./meet-one.ts";
import { pauseBetween, whileFlowing, type ChaosContext, type ChaosFault } from "./chaos-fault.ts";

const minuteMs = 60_000;
/** Of the rows and mails that go wrong where not every one does. */
const wrongShare = 0.2;

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
    touches: system,
    disturb: async (context) => {
      const turns = faults.map((fault): Turn => ({ fault, hits: 0 }));
      let next = 0;
      await whileFlowing(context, [300, 1_200], () => {
        const turn = turns[next % turns.length];
        next += 1;
        if (turn !== undefined)
          context.control.faults[system].set(turn.fault, () => (turn.hits += 1));
      });
      for (const turn of turns) await meetTurn(context, system, turn);
      context.note(`hits ${turns.map(({ hits }) => hits).join("/")}`);
      if (context.hasToMeet && turns.some(({ hits }) => hits === 0))
        context.complain("one of its faults hit nothing");
    },
    hold: ({ time }) => time.advance(minuteMs),
    heal: ({ control }) => control.faults[system].clear(),
  };
}

/** Over what is set there, by this fault or by another one of the round: one that met nothing gets every request. */
async function meetTurn(context: ChaosContext, system: FaultySystem, turn: Turn): Promise<void> {
  if (turn.hits > 0) return;
  const takeAway = context.control.faults[system].over({ ...turn.fault, rate: 1 }, () => {
    turn.hits += 1;
  });
  await meetOne(context, { isMet: () => turn.hits > 0 });
  takeAway();
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
    touches: "crm",
    begin: ({ control }) => control.configureCrm({ lockedShare: wrongShare }),
    disturb: async (context) => {
      const { control } = context;
      const met = countFromNow(control.refusedRows);
      await meetAll(context, met, (share) => control.configureCrm({ lockedShare: share }));
      tellMet(context, met(), "rows refused out of a collection");
    },
    hold: ({ time }) => time.advance(2 * minuteMs),
    heal: ({ control }) => control.configureCrm({ lockedShare: 0 }),
  },
  {
    name: "mail-fails-after-accepting",
    weight: 1,
    touches: "mail",
    mayLeave: ["MAIL_FAILED"],
    begin: ({ control }) => control.configureMail({ failShare: wrongShare }),
    disturb: async (context) => {
      const { control } = context;
      const met = countFromNow(control.failedMails);
      await meetAll(context, met, (share) => control.configureMail({ failShare: share }));
      tellMet(context, met(), "mails failed");
    },
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

function countFromNow(count: () => number): () => number {
  const before = count();
  return () => count() - before;
}

/** After the flow, and only when nothing went wrong in it by chance: everything does, until something has. */
async function meetAll(
  context: ChaosContext,
  met: () => number,
  setShare: (share: number) => void,
): Promise<void> {
  await whileFlowing(context, [100, 300], () => undefined);
  if (met() > 0) return;
  setShare(1);
  await meetOne(context, { isMet: () => met() > 0 });
  setShare(wrongShare);
}

/** What F&O itself does twice, or once too often. */
export const eventFaults: readonly ChaosFault[] = [
  { name: "three-doors", weight: 1, touches: "doors", doors: ["eventGrid", "serviceBus", "https"] },
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
      let count = 0;
      await whileFlowing(context, [300, 1_500], async () => {
        // Above what a money column of CE holds: refused by CE alone, and only this row.
        const lines = [{ product: "D0011", quantity: 1, unitPrice: 200_000_000_000_000 }];
        await context.post({ doors: ["serviceBus"], lines });
        count += 1;
      });
      tellMet(context, count, "poison rows");
    },
  },
];

interface Resent {
  readonly newEventId: boolean;
  count: number;
}

/** Under the same id and under a new one; counted is what F&O got an acknowledgement for. */
async function resendSome(context: ChaosContext): Promise<void> {
  const { traffic, random, posted } = context;
  const doors = ["eventGrid", "serviceBus", "https"] as const;
  const [same, other]: readonly [Resent, Resent] = [
    { newEventId: false, count: 0 },
    { newEventId: true, count: 0 },
  ];
  const resendAs = async (how: Resent): Promise<void> => {
    const documents = posted().filter(({ eventIds }) => eventIds.length > 0);
    if (documents.length === 0) return;
    const document = random.pick(documents);
    const { isAccepted } = await traffic.resend(document, {
      newEventId: how.newEventId,
      door: random.pick(doors),
    });
    if (isAccepted) how.count += 1;
  };
  for (let turn = 0; turn < 20; turn += 1) {
    await pauseBetween(context, 20, 200);
    await resendAs(random.next() < 0.5 ? other : same);
  }
  for (const how of [same, other]) {
    await meetOne(context, { isMet: () => how.count > 0, act: () => resendAs(how) });
  }
  tellMet(context, same.count, "resent under the same id");
  tellMet(context, other.count, "under a new one");
}
