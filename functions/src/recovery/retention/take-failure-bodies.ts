import { isBodyTaken, toTakenColumns } from "../../delivery/ledger-bodies.ts";
import { toEmptyColumns } from "../../delivery/ledger-columns.ts";
import { maskAddresses } from "../../platform/mask-addresses.ts";
import type { StoredRow, Write } from "../../platform/table-store.ts";
import { fromSummaryRow, toFailureKeys, toGroupRowKey, toTimeRowKey } from "../failure-rows.ts";
import { failuresTable } from "../failure-store.ts";
import type { FailureStore } from "../failure-store.ts";
import { failureStatuses } from "../failure.ts";
import type { FailureStatus, FailureSummary } from "../failure.ts";
import { writeUnits } from "../write-units.ts";
import { addLooked, earlier, keptUntil, nothingFound } from "./look.ts";
import type { Look, Looked } from "./look.ts";

const pageSize = 1_000;

/** Failures by the day of their last call: body and properties go, the row and its story stay. */
export async function takeFailureBodies(failures: FailureStore, look: Look): Promise<Looked> {
  let looked = nothingFound;
  for (const target of await failures.targets()) {
    for (const status of failureStatuses) {
      looked = addLooked(looked, await takeOfStatus(failures, target, status, look));
    }
  }
  return looked;
}

async function takeOfStatus(
  { store }: FailureStore,
  partitionKey: string,
  status: FailureStatus,
  look: Look,
): Promise<Looked> {
  let looked = nothingFound;
  let continuation: string | undefined;
  do {
    const page = await store.query(failuresTable, {
      partitionKey,
      from: toTimeRowKey(status, look.endsAt - 1),
      below: toTimeRowKey(status, look.startsAt - 1),
      limit: pageSize,
      ...(continuation === undefined ? {} : { continuation }),
    });
    continuation = page.continuation;
    const due: (readonly Write[])[] = [];
    let leftUntil: number | null = null;
    for (const row of page.rows) {
      if (isBodyTaken(row.columns)) continue;
      const summary = fromSummaryRow(row);
      const until = keptUntil(look, isUndecided(status) ? null : summary.statusAt);
      if (until === null) due.push(toWrites(row, summary, look.now));
      leftUntil = earlier(leftUntil, until);
    }
    const written = await writeUnits(store, failuresTable, due);
    if (written.includes(false)) leftUntil = earlier(leftUntil, look.now);
    looked = addLooked(looked, { taken: written.filter(Boolean).length, leftUntil });
  } while (continuation !== undefined);
  return looked;
}

function isUndecided(status: FailureStatus): boolean {
  return status === "open" || status === "replaying";
}

/**
 * The list row's version is the condition: it goes away with every change of status. The failure's own row has
 * not been read, which would be a request for each, and loses nothing that a decision writes.
 */
function toWrites(row: StoredRow, summary: FailureSummary, now: number): readonly Write[] {
  const { etag, partitionKey, rowKey } = row;
  const mark = toTakenColumns([], now);
  const reason = maskAddresses(summary.reason);
  const told = reason === summary.reason ? {} : { reason };
  const main = toFailureKeys(partitionKey, summary.failureId);
  const gone = { ...mark, ...told, ...toEmptyColumns("body"), properties: "{}" };
  const group = { partitionKey, rowKey: toGroupRowKey(summary), columns: told };
  return [
    { kind: "merge", row: { partitionKey, rowKey, columns: { ...mark, ...told } }, etag },
    { kind: "merge", row: { ...main, columns: gone }, etag: "*" },
    ...(reason === summary.reason ? [] : [{ kind: "merge", row: group, etag: "*" } as const]),
  ];
}
