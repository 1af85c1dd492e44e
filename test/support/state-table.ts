import { readFileSync } from "node:fs";
import { messageEvents } from "./state-world.ts";

/** One line of the table in docs/decisions/0002, for one state and one event. */
export interface Transition {
  readonly state: string;
  readonly event: string;
  readonly writes: string;
  readonly next: string;
}

export type StateTable = ReadonlyMap<string, Transition>;

const page = new URL("../../docs/decisions/0002-delivery-state-machine.md", import.meta.url);

/** The table under that heading. A cell with several states or events stands for each of them. */
export function readStateTable(heading: string): StateTable {
  const text = readFileSync(page, "utf8");
  const section = text.split(`\n### ${heading}\n`)[1]?.split("\n#")[0] ?? "";
  const rows = section
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
  const table = new Map<string, Transition>();
  for (const [states = "", events = "", writes = "", next = ""] of rows) {
    for (const state of states.split(", ")) {
      for (const event of events === "any message" ? messageEvents : events.split(", ")) {
        const key = keyOf(state, event);
        if (table.has(key)) throw new Error(`${heading}: ${key} stands there twice`);
        table.set(key, { state, event, writes, next: next.replace("same", state) });
      }
    }
  }
  return table;
}

export function keyOf(state: string, event: string): string {
  return `${state} × ${event}`;
}
