import type { LocalClock, LocalTimer } from "../clock.ts";
import { MinHeap } from "../service-bus/min-heap.ts";
import { isPermanent, toMinimumWaitMs, toProbationMs, toRetryDelayMs } from "./delivery-outcome.ts";
import type { DeliveryOutcome, DestinationKind, LastDeliveryOutcome } from "./delivery-outcome.ts";

/**
 * The deliveries of one subscription. Each accepted event is a delivery in one of these states:
 *
 *   due ──────────► attempting          when its time has come and fewer than `maxInFlight` are under way
 *   due ──────────► due (later)         its time has come while the endpoint is on probation; no attempt counts
 *   due ──────────► dead                its time to live is over (looked at only when an attempt comes due)
 *   attempting ───► delivered (end)
 *   attempting ───► due (later)         failed: retry schedule with jitter, not before the outcome's least wait
 *   attempting ───► dead                failed for good, or that was the last attempt
 *   dead ─────────► dead-lettered (end) written `deadLetterDelayMs` after the last attempt
 *   dead ─────────► dropped (end)       no dead-letter destination, or it could not be written for four hours
 *
 * The endpoint itself is healthy, or on probation until a time: after ten failures in a row nothing is sent for
 * a while that depends on the last outcome. One success makes it healthy.
 */

export type DeadLetterReason =
  | "MaxDeliveryAttemptsExceeded"
  | "TimeToLiveExceeded" // name from memory
  | "UndeliverableDueToClientError"; // name from memory

export interface DeliveryAttempt<Event> {
  readonly event: Event;
  /** The same over all attempts. */
  readonly deliveryId: string;
  /** Attempts before this one. */
  readonly deliveryCount: number;
}

export interface DeadLetter<Event> {
  readonly event: Event;
  readonly deliveryId: string;
  readonly reason: DeadLetterReason;
  readonly attempts: number;
  readonly lastOutcome: LastDeliveryOutcome;
  readonly publishedAt: number;
  readonly lastAttemptAt: number | undefined;
}

export interface DeliveryMetrics {
  readonly accepted: number;
  readonly delivered: number;
  readonly failedAttempts: number;
  readonly deadLettered: number;
  readonly dropped: number;
}

export interface DeliveryOptions<Event> {
  readonly clock: LocalClock;
  readonly kind: DestinationKind;
  readonly maxDeliveryAttempts: number;
  readonly timeToLiveMs: number;
  readonly newId: () => string;
  /** Adds the schedule's randomness to a wait. */
  readonly jitter: (delayMs: number) => number;
  readonly attempt: (attempt: DeliveryAttempt<Event>) => Promise<DeliveryOutcome>;
  /** Rejects when it could not be written; undefined when there is nowhere to write to. */
  readonly writeDeadLetter: ((deadLetter: DeadLetter<Event>) => Promise<void>) | undefined;
  readonly log: (line: string) => void;
}

interface Delivery<Event> {
  readonly event: Event;
  readonly deliveryId: string;
  readonly publishedAt: number;
  dueAt: number;
  attempts: number;
  lastOutcome: LastDeliveryOutcome;
  lastAttemptAt: number | undefined;
  dead: { readonly reason: DeadLetterReason; readonly since: number } | undefined;
}

const minuteMs = 60_000;
const maxInFlight = 64;
const failuresBeforeProbation = 10;
/** Azure waits about this long between the last attempt and the blob. */
const deadLetterDelayMs = 5 * minuteMs;
const deadLetterRetryMs = minuteMs;
const deadLetterGiveUpMs = 4 * 60 * minuteMs;

export class SubscriptionDelivery<Event> {
  readonly #options: DeliveryOptions<Event>;
  readonly #due = new MinHeap<Delivery<Event>>((left, right) => left.dueAt < right.dueAt);
  readonly #counts = { accepted: 0, delivered: 0, failedAttempts: 0, deadLettered: 0, dropped: 0 };
  #timer: { readonly at: number; readonly handle: LocalTimer } | undefined;
  #inFlight = 0;
  #failuresInARow = 0;
  #probationUntil = 0;
  #closed = false;

  constructor(options: DeliveryOptions<Event>) {
    this.#options = options;
  }

