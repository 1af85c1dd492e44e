import type { FaultySystem } from "../../local/assembly/fault-control.ts";
import type { ChaosContext, ChaosFault } from "./chaos-fault.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const outageMs = 10 * hourMs;
/** From then on in steps of five minutes, each of which costs as much of the run's time as one of a minute. */
const byMinuteMs = hourMs;
const coarseStepMs = 5 * minuteMs;
/** Each of their events is put off some thirty times, and costs ten times as much as one of another round. */
const longWeight = 0.5;
/** With fewer there is not one that wants to be called in every minute: 14 made 30 calls in 55 minutes, 35 made 52. */
const leastEvents = 50;
/** While the first calls find out that nobody is there; from then on only probes may come. */
const findingOutMs = 5 * minuteMs;

interface Outage {
  readonly instances: number;
  /** Of those who ask for another reason than a delivery, at their own hours. */
  readonly hourlyCalls: number;
}

/**
 * Ten simulated hours without a system: no failure may be opened, and it is asked at most once a minute, by all
 * instances of the app together.
 */
function outage(
  name: string,
  system: FaultySystem,
  { instances = 1, hourlyCalls = 0 }: Partial<Outage> = {},
): ChaosFault {
  return {
    name,
    weight: longWeight,
    leastEvents,
    isAlone: true,
    begin: async ({ control }) => {
      await control.scaleTo(instances);
      control.faults[system].set({ status: 503 });
    },
    hold: (context) => watchOutage(context, system, hourlyCalls),
    heal: async ({ control }) => {
      control.faults[system].clear();
      await control.scaleTo(1);
    },
  };
}

async function watchOutage(
  context: ChaosContext,
  system: FaultySystem,
  hourlyCalls: number,
): Promise<void> {
  const { control, stack, time, note, complain, posted } = context;
  const { seen } = control.faults[system];
  await time.advance(findingOutMs);
  const beganAt = stack.clock.now();
  const atBegin = seen();
  const count = (): { readonly minutes: number; readonly total: number } => ({
    minutes: Math.round((stack.clock.now() - beganAt) / minuteMs),
    total: seen() - atBegin,
  });
  const tell = (): string => {
    const { minutes, total } = count();
    if (total > minutes + 1 + hourlyCalls * Math.ceil((minutes * minuteMs) / hourMs))
      complain(`${system} was asked ${total} times in ${minutes} minutes of outage`);
    return `${total} calls in ${minutes} min`;
  };
  await time.advance(byMinuteMs - findingOutMs);
  const byMinute = tell();
  // A gate that has stopped knocking keeps the limit too, and never finds out that the system is back.
  const { minutes, total } = count();
  if (posted().length >= leastEvents && total < minutes / 2)
    complain(`${system} was asked only ${total} times in ${minutes} minutes of outage`);
  await passHours(context, outageMs - byMinuteMs);
  note(`${byMinute}, ${tell()}`);
}

async function passHours(context: ChaosContext, ms: number): Promise<void> {
  const { onProgress, round, time } = context;
  for (let left = ms; left > 0; left -= hourMs) {
    onProgress(`${round}: ${Math.ceil(left / hourMs)} hours of outage to go`);
    await time.advance(Math.min(hourMs, left), coarseStepMs);
  }
}

export const longFaults: readonly ChaosFault[] = [
  outage("ce-away-10h", "dataverse"),
  outage("ce-away-10h-three-instances", "dataverse", { instances: 3 }),
  // `count-posted` compares with the ledger once an hour, whatever the gate says: it is the dead-man's switch.
  outage("finance-away-10h", "finance", { hourlyCalls: 1 }),
  {
    name: "target-disabled-10h",
    weight: longWeight,
    leastEvents,
    isAlone: true,
    begin: ({ control }) => setEnabled(control, false),
    // Every call of a workflow comes by this door, and is counted whatever the answer.
    hold: (context) => watchOutage(context, "workflows", 0),
    heal: ({ control }) => setEnabled(control, true),
  },
];

function setEnabled(control: ChaosContext["control"], isEnabled: boolean): void {
  control.setWorkflowEnabled("invoice-to-crm", isEnabled);
}
