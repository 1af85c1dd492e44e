import { fromSummaryRow } from "./failure-rows.ts";
import { failuresTable } from "./failure-store.ts";
import type { FailureStore } from "./failure-store.ts";
import type { FailureFilter } from "./find-failures.ts";
import type { FailureSummary } from "./failure.ts";

/** What failed for one cause, and what can be done about it. */
export interface FailureGroup {
  readonly group: string;
  readonly target: string;
  readonly code: string;
  /** Of the newest one. */
  readonly reason: string;
  readonly owner: FailureSummary["owner"];
  readonly fixIn: FailureSummary["fixIn"];
  readonly count: number;
  /** There are more than `count`: counting stopped. */
  readonly isAtLeast: boolean;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly legalEntities: readonly string[];
  /** Master records that are not there, for groups that wait for them. */
  readonly missing: readonly string[];
}

export interface FailureGroups {
  /** Biggest first. */
  readonly groups: readonly FailureGroup[];
  /** Targets that have more groups than these: not all of theirs were read. */
  readonly targetsWithMore: readonly string[];
}

const pageSize = 1_000;
/** A group is counted so far and no further. */
const maxCounted = 10_000;
/** Of one target: many groups of one must not hide another's. */
const maxGroups = 500;
const maxMissing = 200;
const columns = [
  "failureId",
  "status",
  "code",
  "reason",
  "owner",
  "fixIn",
  "group",
  "firstAt",
  "lastAt",
  "legalEntity",
  "missing",
];

/** Reads rows in the order of groups, and leaves a group behind once it is big enough. */
export async function groupFailures(
  on: FailureStore,
  filter: Omit<FailureFilter, "key">,
): Promise<FailureGroups> {
  const targets = filter.target === undefined ? await on.targets() : [filter.target];
  const groups: FailureGroup[] = [];
  const targetsWithMore: string[] = [];
  for (const target of targets) {
    const found = await groupTarget(on, target, filter);
    groups.push(...found.groups);
    if (found.hasMore) targetsWithMore.push(target);
  }
  groups.sort((a, b) => b.count - a.count || b.lastAt - a.lastAt);
  return { groups, targetsWithMore };
}

async function groupTarget(
  on: FailureStore,
  target: string,
  filter: Omit<FailureFilter, "key">,
): Promise<{ readonly groups: readonly FailureGroup[]; readonly hasMore: boolean }> {
  const { status = "open", group } = filter;
  const groups = new Map<string, FailureGroup>();
  const below = group === undefined ? `g|${status}~` : `g|${status}|${group}~`;
  let from = group === undefined ? `g|${status}|` : `g|${status}|${group}|`;
  for (;;) {
    const query = { partitionKey: target, from, below, select: columns, limit: pageSize };
    const { rows, continuation } = await on.store.query(failuresTable, query);
    for (const row of rows) {
      const summary = fromSummaryRow(row);
      if (isWanted(summary, filter)) add(groups, summary);
    }
    const last = rows.at(-1);
    if (continuation === undefined || last === undefined) {
      return { groups: [...groups.values()], hasMore: continuation !== undefined };
    }
    const current = groups.get(String(last.columns["group"]));
    const isFull = groups.size >= maxGroups;
    if (current !== undefined && (isFull || current.count >= maxCounted)) {
      groups.set(current.group, { ...current, isAtLeast: true });
    }
    if (isFull) return { groups: [...groups.values()], hasMore: true };
    const isCounted = current !== undefined && current.count >= maxCounted;
    from = isCounted ? `g|${status}|${current.group}~` : `${last.rowKey} `;
  }
}

function isWanted(summary: FailureSummary, filter: Omit<FailureFilter, "key">): boolean {
  const { legalEntity, olderThan, newerThan } = filter;
  return (
    (legalEntity === undefined ||
      summary.legalEntity.toLowerCase() === legalEntity.toLowerCase()) &&
    (olderThan === undefined || summary.lastAt < olderThan) &&
    (newerThan === undefined || summary.lastAt >= newerThan)
  );
}

function add(groups: Map<string, FailureGroup>, summary: FailureSummary): void {
  const { group, target, code, reason, owner, fixIn, firstAt, lastAt } = summary;
  const known = groups.get(group);
  groups.set(group, {
    group,
    target,
    code,
    // Newest first within a group: the first one seen is the newest.
    reason: known?.reason ?? reason,
    owner,
    fixIn,
    count: (known?.count ?? 0) + 1,
    isAtLeast: false,
    firstAt: Math.min(known?.firstAt ?? firstAt, firstAt),
    lastAt: Math.max(known?.lastAt ?? lastAt, lastAt),
    legalEntities: union(known?.legalEntities, [summary.legalEntity], maxMissing),
    missing: union(known?.missing, summary.missing, maxMissing),
  });
}

function union(
  known: readonly string[] = [],
  added: readonly string[],
  limit: number,
): readonly string[] {
  const fresh = added.filter((each) => each !== "" && !known.includes(each));
  return fresh.length === 0 ? known : [...known, ...fresh].slice(0, limit);
}