  /** Takes an event over; its first attempt starts at once when the endpoint is free. */
  accept(event: Event): void {
    const now = this.#options.clock.now();
    this.#counts.accepted += 1;
    this.#due.push({
      event,
      deliveryId: this.#options.newId(),
      publishedAt: now,
      dueAt: now,
      attempts: 0,
      lastOutcome: "Probation",
      lastAttemptAt: undefined,
      dead: undefined,
    });
    this.#pump();
  }

  metrics(): DeliveryMetrics & { readonly waiting: number } {
    return { ...this.#counts, waiting: this.#due.size + this.#inFlight };
  }

  close(): void {
    this.#closed = true;
    this.#timer?.handle.cancel();
  }

  #pump(): void {
    const now = this.#options.clock.now();
    while (!this.#closed && this.#inFlight < maxInFlight) {
      const next = this.#due.peek();
      if (next === undefined) return;
      if (next.dueAt > now) {
        this.#wakeAt(next.dueAt);
        return;
      }
      this.#due.pop();
      this.#handle(next, now);
    }
  }

  #wakeAt(at: number): void {
    if (this.#timer !== undefined && this.#timer.at <= at) return;
    this.#timer?.handle.cancel();
    const { clock } = this.#options;
    const handle = clock.setTimer(() => {
      this.#timer = undefined;
      this.#pump();
    }, at - clock.now());
    this.#timer = { at, handle };
  }

  #handle(delivery: Delivery<Event>, now: number): void {
    if (delivery.dead !== undefined) {
      this.#run(() => this.#writeDeadLetter(delivery));
    } else if (now - delivery.publishedAt >= this.#options.timeToLiveMs) {
      this.#die(delivery, "TimeToLiveExceeded");
    } else if (now < this.#probationUntil) {
      this.#putOff(delivery, this.#probationUntil);
    } else {
      this.#run(() => this.#attempt(delivery));
    }
  }

  #run(work: () => Promise<void>): void {
    this.#inFlight += 1;
    void work().finally(() => {
      this.#inFlight -= 1;
      this.#pump();
    });
  }

  async #attempt(delivery: Delivery<Event>): Promise<void> {
    const { clock, attempt, log } = this.#options;
    delivery.lastAttemptAt = clock.now();
    const outcome = await attempt({
      event: delivery.event,
      deliveryId: delivery.deliveryId,
      deliveryCount: delivery.attempts,
    }).catch((error: unknown): DeliveryOutcome => {
      log(`event grid: delivery ${delivery.deliveryId} broke: ${String(error)}`);
      return "Aborted";
    });
    delivery.attempts += 1;
    if (outcome === "Delivered") {
      this.#counts.delivered += 1;
      this.#failuresInARow = 0;
      this.#probationUntil = 0;
      return;
    }
    this.#counts.failedAttempts += 1;
    delivery.lastOutcome = outcome;
    this.#afterFailure(delivery, outcome);
  }

  #afterFailure(delivery: Delivery<Event>, outcome: DeliveryOutcome): void {
    const { clock, kind, jitter, maxDeliveryAttempts } = this.#options;
    const now = clock.now();
    this.#failuresInARow += 1;
    if (this.#failuresInARow >= failuresBeforeProbation) {
      this.#probationUntil = now + toProbationMs(outcome);
    }
    if (isPermanent(outcome, kind)) {
      this.#die(delivery, "UndeliverableDueToClientError");
    } else if (delivery.attempts >= maxDeliveryAttempts) {
      this.#die(delivery, "MaxDeliveryAttemptsExceeded");
    } else {
      const waitMs = jitter(toRetryDelayMs(delivery.attempts));
      this.#putOff(delivery, now + Math.max(waitMs, toMinimumWaitMs(outcome, kind)));
    }
  }

  #die(delivery: Delivery<Event>, reason: DeadLetterReason): void {
    const now = this.#options.clock.now();
    if (this.#options.writeDeadLetter === undefined) {
      this.#drop(delivery, `${reason}, and there is no dead-letter destination`);
      return;
    }
    delivery.dead = { reason, since: now };
    this.#putOff(delivery, (delivery.lastAttemptAt ?? now) + deadLetterDelayMs);
  }

  async #writeDeadLetter(delivery: Delivery<Event>): Promise<void> {
    const { clock, writeDeadLetter, log } = this.#options;
    const { dead } = delivery;
    if (dead === undefined || writeDeadLetter === undefined) return;
    const { event, deliveryId, attempts, lastOutcome, publishedAt, lastAttemptAt } = delivery;
    const facts = { event, deliveryId, attempts, lastOutcome, publishedAt, lastAttemptAt };
    try {
      await writeDeadLetter({ ...facts, reason: dead.reason });
      this.#counts.deadLettered += 1;
      log(`event grid: delivery ${deliveryId} dead-lettered: ${dead.reason} (${lastOutcome})`);
    } catch (error) {
      const now = clock.now();
      if (now - dead.since >= deadLetterGiveUpMs) {
        this.#drop(delivery, `its dead letter could not be written: ${String(error)}`);
      } else {
        this.#putOff(delivery, now + deadLetterRetryMs);
      }
    }
  }

  #putOff(delivery: Delivery<Event>, until: number): void {
    delivery.dueAt = until;
    this.#due.push(delivery);
  }

  #drop(delivery: Delivery<Event>, why: string): void {
    this.#counts.dropped += 1;
    this.#options.log(`event grid: delivery ${delivery.deliveryId} DROPPED: ${why}`);
  }
}
