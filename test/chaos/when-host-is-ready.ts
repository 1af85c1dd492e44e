import type { ChaosContext } from "./chaos-fault.ts";

const limitMs = 60_000;

export async function whenHostIsReady({ control }: Pick<ChaosContext, "control">): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  while (!control.instances().every(({ isReady }) => isReady)) {
    if (performance.now() > giveUpAt) throw new Error("the Functions host did not come back");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
