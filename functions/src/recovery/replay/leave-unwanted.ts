/*
 * What today's flow does not want at a target is never sent there, whatever a replay was begun for: a window may be
 * older than the target, and `when` may have changed since a delivery failed. Only the event says so, and it may say
 * something else than when it was accepted, so it is asked once it is known what would be sent.
 *
 * A failed delivery ends as at any other rule, in this order: its row becomes `skipped`, on the version that was read
 * → its failure is resolved → its item is `skipped`. Found again after a crash, the row says how it ended. A delivery
 * that has no row gets none, and one that was delivered or skipped before stays as it is. A rule must not hide an effect
 * that may have been made: where the failure leaves that open it stays open, for a person to look.
 */
import { inParallel } from "../../delivery/batch-writes.ts";
import { withStep } from "../../delivery/ledger-rows.ts";
import type { DeliveryRow } from "../../delivery/ledger-rows.ts";
import { onReplay } from "../../delivery/on-replay.ts";
import { tellDelivery } from "../../delivery/tell-deliveries.ts";
import { askFlow } from "../../flows/ask-flow.ts";
import type { SkipRule } from "../../flows/resolve-target.ts";
import type { Body } from "./choose-bodies.ts";
import { parallel } from "./replay-work.ts";
import type { BeginDependencies, Results, Work } from "./replay-work.ts";
import { settleAll } from "./settle-items.ts";

const rule: SkipRule = "NOT_FOR_TARGET";

/** What is left to be sent, or refused; the others are settled. */
export async function leaveUnwanted(
  on: BeginDependencies,
  bodies: ReadonlyMap<Work, Body>,
  results: Results,
): Promise<ReadonlyMap<Work, Body>> {
  const left = new Map(bodies);
  const unwanted: { readonly work: Work; readonly flow: string }[] = [];
  await inParallel([...bodies], parallel, async ([work, body]) => {
    if (body.kind !== "event") return;
    const refusal = await askFlow(on.flows, body.event, work.item.target);
    if (refusal === undefined) return;
    if ("code" in refusal) {
      left.set(work, { kind: "refused", ...refusal });
      return;
    }
    if (mayBeMade(work)) {
      left.set(work, { kind: "refused", code: rule, reason: lookFirst });
      return;
    }
    left.delete(work);
    unwanted.push({ work, flow: body.event.flow });
  });
  const skipped = await skipFailed(on, unwanted);
  await settleAll(
    on,
    skipped.map(({ item }) => ({
      item,
      end: { state: "skipped", outcome: rule, failure: "resolved" },
    })),
    results,
  );
  return left;
}

const lookFirst =
  "the flow does not want it there by now, and it may be there: look, then discard it";
/** Failures that leave open whether the target has it: the call may even be under way still. */
const doubtful = ["OUTCOME_UNKNOWN", "STUCK", "DEAD_LETTERED", "TARGET_DOWN", "CRM_AMBIGUOUS"];

function mayBeMade({ version }: Work): boolean {
  return version?.row.state === "failed" && doubtful.includes(version.row.code ?? "");
}

/** Those that end here; a row that somebody else has changed is looked at again. */
async function skipFailed(
  on: BeginDependencies,
  unwanted: readonly { readonly work: Work; readonly flow: string }[],
): Promise<readonly Work[]> {
  const changes = unwanted.flatMap(({ flow, work }) => {
    const { version } = work;
    if (version?.row.state !== "failed") return [];
    return [{ work, flow, row: toSkipped(version.row, on.clock.now()), etag: version.etag }];
  });
  const saved = await on.ledger.save(changes);
  const lost = new Set<Work>();
  for (const [index, { flow, row, work }] of changes.entries()) {
    if (saved[index] === undefined) lost.add(work);
    else tellDelivery(on.telemetry, row, flow);
  }
  return unwanted.flatMap(({ work }) => (lost.has(work) ? [] : [work]));
}

/** As the row would be had the target's own rules said no to the replay's wake-up. */
function toSkipped(failed: DeliveryRow, now: number): DeliveryRow {
  const row: DeliveryRow = { ...onReplay(failed, now).row, state: "skipped", rule, settledAt: now };
  return withStep(row, failed.hop, now);
}
