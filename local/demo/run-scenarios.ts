import type { LedgerDelivery } from "./read-ledger.ts";
import type { Scenario } from "./scenarios.ts";
import type { Systems } from "./systems.ts";
import { isSettled, type TrackedEvent, type TrackedTarget } from "./tracked-event.ts";

export interface DemoPorts {
  readonly systems: Systems;
  readonly readLedger: (eventIds: readonly string[]) => Promise<readonly LedgerDelivery[]>;
  readonly onChange: (events: readonly TrackedEvent[]) => void;
  readonly signal: AbortSignal;
}

/** How often the ledger is looked at while something is under way. */
const lookEveryMs = 150;

/** Posts one document and starts to follow it. */
export async function postScenario(scenario: Scenario, systems: Systems): Promise<TrackedEvent> {
  const sentAt = Date.now();
  const posted = await systems.postInvoice(scenario.post);
  return {
    name: scenario.name,
    eventId: posted.eventId.toLowerCase(),
    businessEventId: posted.businessEventId,
    businessKey: `${posted.legalEntity}/${posted.number}`,
    sentAt,
    expected: scenario.expected,
    targets: new Map(),
  };
}

/** Follows events until each is settled, or until `limitMs` is over; tells every change. */
export async function followUntilSettled(
  events: readonly TrackedEvent[],
  ports: DemoPorts,
  limitMs: number,
): Promise<readonly TrackedEvent[]> {
  const giveUpAt = Date.now() + limitMs;
  let current = events;
  let shown = "";
  for (;;) {
    current = await refresh(current, ports);
    const text = JSON.stringify(current.map(({ targets }) => [...targets]));
    if (text !== shown) ports.onChange(current);
    shown = text;
    if (current.every(isSettled) || Date.now() > giveUpAt || ports.signal.aborted) return current;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}

async function refresh(
  events: readonly TrackedEvent[],
  ports: DemoPorts,
): Promise<readonly TrackedEvent[]> {
  const rows = await ports.readLedger(events.map(({ eventId }) => eventId));
  return events.map((event) => ({
    ...event,
    targets: new Map(
      rows
        .filter((row) => row.eventId === event.eventId && row.target !== "intake")
        .map((row) => [row.target, toTracked(row, event.sentAt)] as const),
    ),
  }));
}

function toTracked(row: LedgerDelivery, sentAt: number): TrackedTarget {
  const status = toStatus(row);
  return {
    status,
    reference: row.reference,
    ms: row.settledAt === null ? null : row.settledAt - sentAt,
    detail: row.rule ?? (status === "delivered" || status === "healed" ? null : row.code),
  };
}

function toStatus(row: LedgerDelivery): string {
  if (row.state === "delivered") return row.hasWaited ? "healed" : "delivered";
  return row.state === "pending" && row.isWaiting ? "waiting" : row.state;
}
