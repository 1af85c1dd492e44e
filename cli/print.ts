import pc from "picocolors";

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function printLine(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/**
 * Columns as wide as their widest cell. What a terminal has no room for goes to an indented line below, so that
 * an id can be copied in any window; only the last column, a text, is cut.
 */
export function printTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const { isTTY, columns } = process.stdout;
  const [headLines, ...rowLines] = toTableLines(headings, rows, isTTY ? columns : Infinity);
  for (const line of headLines ?? []) printLine(pc.bold(line));
  for (const line of rowLines.flat()) printLine(line);
}

const indent = "  ";
/** A text that has less room goes to a line of its own. */
const readableWidth = 30;

/** The lines of the heading, then those of each row. */
export function toTableLines(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  limit: number,
): readonly (readonly string[])[] {
  const widths = headings.map((heading, index) =>
    Math.max(heading.length, ...rows.map((row) => (row[index] ?? "").length)),
  );
  const last = headings.length - 1;
  const textWidth = Math.min(widths[last] ?? 0, readableWidth);
  const breaks = findBreaks([...widths.slice(0, last), textWidth], limit);
  const toLines = (cells: readonly string[]): readonly string[] => {
    const padded = cells.map((cell, index) =>
      index === last ? cell : cell.padEnd(widths[index] ?? 0),
    );
    return breaks.flatMap((from, index) => {
      const text = padded.slice(from, breaks[index + 1]).join("  ");
      const line = `${index === 0 ? "" : indent}${text}`.trimEnd();
      if (line === "" && index > 0) return [];
      return line.length > limit ? `${line.slice(0, limit - 1)}…` : line;
    });
  };
  return [headings, ...rows].map(toLines);
}

/** The columns that lines begin with: each line takes as many as fit. */
function findBreaks(widths: readonly number[], limit: number): readonly number[] {
  const breaks = [0];
  let used = 0;
  for (const [index, width] of widths.entries()) {
    if (index > 0 && used + width > limit) {
      breaks.push(index);
      used = indent.length;
    }
    used += width + 2;
  }
  return breaks;
}

/** "2026-11-24 12:00:05Z": seconds are enough for people. */
export function shortInstant(iso: string): string {
  return iso === "" ? "" : `${iso.slice(0, 10)} ${iso.slice(11, 19)}Z`;
}
