/*
 * A person decides that failures are not to be delivered. The ledger first (failed → discarded, on the
 * version that was read), then the failure: a crash between the two leaves an open failure whose discarding
 * only has to be said again.
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
  failures: readonly FailureSummary[],
  reason: string,
): Promise<number> {
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
  const lost = new Set(
    changes.flatMap(({ failureId }, index) => (saved[index] === undefined ? [failureId] : [])),
  );
  const left = failures.filter(({ failureId }) => !lost.has(failureId));
  const moved = await on.failures.move(
    left.map((failure) => ({ failure, to: "discarded" as const, also: { outcome: reason } })),
  );
  const discarded = left.filter((_each, index) => moved[index] === true);
  for (const { eventId, flow, target, failureId, code } of discarded) {
    on.telemetry.event("discarded", { eventId, flow, target, failureId, code });
  }
  return discarded.length;
}
