import type { Gates } from "../../delivery/gates.ts";
import type { Lane } from "../../delivery/lane.ts";
import type { SweepDependencies } from "../../delivery/sweep.ts";
import { wakeParked } from "../../delivery/wake-parked.ts";
import type { ResumeAnswer, TargetView } from "./answers.ts";
import { readTarget } from "./read-targets.ts";
import type { ReadDependencies } from "./read-dependencies.ts";

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
  on: ReadDependencies & Omit<SweepDependencies, "oldestActive" | "telemetry"> & { gates: Gates },
  lane: Lane<never>,
): Promise<ResumeAnswer> {
  const { name } = lane.target;
  await on.gates.setPause(name, null);
  const woken = await wakeParked(on, lane, on.clock.now() + wakeMs);
  return { ...woken, target: await readTarget(on, name) };
}
