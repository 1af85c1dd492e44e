import type { FaultySystem } from "../../local/assembly/fault-control.ts";
import type { ChaosContext, ChaosFault } from "./chaos-fault.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const outageMs = 10 * hourMs;
/** While the first calls find out that nobody is there; from then on only probes may come. */
const findingOutMs = 5 * minuteMs;

/** Ten simulated hours without a system: no failure may be opened, and it is asked at most once a minute. */
function outage(name: string, weight: number, system: FaultySystem): ChaosFault {
  return {
    name,
    weight,
    begin: ({ control }) => control.faults[system].set({ status: 503 }),
    hold: (context) => watchOutage(context, system),
    heal: ({ control }) => control.faults[system].clear(),
  };
}

async function watchOutage(context: ChaosContext, system: FaultySystem): Promise<void> {
  const { control, stack, time, note, complain } = context;
  const { seen } = control.faults[system];
  await time.advance(findingOutMs);
  const beganAt = stack.clock.now();
  const atBegin = seen();
  const calls: { readonly at: number; readonly count: number }[] = [{ at: beganAt, count: 0 }];
  await time.advance(outageMs - findingOutMs, () => {
    calls.push({ at: stack.clock.now(), count: seen() - atBegin });
  });
  const minutes = (stack.clock.now() - beganAt) / minuteMs;
  const total = seen() - atBegin;
  note(`${total} calls in ${Math.round(minutes)} min`);
  if (total > minutes + 1) {
    complain(`${system} was asked ${total} times in ${Math.round(minutes)} minutes of outage`);
  }
}

export const longFaults: readonly ChaosFault[] = [
  outage("ce-away-10h", 8, "dataverse"),
  outage("finance-away-10h", 8, "finance"),
  {
    name: "target-disabled-10h",
    weight: 2,
    begin: ({ control }) => setEnabled(control, false),
    hold: ({ time }) => time.advance(outageMs),
    heal: ({ control }) => setEnabled(control, true),
  },
];

function setEnabled(control: ChaosContext["control"], isEnabled: boolean): void {
  control.setWorkflowEnabled("invoice-to-crm", isEnabled);
}
