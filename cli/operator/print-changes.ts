import pc from "picocolors";
import { printLine } from "../print.ts";

export interface EventChange {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/** What is different in an event, a line a place: `customer.email  "a@b.example" → "c@d.example"`. */
export function printChanges(changes: readonly EventChange[], indent = ""): void {
  const width = Math.max(0, ...changes.map(({ path }) => path.length));
  for (const { path, before, after } of changes) {
    const [was, is] = [before, after].map((text) => (text === "" ? "nothing" : text));
    printLine(`${indent}${path.padEnd(width)}  ${pc.red(was ?? "")} → ${pc.green(is ?? "")}`);
  }
}
