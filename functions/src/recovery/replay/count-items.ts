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
