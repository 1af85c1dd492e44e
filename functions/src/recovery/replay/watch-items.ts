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

/**
 * What may be read beside what this process remembers: nothing; those sent first, and more as long as they have
 * settled, which they do about in the order of sending; or all, for when none of the first has.
 */
export type HowToLook = "none" | "first" | "all";

/** Each costs a read. */
const firstSize = 20;
const lookSize = 100;

/** How deliveries that were sent have ended, as the ledger says. */
export async function watchItems(
  on: Pick<BeginDependencies, "ledger" | "failures">,
  items: readonly ReplayItem[],
  how: HowToLook,
): Promise<Watched> {
  const settled = new Map<number, ReplayItem>();
  const codes = new Map<string, number>();
  const left = await recall(on, items, settled);
  let from = 0;
  while (how !== "none" && from < left.length) {
    const before = settled.size;
    const size = from === 0 && how === "first" ? firstSize : lookSize;
    await look(on, left.slice(from, from + size), settled, codes);
    if (how === "first" && settled.size === before) break;
    from += size;
  }
  const waitingFor = [...codes].sort((a, b) => b[1] - a[1]).map(([code]) => code);
  return { settled: [...settled.values()], waitingFor };
}

/** Settles those that this process delivered itself, and gives the others. */
async function recall(
  on: Pick<BeginDependencies, "ledger" | "failures">,
  items: readonly ReplayItem[],
  settled: Map<number, ReplayItem>,
): Promise<readonly ReplayItem[]> {
  const left: ReplayItem[] = [];
  const endings: Ending[] = [];
  for (const item of items) {
    const id = toDeliveryId(item);
    const row = id === null ? undefined : on.ledger.recallSettled(id, item.generation);
    if (row === undefined) left.push(item);
    else endings.push({ item, end: toEnd(item, row) });
  }
  await settleAll(on, endings, settled);
  return left;
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
