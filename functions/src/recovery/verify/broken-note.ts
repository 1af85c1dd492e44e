import type { Verification } from "./verification.ts";

/** What is in the report of a verification that broke off, and how to go on. */
export function toBrokenNote(report: Verification, cause: string): string {
  const { comparedTo = toIso(report.since), note, repair, until } = report;
  const done = note === "" ? "" : `; ${note}`;
  if (Date.parse(comparedTo) >= until) return `it broke off after comparing: ${cause}${done}`;
  const rest = `--since ${comparedTo} --until ${toIso(until)}${repair ? " --repair" : ""}`;
  const nothing = repair ? " and repaired nothing" : "";
  return `it broke off: ${cause}; it compared what was posted up to ${comparedTo}${nothing}; go on from there: causeway verify ${rest}`;
}

function toIso(at: number): string {
  return new Date(at).toISOString();
}
