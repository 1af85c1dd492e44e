import pc from "picocolors";

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function printLine(text = ""): void {
  process.stdout.write(`${text}\n`);
}

/** Columns as wide as their widest cell; the last one is cut to what the terminal has left. */
export function printTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const widths = headings.map((heading, index) =>
    Math.max(heading.length, ...rows.map((row) => (row[index] ?? "").length)),
  );
  const limit = process.stdout.isTTY ? process.stdout.columns : Infinity;
  const toLine = (cells: readonly string[]): string => {
    const line = cells
      .map((cell, index) => (index === cells.length - 1 ? cell : cell.padEnd(widths[index] ?? 0)))
      .join("  ");
    return line.length > limit ? `${line.slice(0, limit - 1)}…` : line;
  };
  printLine(pc.bold(toLine(headings)));
  for (const row of rows) printLine(toLine(row));
}

/** "2026-11-24 12:00:05Z": seconds are enough for people. */
export function shortInstant(iso: string): string {
  return iso === "" ? "" : `${iso.slice(0, 10)} ${iso.slice(11, 19)}Z`;
}
