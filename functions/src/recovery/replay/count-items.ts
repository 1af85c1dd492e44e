import type { ReplayCounts, ReplayItem, ReplayStep } from "./replay-job.ts";

const keptSteps = 50;

/** How a step stands by its items. */
export function countItems(items: readonly ReplayItem[]): ReplayCounts {
  const count = (state: ReplayItem["state"]): number =>
    items.filter((item) => item.state === state).length;
  return {
    planned: count("planned"),
    underWay: count("sent"),
    delivered: count("delivered"),
    skipped: count("skipped"),
    failedAgain: count("failedAgain"),
    refused: count("refused"),
  };
}

/** "7 CE_REJECTED, 1 another replay has it": the three that most of them ended with. */
export function mostFrequent(
  items: readonly ReplayItem[],
  states: readonly ReplayItem["state"][],
): string {
  const counts = new Map<string, number>();
  for (const { state, outcome } of items) {
    if (!states.includes(state)) continue;
    const code = outcome.split(":")[0] ?? outcome;
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([code, count]) => `${count} ${code}`)
    .join(", ");
}

export function replaceItems(
  items: readonly ReplayItem[],
  changed: readonly ReplayItem[],
): readonly ReplayItem[] {
  const byNumber = new Map(changed.map((item) => [item.number, item]));
  return items.map((item) => byNumber.get(item.number) ?? item);
}

/** The newest ones, in the place of its number. */
export function withStep(steps: readonly ReplayStep[], step: ReplayStep): readonly ReplayStep[] {
  return [...steps.filter(({ number }) => number !== step.number), step].slice(-keptSteps);
}
