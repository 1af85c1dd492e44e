import type { ChaosResult } from "./run-chaos.ts";
import type { RoundResult } from "./run-rounds.ts";

/** A line per round, then the verdict, then at most so many problems. */
const shownProblems = 40;

const heading = [
  ...["round", "events", "real s", "flow", "hold", "resend", "settle"],
  ...["skipped", "steps", "problems", "notes"],
];

export function renderChaos(result: ChaosResult): string {
  const rows = result.rounds.map((round) => toCells(round, result));
  const table = align([heading, ...rows]);
  const { accepted, effects, skipped, failuresOpen, lost, doubled, unchecked, problems } = result;
  const disagreeing = problems.filter(({ kind }) => kind === "disagrees").length;
  return [
    ...table,
    "",
    ...problems
      .slice(0, shownProblems)
      .map(({ round, kind, text }) => `✗ ${round} ${kind}: ${text}`),
    ...(problems.length > shownProblems ? [`… and ${problems.length - shownProblems} more`] : []),
    `Accepted ${accepted} documents in ${(result.realMs / 1000).toFixed(0)} s.`,
    `Effects: CE ${effects.ce}, CRM ${effects.crm}, mail ${effects.email}; skipped by a rule ${skipped}; failures open ${failuresOpen}.`,
    `Lost ${lost}, doubled ${doubled}, ledger and world disagree ${disagreeing}, unchecked ${unchecked}.`,
  ].join("\n");
}

function toCells(round: RoundResult, { problems, openCodes }: ChaosResult): readonly string[] {
  const { flow, hold, resend, settle } = round.phases;
  const own = problems.filter((problem) => problem.round === round.name).length;
  return [
    round.name,
    String(round.posted),
    toSeconds(round.realMs),
    ...[flow, hold, resend, settle].map(toSeconds),
    toSpan(round.skippedMs),
    String(round.steps),
    String(own),
    [...round.notes, ...tellOpen(openCodes[round.name] ?? {})].join(", "),
  ];
}

function tellOpen(codes: Readonly<Record<string, number>>): readonly string[] {
  return Object.entries(codes).map(([code, count]) => `${count} open: ${code}`);
}

function toSeconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

function toSpan(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

function align(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
