import type { Woken } from "../../delivery/wake-parked.ts";
import type { ResumeAnswer, TargetView } from "./answers.ts";
import { readTarget } from "./read-targets.ts";
import type { ReadDependencies } from "./read-dependencies.ts";

/** Wakes a target's deliveries that were put off; no new page of them is begun after `deadline`. */
export type WakeTarget = (deadline: number) => Promise<Woken>;

/** A request has to be answered; what is not woken by then wakes by itself. */
const wakeMs = 20_000;

/** From now on nobody calls the target (other instances: within 5 seconds); deliveries wait unharmed. */
export async function pauseTarget(
  on: ReadDependencies,
  request: { readonly target: string; readonly by: string; readonly reason: string },
): Promise<TargetView> {
  const { target, by, reason } = request;
  await on.gates.setPause(target, { at: on.clock.now(), by, reason });
  return readTarget(on, target);
}

/** Calls go on, and whoever was put off is woken. Harmless when the target is not paused. */
export async function resumeTarget(
  on: ReadDependencies,
  target: string,
  wake: WakeTarget,
): Promise<ResumeAnswer> {
  await on.gates.setPause(target, null);
  const woken = await wake(on.clock.now() + wakeMs);
  return { ...woken, target: await readTarget(on, target) };
}
