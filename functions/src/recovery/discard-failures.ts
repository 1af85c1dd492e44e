/*
 * A person decides that failures are not to be delivered. The ledger first (failed → discarded, on the
 * version that was read), then the failure: a crash between the two leaves an open failure whose discarding
 * only has to be said again. A replay that takes the failure between the two finds in the ledger that it is over.
 */
import type { Ledger } from "../delivery/ledger.ts";
import type { Clock } from "../platform/clock.ts";
import type { Telemetry } from "../platform/telemetry.ts";
import type { FailureStore } from "./failure-store.ts";
import type { FailureSummary } from "./failure.ts";

export interface DiscardDependencies {
  readonly failures: FailureStore;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** How many were discarded; the others are no longer open. */
export async function discardFailures(
  on: DiscardDependencies,
  given: readonly FailureSummary[],
  reason: string,
): Promise<number> {
  // One that is given twice would be its own rival in the ledger.
  const failures = [...new Map(given.map((each) => [nameOf(each), each])).values()];
  const withEvent = failures.filter(({ eventId, time }) => eventId !== "" && time !== "");
  const versions = await on.ledger.load(withEvent, { fresh: true });
  const changes = withEvent.flatMap(({ failureId }, index) => {
    const version = versions[index];
    // Another failure stands for it by now, or it never reached the ledger.
    if (version?.row.state !== "failed" || version.row.failureId !== failureId) return [];
    const row = { ...version.row, state: "discarded" as const, settledAt: on.clock.now() };
    return [{ row, etag: version.etag, failureId }];
  });
  const saved = await on.ledger.save(changes);
  const ours = new Set<string>();
  const lost = new Set<string>();
  for (const [index, { failureId }] of changes.entries()) {
    (saved[index] === undefined ? lost : ours).add(failureId);
  }
  const left = failures.filter(({ failureId }) => !lost.has(failureId));
  const discarded = await moveAll(on, left, reason);
  const taken = left.filter((each) => !discarded.includes(each) && ours.has(each.failureId));
  discarded.push(
    ...(await moveAll(
      on,
      taken.map((failure) => ({ ...failure, status: "replaying" as const })),
      reason,
    )),
  );
  for (const { eventId, flow, target, failureId, code } of discarded) {
    on.telemetry.event("discarded", { eventId, flow, target, failureId, code });
  }
  return discarded.length;
}

function nameOf({ target, failureId }: FailureSummary): string {
  return `${target}/${failureId}`;
}

/** Those that were in the status that they are given with. */
async function moveAll(
  { failures }: DiscardDependencies,
  wanted: readonly FailureSummary[],
  reason: string,
): Promise<FailureSummary[]> {
  const moved = await failures.move(
    wanted.map((failure) => ({ failure, to: "discarded" as const, also: { outcome: reason } })),
  );
  return wanted.filter((_each, index) => moved[index] === true);
}
