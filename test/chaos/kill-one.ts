import type { ChaosContext } from "./chaos-fault.ts";

/** Ends one of the function app's instances as a crash does; it comes back by itself. */
export function killOne({ control, random }: Pick<ChaosContext, "control" | "random">): void {
  random.pick(control.instances()).kill();
}
