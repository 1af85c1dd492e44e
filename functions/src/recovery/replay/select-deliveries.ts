/*
 * What a selection means, page by page, so that planning can go on after a crash where it was. Planning ends
 * before anything is sent, so failures that come back are no part of the replay.
 */
import { inParallel } from "../../delivery/batch-writes.ts";
import { intakeTarget, toLedgerBlock } from "../../delivery/ledger-keys.ts";
import type { Clock } from "../../platform/clock.ts";
import type { ColumnValue, TableStore } from "../../platform/table-store.ts";
import { summaryOf } from "../failure-rows.ts";
import type { FailureStore } from "../failure-store.ts";
import type { FailureSummary } from "../failure.ts";
import { findFailures } from "../find-failures.ts";
import { findNamed } from "../find-named.ts";
import type { Selection, WindowSelection } from "./replay-job.ts";
import { parallel } from "./replay-work.ts";

export interface Candidate {
  readonly target: string;
  readonly failureId: string;
  readonly failure: FailureSummary | null;
  readonly eventId: string;
  readonly time: string;
  readonly businessKey: string;
  /** For the plan: why it is part of it. */
  readonly cause: string;
}

export interface CandidatePage {
  readonly candidates: readonly Candidate[];
  /** Null: that was all. */
  readonly cursor: string | null;
}

export interface SelectDependencies {
  readonly clock: Clock;
  readonly failures: FailureStore;
  readonly store: TableStore;
  /** Whether the flow names the target today. */
  readonly flowHasTarget: (flow: string, target: string) => boolean;
}

const pageSize = 200;

export async function selectDeliveries(
  on: SelectDependencies,
  selection: Selection,
  cursor: string | null,
): Promise<CandidatePage> {
  switch (selection.kind) {
    case "ids": {
      const { open } = await findNamed(on.failures, selection.ids);
      return { candidates: open.map(toCandidate), cursor: null };
    }
    case "window":
      return selectWindow(on, selection, cursor);
    case "all":
    case "filter":
      return selectFilter(on, selection, cursor);
  }
}

async function selectFilter(
  on: SelectDependencies,
  selection: Extract<Selection, { kind: "all" | "filter" }>,
  cursor: string | null,
): Promise<CandidatePage> {
  const filter = selection.kind === "all" ? {} : selection.filter;
  const page = await findFailures(
    on.failures,
    { ...filter, status: "open" },
    { limit: pageSize, continuation: cursor ?? undefined },
  );
  return {
    candidates: page.failures.map(toCandidate),
    cursor: page.continuation ?? null,
  };
}

function toCandidate(found: FailureSummary): Candidate {
  const failure = summaryOf(found);
  const { target, failureId, eventId, time, businessKey, code } = failure;
  return { target, failureId, failure, eventId, time, businessKey, cause: code };
}

/** Event and deliveries of a document are neighbours; ten minutes are read at once and forgotten. */
const blockMs = 600_000;
/** For passing over blocks in one go: well within the lease of who plans. */
const passMs = 5_000;
const columns = [
  "eventId",
  "time",
  "target",
  "state",
  "failureId",
  "code",
  "rule",
  "flow",
  "subject",
];

type Columns = Readonly<Record<string, ColumnValue>>;

async function selectWindow(
  on: SelectDependencies,
  window: WindowSelection,
  cursor: string | null,
): Promise<CandidatePage> {
  const until = on.clock.now() + passMs;
  let start = cursor === null ? Math.floor(window.from / blockMs) * blockMs : Number(cursor);
  let candidates: readonly Candidate[] = [];
  while (start < window.to && candidates.length === 0) {
    const rows = await readBlock(on.store, start);
    start += blockMs;
    candidates = await withFailures(on, toWindowCandidates(on, window, rows));
    if (on.clock.now() >= until) break;
  }
  return { candidates, cursor: start < window.to ? String(start) : null };
}

/** The event time that a window's cursor stands at, ISO 8601; null at its end, and for other selections. */
export function toCountedTo(selection: Selection, cursor: string | null): string | null {
  if (selection.kind !== "window" || cursor === null) return null;
  return new Date(Number(cursor)).toISOString();
}

async function readBlock(store: TableStore, start: number): Promise<readonly Columns[]> {
  const { table, partitionKey } = toLedgerBlock(new Date(start).toISOString());
  const rows: Columns[] = [];
  let continuation: string | undefined;
  do {
    const page = await store.query(table, {
      partitionKey,
      select: columns,
      ...(continuation === undefined ? {} : { continuation }),
    });
    rows.push(...page.rows.map((row) => row.columns));
    continuation = page.continuation;
  } while (continuation !== undefined);
  return rows;
}

function toWindowCandidates(
  on: SelectDependencies,
  window: WindowSelection,
  rows: readonly Columns[],
): readonly Candidate[] {
  const deliveries = new Map<string, Columns>();
  for (const row of rows) {
    if (row["target"] === window.target) deliveries.set(textOf(row, "eventId"), row);
  }
  return rows.flatMap((event) => {
    const at = Date.parse(textOf(event, "time"));
    if (event["target"] !== intakeTarget || at < window.from || at >= window.to) return [];
    const delivery = deliveries.get(textOf(event, "eventId"));
    const cause = toCause(on, window, event, delivery);
    if (cause === undefined) return [];
    const failureId = delivery === undefined ? "" : textOf(delivery, "failureId");
    return [
      {
        target: window.target,
        failureId: delivery?.["state"] === "failed" ? failureId : "",
        failure: null,
        eventId: textOf(event, "eventId"),
        time: textOf(event, "time"),
        businessKey: textOf(event, "subject") || textOf(event, "eventId"),
        cause,
      },
    ];
  });
}

/** Failures by their ids; one that is not open is somebody else's by now. */
async function withFailures(
  on: SelectDependencies,
  candidates: readonly Candidate[],
): Promise<readonly Candidate[]> {
  const open = new Map<Candidate, FailureSummary>();
  const failed = candidates.filter(({ failureId }) => failureId !== "");
  await inParallel(failed, parallel, async (candidate) => {
    const failure = await on.failures.get(candidate.target, candidate.failureId);
    if (failure?.status === "open") open.set(candidate, summaryOf(failure));
  });
  return candidates.flatMap((candidate) => {
    const failure = open.get(candidate) ?? null;
    return candidate.failureId === "" || failure !== null ? [{ ...candidate, failure }] : [];
  });
}

/** Undefined: there is nothing to send. */
function toCause(
  on: SelectDependencies,
  window: WindowSelection,
  event: Columns,
  delivery: Columns | undefined,
): string | undefined {
  if (delivery === undefined) {
    // Not accepted yet: intake will decide about the target itself.
    if (event["state"] !== "published") return undefined;
    return on.flowHasTarget(textOf(event, "flow"), window.target) ? "NEVER_ATTEMPTED" : undefined;
  }
  if (delivery["state"] === "failed") return textOf(delivery, "code");
  if (delivery["state"] !== "skipped" || !window.includeSkipped) return undefined;
  return `skipped ${textOf(delivery, "rule")}`;
}

function textOf(row: Columns, name: string): string {
  const value = row[name];
  return typeof value === "string" ? value : "";
}
