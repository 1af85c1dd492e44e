import { meaningOf } from "./failure-codes.ts";
import type { FailureGroup } from "./group-failures.ts";

/** The biggest groups; the console has them all. */
const maxLines = 30;

/** A workflow may make up codes; what is no code may quote a document. */
export function toSafeCode(code: string): string {
  return /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : "OTHER";
}

export function toNotice(code: string, target: string): string {
  const { fixIn, meaning } = meaningOf(code);
  return `Causeway: new failures ${toSafeCode(code)} for ${target}. ${meaning} To be put right in ${fixIn}. The console lists the documents; docs/runbook.md says what to do.`;
}

export function toUndecided(
  { code, count, firstAt, isAtLeast, owner, target, fixIn }: FailureGroup,
  { escalateDays, failureBodyDays }: { escalateDays: number; failureBodyDays: number },
): string {
  const since = new Date(firstAt).toISOString().slice(0, 10);
  return `Causeway: ${countOf(count, isAtLeast)} failures ${toSafeCode(code)} for ${target} are undecided for more than ${escalateDays} days. The oldest is of ${since}; ${failureBodyDays} days after its failure its body is deleted. Owner: ${owner}. To be put right in ${fixIn}, or discarded. The console lists the documents; docs/runbook.md says what to do.`;
}

/** `hasMore`: there are groups beyond these, perhaps of this owner. */
export function toDigest(day: string, groups: readonly FailureGroup[], hasMore: boolean): string {
  const count = groups.reduce((sum, group) => sum + group.count, 0);
  const isAtLeast = hasMore || groups.some((group) => group.isAtLeast);
  const lines = groups
    .slice(0, maxLines)
    .map(
      (group) =>
        `- ${toSafeCode(group.code)} for ${group.target}: ${countOf(group.count, group.isAtLeast)}, oldest ${new Date(group.firstAt).toISOString().slice(0, 10)}, to be put right in ${group.fixIn}`,
    );
  const first = `Causeway, ${day}: ${countOf(count, isAtLeast)} open failures wait for you.`;
  return [first, ...lines].join("\n");
}

function countOf(count: number, isAtLeast: boolean): string {
  return `${count}${isAtLeast ? " or more" : ""}`;
}
