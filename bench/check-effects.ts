import type { PostedEvent } from "./post-events.ts";
import type { Effect } from "./watch-effects.ts";

/** Phase two for one target: every posted document against every effect there is. */
export interface TargetCheck {
  readonly lost: number;
  readonly doubled: number;
  /** Effects of documents that nobody posted. */
  readonly unknown: number;
  /** From F&O's send to the effect. */
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number };
  /** Of the last effect. */
  readonly lastAt: number;
}

export function checkEffects(
  posted: readonly PostedEvent[],
  effects: readonly Effect[],
): TargetCheck {
  const found = new Map<string, Effect[]>();
  for (const effect of effects) {
    const known = found.get(effect.key);
    if (known === undefined) found.set(effect.key, [effect]);
    else known.push(effect);
  }
  const latencies: number[] = [];
  let lost = 0;
  let doubled = 0;
  for (const { key, sentAt } of posted) {
    const [first, ...more] = found.get(key) ?? [];
    found.delete(key);
    if (first === undefined) lost += 1;
    // The effect can be there before the answer to the send: both clocks are the machine's.
    else latencies.push(Math.max(first.at - sentAt, 0));
    doubled += more.length;
  }
  latencies.sort((left, right) => left - right);
  return {
    lost,
    doubled,
    unknown: [...found.values()].flat().length,
    latencyMs: {
      p50: percentile(latencies, 0.5),
      p95: percentile(latencies, 0.95),
      p99: percentile(latencies, 0.99),
    },
    lastAt: effects.reduce((latest, { at }) => Math.max(latest, at), 0),
  };
}

/** Nearest rank; NaN of nothing. */
function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)] ?? Number.NaN;
}
