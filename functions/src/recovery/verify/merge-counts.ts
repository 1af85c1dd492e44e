import type { VerifyCounts } from "./verification.ts";

/** One for each company and target. */
export function mergeCounts(counts: readonly VerifyCounts[]): readonly VerifyCounts[] {
  const merged = new Map<string, VerifyCounts>();
  for (const each of counts) {
    const key = JSON.stringify([each.legalEntity, each.target]);
    const before = merged.get(key);
    merged.set(key, before === undefined ? each : addCounts(before, each));
  }
  return [...merged.values()];
}

function addCounts(a: VerifyCounts, b: VerifyCounts): VerifyCounts {
  return {
    ...a,
    compared: a.compared + b.compared,
    good: a.good + b.good,
    missing: a.missing + b.missing,
    doubled: a.doubled + b.doubled,
    differing: a.differing + b.differing,
    underWay: a.underWay + b.underWay,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}
