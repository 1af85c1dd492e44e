/** What the demonstration knows about one posted document, target by target. */
export interface TrackedEvent {
  readonly name: string;
  readonly eventId: string;
  readonly businessEventId: string;
  /** `<legalEntity>/<number>`; "" for the endpoint test event. */
  readonly businessKey: string;
  readonly sentAt: number;
  readonly expected: Readonly<Record<string, string>>;
  readonly targets: ReadonlyMap<string, TrackedTarget>;
}

export interface TrackedTarget {
  /** As the ledger says: pending, waiting, unsure, delivered, skipped, superseded, failed, discarded; "healed" is delivered after waiting. */
  readonly status: string;
  readonly reference: string | null;
  /** From F&O's send to the settled ledger row. */
  readonly ms: number | null;
  readonly detail: string | null;
}

const terminal = new Set(["delivered", "healed", "superseded", "skipped", "failed", "discarded"]);

export function isSettled(event: TrackedEvent): boolean {
  const expected = Object.keys(event.expected);
  return expected.every((target) => terminal.has(event.targets.get(target)?.status ?? "pending"));
}

/** Whether each delivery ended as the scenario says; a healed one counts as delivered. */
export function isAsExpected(event: TrackedEvent): boolean {
  return Object.entries(event.expected).every(([target, status]) => {
    const actual = event.targets.get(target)?.status;
    return (actual === "healed" ? "delivered" : actual) === status;
  });
}
