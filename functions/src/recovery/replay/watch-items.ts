import { isTerminal } from "../../delivery/ledger-rows.ts";
import type { DeliveryRow } from "../../delivery/ledger-rows.ts";
import { toDeliveryId } from "./replay-work.ts";
import { settleAll, toSettledEnd } from "./settle-items.ts";
import type { BeginDependencies } from "./replay-work.ts";
import type { Ending } from "./settle-items.ts";
import type { ReplayItem } from "./replay-job.ts";

export interface Watched {
  /** Those that have settled since. */
  readonly settled: readonly ReplayItem[];
  /** What the others wait for, most frequent first: codes of their last answers. */
  readonly waitingFor: readonly string[];
}

/** Each costs a read. */
const lookSize = 100;

/**
 * How deliveries that were sent have ended, as the ledger says. They settle about in the order in which they were
 * sent: beyond what has, only so many are looked at, and all of them when none of the first has.
 */
export async function watchItems(
  on: Pick<BeginDependencies, "ledger" | "failures">,
  items: readonly ReplayItem[],
): Promise<Watched> {
  const settled = new Map<number, ReplayItem>();
  const codes = new Map<string, number>();
  for (let from = 0; from < items.length; from += lookSize) {
    const before = settled.size;
    await look(on, items.slice(from, from + lookSize), settled, codes);
    if (before > 0 && settled.size === before) break;
  }
  const waitingFor = [...codes].sort((a, b) => b[1] - a[1]).map(([code]) => code);
  return { settled: [...settled.values()], waitingFor };
}

async function look(
  on: Pick<BeginDependencies, "ledger" | "failures">,
  items: readonly ReplayItem[],
  settled: Map<number, ReplayItem>,
  codes: Map<string, number>,
): Promise<void> {
  const endings: Ending[] = [];
  const ids = items.map((item) => toDeliveryId(item) ?? { eventId: "", time: "", target: "" });
  const versions = await on.ledger.load(ids, { fresh: true });
  for (const [index, item] of items.entries()) {
    const row = versions[index]?.row;
    if (row === undefined || !isTerminal(row)) {
      const code = row?.code ?? "not called yet";
      codes.set(code, (codes.get(code) ?? 0) + 1);
    } else endings.push({ item, end: toEnd(item, row) });
  }
  await settleAll(on, endings, settled);
}

function toEnd(item: ReplayItem, row: DeliveryRow): Ending["end"] {
  if (row.state !== "failed") return toSettledEnd(row);
  const failedAs = row.failureId ?? "";
  const outcome = `${row.code ?? "FAILED"}: ${row.reason ?? ""}`.slice(0, 300);
  // An event that intake saw for the first time fails under the id that it had before.
  return failedAs === item.failureId
    ? { state: "failedAgain", outcome, failure: "open" }
    : { state: "failedAgain", outcome, failure: "replaced", replacedBy: failedAs };
}
