import { whileFlowing, type ChaosContext } from "./chaos-fault.ts";

/** As long as so many messages are under way after the flow, deliveries go on in which a kill meets something. */
const backlog = 200;

/** What is left of a long flow keeps the host busy: the kills go on in it. */
export function isWorkOver({ control, isFlowOver }: ChaosContext): boolean {
  return isFlowOver() && control.underWay() < backlog;
}

/** `whileFlowing`, and while much of what came is still to be delivered. */
export async function whileWorking(
  context: ChaosContext,
  pauseMs: readonly [number, number],
  act: () => Promise<void>,
  most: number,
): Promise<void> {
  const working = { ...context, isFlowOver: () => isWorkOver(context) };
  await whileFlowing(working, pauseMs, act, most);
}
