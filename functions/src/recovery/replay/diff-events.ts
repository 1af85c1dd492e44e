import type { EventChange } from "./replay-job.ts";

const maxChanges = 20;
const maxText = 200;

/** For an event of which nothing is left to compare with. */
export const allRead: readonly EventChange[] = [
  { path: "data", before: "(its retention is over)", after: "(read again from F&O)" },
];

/** What is different, by path; nothing for equal values. Order of members means nothing. Kept with every item: cut. */
export function diffEvents(before: unknown, after: unknown): readonly EventChange[] {
  return diffWhole(before, after)
    .slice(0, maxChanges)
    .map((change) => ({
      path: change.path,
      before: change.before.slice(0, maxText),
      after: change.after.slice(0, maxText),
    }));
}

/** All of it: whoever says yes to a difference must have seen it. */
export function diffWhole(before: unknown, after: unknown): readonly EventChange[] {
  const changes: EventChange[] = [];
  compare(before, after, "", changes);
  return changes;
}

function compare(before: unknown, after: unknown, path: string, changes: EventChange[]): void {
  if (isTree(before) && isTree(after) && Array.isArray(before) === Array.isArray(after)) {
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const place = path === "" ? name : `${path}.${name}`;
      compare(memberOf(before, name), memberOf(after, name), place, changes);
    }
    return;
  }
  if (before !== after) changes.push({ path, before: show(before), after: show(after) });
}

function isTree(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function memberOf(tree: object, name: string): unknown {
  return (tree as Readonly<Record<string, unknown>>)[name];
}

function show(value: unknown): string {
  return value === undefined ? "" : JSON.stringify(value);
}
