import type { VerificationView } from "../../functions/src/operator/reads/answers.ts";

/** A report shows the first of its findings; its counts have all. */
export function countMoreFindings({
  counts,
  findings,
}: Pick<VerificationView, "counts" | "findings">): number {
  const all = counts.reduce((sum, each) => sum + each.missing + each.doubled + each.differing, 0);
  return all - findings.length;
}
