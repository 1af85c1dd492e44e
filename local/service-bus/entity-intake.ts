import { BrokerError } from "./broker-error.ts";
import { DuplicateHistory } from "./duplicate-history.ts";
import { MinHeap } from "./min-heap.ts";
import type { Namespace } from "./namespace.ts";
import type { RawMessage } from "./raw-message.ts";
import type { Arrival } from "./stored-message.ts";

export interface ScheduledMessage {
  readonly sequenceNumber: number;
  readonly arrival: Arrival;
  readonly dueAtMs: number;
}

export interface EntityIntakeOptions {
  readonly namespace: Namespace;
  readonly duplicateWindowMs: number | undefined;
  readonly nextSequenceNumber: () => number;
  readonly admit: (arrival: Arrival) => void;
  readonly wake: (atMs: number) => void;
}

/**
 * The way into a queue or topic: duplicates are dropped silently, messages for later wait here under
 * the number by which they can be cancelled, all others are admitted at once.
 */
export class EntityIntake {
  readonly #options: EntityIntakeOptions;
  readonly #duplicates: DuplicateHistory | undefined;
  readonly #scheduled = new Map<number, ScheduledMessage>();
  readonly #due = new MinHeap<ScheduledMessage>(
    (left, right) =>
      left.dueAtMs < right.dueAtMs ||
      (left.dueAtMs === right.dueAtMs && left.sequenceNumber < right.sequenceNumber),
  );

  constructor(options: EntityIntakeOptions) {
    this.#options = options;
    if (options.duplicateWindowMs !== undefined) {
      this.#duplicates = new DuplicateHistory(options.duplicateWindowMs);
    }
  }

  get scheduledCount(): number {
    return this.#scheduled.size;
  }

  accept(arrival: Arrival): void {
    if (this.#isDuplicate(arrival.raw)) return;
    const dueAtMs = arrival.raw.scheduledAtMs ?? 0;
    if (dueAtMs > this.#options.namespace.clock.now() && arrival.wasScheduled !== true) {
      this.#keep(arrival, dueAtMs);
    } else this.#options.admit(arrival);
  }

  /** Answers the number that cancels it. A duplicate gets a number too, of nothing. */
  schedule(raw: RawMessage): number {
    if (this.#isDuplicate(raw)) return this.#options.nextSequenceNumber();
    return this.#keep({ raw, hops: 0 }, raw.scheduledAtMs ?? 0);
  }

  /** Cancels all or none. */
  cancel(sequenceNumbers: readonly number[]): void {
    for (const sequenceNumber of sequenceNumbers) {
      if (this.#scheduled.has(sequenceNumber)) continue;
      throw new BrokerError(
        "com.microsoft:message-not-found",
        `No scheduled message has the sequence number ${sequenceNumber}.`,
      );
    }
    for (const sequenceNumber of sequenceNumbers) this.#scheduled.delete(sequenceNumber);
  }

  /** Admits what is due and answers when the next one is. */
  admitDue(nowMs: number): number {
    for (;;) {
      const next = this.#due.peek();
      if (next === undefined) return Infinity;
      const waits = this.#scheduled.has(next.sequenceNumber);
      if (waits && next.dueAtMs > nowMs) return next.dueAtMs;
      this.#due.pop();
      if (!waits) continue;
      this.#scheduled.delete(next.sequenceNumber);
      this.#options.admit({ ...next.arrival, wasScheduled: true });
    }
  }

  scheduled(): Iterable<ScheduledMessage> {
    return this.#scheduled.values();
  }

  #keep(arrival: Arrival, dueAtMs: number): number {
    const sequenceNumber = this.#options.nextSequenceNumber();
    const entry: ScheduledMessage = { sequenceNumber, arrival, dueAtMs };
    this.#scheduled.set(sequenceNumber, entry);
    this.#due.push(entry);
    this.#options.wake(dueAtMs);
    return sequenceNumber;
  }

  #isDuplicate(raw: RawMessage): boolean {
    if (this.#duplicates === undefined) return false;
    const { namespace } = this.#options;
    if (this.#duplicates.admits(raw.messageId, namespace.clock.now())) return false;
    if (namespace.detectsDuplicates) return true;
    namespace.onDuplicateLetIn();
    return false;
  }
}
