import type { LeftOut } from "../../functions/src/recovery/find-named.ts";
import { printLine } from "../print.ts";

/** Failures that somebody named and that nothing is done about: a typing error, or decided by now. */
export function printLeftOut(leftOut: readonly LeftOut[], isJson = false): void {
  for (const each of leftOut) {
    if (isJson) process.stderr.write(`${describeLeftOut(each)}\n`);
    else printLine(describeLeftOut(each));
  }
}

/** Those of which the plan did not tell: somebody decided about them after it. */
export function leftOutSince(
  plan: readonly LeftOut[],
  now: readonly LeftOut[],
): readonly LeftOut[] {
  const told = new Set(plan.map(nameOf));
  return now.filter((each) => !told.has(nameOf(each)));
}

function nameOf({ target, failureId }: LeftOut): string {
  return `${target}/${failureId}`;
}

function describeLeftOut(each: LeftOut): string {
  const { status } = each;
  return status === null
    ? `${nameOf(each)} is left out: there is no such failure`
    : `${nameOf(each)} is left out: it is ${status}, not open`;
}
