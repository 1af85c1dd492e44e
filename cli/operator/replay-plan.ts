import type { LeftOut } from "../../functions/src/recovery/find-named.ts";
import { shortInstant } from "../print.ts";
import type { EventChange } from "./print-changes.ts";

/** What a replay would send, as the API answers. */
export interface Plan {
  readonly total: number;
  readonly isAtLeast: boolean;
  /** Event time at which counting a window stopped; null: it did not, or it is no window. */
  readonly countedTo: string | null;
  readonly parts: readonly {
    readonly target: string;
    readonly cause: string;
    readonly count: number;
  }[];
  readonly examples: readonly {
    readonly target: string;
    readonly businessKey: string;
    readonly changes: readonly EventChange[];
    readonly refusal?: string;
  }[];
  /** Of the failures that were named. */
  readonly leftOut: readonly LeftOut[];
}

/** "at least 120, counted up to 2026-11-24 12:10:00Z": there was no time for more. */
export function countOf({
  countedTo,
  isAtLeast,
  total,
}: Pick<Plan, "countedTo" | "isAtLeast" | "total">): string {
  if (!isAtLeast) return String(total);
  if (countedTo === null) return `at least ${total}`;
  return `at least ${total}, counted up to ${shortInstant(countedTo)}`;
}

export function describeTotal(plan: Plan): string {
  const examples = plan.examples.map(({ target, businessKey }) => `${target} ${businessKey}`);
  const count = plan.isAtLeast ? countOf(plan) : `${plan.total} in all`;
  return examples.length === 0 ? count : `${count}, for example ${examples.join(", ")}`;
}
