/** `received`, `accepted`, `published` belong to events (the pseudo-target intake), the rest to deliveries. */
export type DeliveryState =
  | "received"
  | "accepted"
  | "published"
  | "pending"
  | "delivered"
  | "superseded"
  | "skipped"
  | "failed"
  | "discarded";

const terminalStates: readonly DeliveryState[] = [
  "published",
  "delivered",
  "superseded",
  "skipped",
  "failed",
  "discarded",
];

/** What names a row: every part comes from the event itself, so that any hop can build it. */
export interface DeliveryId {
  readonly eventId: string;
  /** F&O's EventTime, ISO 8601 UTC; a resend keeps it. */
  readonly time: string;
  /** "intake" for the event's own row. */
  readonly target: string;
}

/** What one wake-up came to. */
export interface TrailStep {
  /** Epoch ms. */
  readonly at: number;
  /** The hop that was handled. */
  readonly hop: number;
  /** Tries against the target so far. */
  readonly attempts: number;
  readonly state: DeliveryState;
  readonly code: string | null;
  readonly reason: string | null;
  /** What the next wake-up was asked for, by Service Bus's clock; null: settled. */
  readonly dueAt: number | null;
}

/** The first steps tell how it began and the last ones where it stands; the middle of a long story goes. */
const firstSteps = 5;
const lastSteps = 25;
const reasonLength = 200;

/**
 * One delivery as the ledger keeps it. Instants are epoch ms. `…At` of limits are on the row's
 * *reachable clock* (`reachableNow`): wall time minus all time in which the target was not called
 * through no fault of the delivery.
 */
export interface DeliveryRow extends DeliveryId {
  readonly state: DeliveryState;
  /** Times the wake-up was sent. A message with a lower hop is an old copy. */
  readonly hop: number;
  /** When the current wake-up is due. */
  readonly dueAt: number;
  readonly acceptedAt: number;
  /** Tries against a reachable target. */
  readonly attempts: number;
  readonly generation: number;
  readonly traceparent: string;
  /** Trace context of the last call, which the next one is linked to. */
  readonly lastCall: string | null;
  /** Closed stretches of time that count against no limit, in ms. */
  readonly awayMs: number;
  /** Start of the stretch that is running. */
  readonly awaySince: number | null;
  /** Reachable clock at the first retry of this series. */
  readonly retryingSince: number | null;
  /** Reachable clock at the first `wait`; `waits` counts them. */
  readonly waitingSince: number | null;
  readonly waits: number;
  readonly missing: readonly string[];
  /** Reachable clock at the first `unsure`; while set, `confirm` is asked and nothing is sent. */
  readonly unsureSince: number | null;
  readonly checks: number;
  readonly memo: string | null;
  /** A place in the hourly budget that was reserved for this delivery. */
  readonly slotAt: number | null;
  /** Wake-ups that the sweep sent since the last call. */
  readonly sweeps: number;
  /** Last outcome that was not success: code and reason. */
  readonly code: string | null;
  readonly reason: string | null;
  /** First and last call that did not succeed. */
  readonly firstFailedAt: number | null;
  readonly lastFailedAt: number | null;
  readonly reference: string | null;
  readonly url: string | null;
  readonly rule: string | null;
  /** JSON of what a dry run would have written. */
  readonly wouldSend: string | null;
  readonly failureId: string | null;
  readonly settledAt: number | null;
  /** Oldest first. */
  readonly trail: readonly TrailStep[];
}

export function createDeliveryRow(
  id: DeliveryId,
  start: {
    readonly state: DeliveryState;
    readonly acceptedAt: number;
    readonly traceparent: string;
    readonly hop?: number;
    readonly rule?: string;
  },
): DeliveryRow {
  return {
    eventId: id.eventId,
    time: id.time,
    target: id.target,
    state: start.state,
    hop: start.hop ?? 1,
    dueAt: start.acceptedAt,
    acceptedAt: start.acceptedAt,
    attempts: 0,
    generation: 0,
    traceparent: start.traceparent,
    lastCall: null,
    awayMs: 0,
    awaySince: null,
    retryingSince: null,
    waitingSince: null,
    waits: 0,
    missing: [],
    unsureSince: null,
    checks: 0,
    memo: null,
    slotAt: null,
    sweeps: 0,
    code: null,
    reason: null,
    firstFailedAt: null,
    lastFailedAt: null,
    reference: null,
    url: null,
    rule: start.rule ?? null,
    wouldSend: null,
    failureId: null,
    settledAt: start.rule === undefined ? null : start.acceptedAt,
    trail: [],
  };
}

/** As it was accepted, for a target that is to be called: nothing has become of it since. */
export function isFirst(row: DeliveryRow): boolean {
  const { acceptedAt, attempts, dueAt, generation, hop, state, trail } = row;
  const isNew = state === "pending" && hop === 1 && generation === 0 && dueAt === acceptedAt;
  return isNew && attempts === 0 && trail.length === 0;
}

/** The row with the step that led to it: `hop` was handled at `now`, the next one asked for `askFor`. */
export function withStep(
  row: DeliveryRow,
  hop: number,
  now: number,
  askFor = row.dueAt,
): DeliveryRow {
  const step: TrailStep = {
    at: now,
    hop,
    attempts: row.attempts,
    state: row.state,
    code: row.code ?? row.rule,
    reason: row.reason?.slice(0, reasonLength) ?? null,
    dueAt: isTerminal(row) ? null : Math.round(askFor),
  };
  const all = [...row.trail, step];
  if (all.length <= firstSteps + lastSteps) return { ...row, trail: all };
  return { ...row, trail: [...all.slice(0, firstSteps), ...all.slice(-lastSteps)] };
}

/**
 * The time for which the row's wake-up is sent, however often it is sent: when it is due, or later where
 * our clock is behind Service Bus's.
 */
export function askedFor({ trail, hop, dueAt }: DeliveryRow): number {
  const last = trail.at(-1);
  return last?.hop === hop - 1 ? Math.max(last.dueAt ?? dueAt, dueAt) : dueAt;
}

export function isTerminal(row: { readonly state: DeliveryState }): boolean {
  return terminalStates.includes(row.state);
}

/** An effect was made, or a newer one stands for it. */
export function isMade({ state }: { readonly state: DeliveryState }): boolean {
  return state === "delivered" || state === "superseded" || state === "published";
}

/**
 * `dead-letters` has to be told of it: it failed, or its effect was made after it had been called failed. The
 * `open` row stays until that is said.
 */
export function hasStory(row: DeliveryRow): boolean {
  return row.state === "failed" || (row.failureId !== null && isMade(row));
}

/** Time that counts for this delivery. */
export function reachableNow(row: DeliveryRow, now: number): number {
  return now - row.awayMs - (row.awaySince === null ? 0 : now - row.awaySince);
}
