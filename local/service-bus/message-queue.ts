import { BrokerError } from "./broker-error.ts";
import {
  DeadLettering,
  expired,
  toWornOut,
  withoutSession,
  type DeadLetterCause,
} from "./dead-lettering.ts";
import { EntityIntake } from "./entity-intake.ts";
import type { EntityStatus, QueueSettings } from "./entity-properties.ts";
import { ExpiryWatch } from "./expiry-watch.ts";
import { MessageLane, type Consumer, type Delivery, type ReceiveMode } from "./message-lane.ts";
import { MessageLocks, type MessageLock } from "./message-locks.ts";
import type { Namespace } from "./namespace.ts";
import { withApplicationProperties, type RawMessage } from "./raw-message.ts";
import { SessionTable } from "./session-table.ts";
import { toArrival, toStoredMessage, type Arrival, type StoredMessage } from "./stored-message.ts";
import { WakeUp } from "./wake-up.ts";

/*
 * One queue, subscription or dead-letter queue. A message's places:
 *
 *   (scheduled) ── due ──► ready ── handed out, peekLock ──► locked ── complete ──► gone
 *                            ▲                                 │ abandon, lock expired: count + 1
 *                            └─────────────────────────────────┤   (count at its maximum: dead letter)
 *                          deferred ◄── defer: count + 1 ──────┤
 *                            │  fetched by number: locked again; stays deferred until settled otherwise
 *                            └────────────────────────────────►┘
 *   ready ── handed out, receiveAndDelete ──► gone          locked ── dead-letter ──► dead-letter queue
 *   ready ── time to live over ──► dead-letter queue or gone (a locked one when its lock ends)
 *
 * Deferred messages do not expire. In a dead-letter queue nothing expires and nothing is counted.
 * Time: one wake-up for the next lock expiry, schedule and expiry together.
 */

export type PropertyChanges = Readonly<Record<string, unknown>>;

export interface EntityCounts {
  /** Ready or locked. */
  readonly active: number;
  readonly deadLetter: number;
  readonly scheduled: number;
  readonly deferred: number;
}

export interface MessageQueueOptions {
  readonly namespace: Namespace;
  /** As receivers address it, for example `topic/Subscriptions/name`. */
  readonly path: string;
  readonly settings: QueueSettings;
  readonly kind: "entity" | "deadLetters";
}

export class MessageQueue {
  readonly path: string;
  readonly settings: QueueSettings;
  readonly isDeadLetterQueue: boolean;
  status: EntityStatus;
  /** Absent on a dead-letter queue itself. */
  readonly deadLetters: MessageQueue | undefined;
  readonly transferDeadLetters: MessageQueue | undefined;
  readonly #namespace: Namespace;
  readonly #messages = new Map<number, StoredMessage>();
  readonly #lane: MessageLane;
  readonly #locks = new MessageLocks();
  readonly #expiry = new ExpiryWatch();
  readonly #wakeUp: WakeUp;
  readonly #intake: EntityIntake;
  readonly #sessions: SessionTable | undefined;
  readonly #deadLettering: DeadLettering | undefined;
  #lastSequenceNumber = 0;
  #deferredCount = 0;

  constructor(options: MessageQueueOptions) {
    const { namespace, settings, path } = options;
    this.path = path;
    this.settings = settings;
    this.status = settings.status;
    this.isDeadLetterQueue = options.kind === "deadLetters";
    this.#namespace = namespace;
    this.#lane = new MessageLane((message, consumer) => this.#handOut(message, consumer));
    this.#wakeUp = new WakeUp(namespace.clock, () => this.#work());
    this.#intake = this.#createIntake();
    if (settings.requiresSession) this.#sessions = this.#createSessions();
    if (this.isDeadLetterQueue) return;
    const letters = createLetterQueue(options, "$DeadLetterQueue");
    const transferLetters = createLetterQueue(options, "$Transfer/$DeadLetterQueue");
    this.deadLetters = letters;
    this.transferDeadLetters = transferLetters;
    this.#deadLettering = new DeadLettering({
      namespace,
      path,
      settings,
      letters,
      transferLetters,
    });
  }

  // ---- into the queue ----

  /** Takes messages from a sender; all are checked before the first is taken. */
  accept(arrivals: readonly Arrival[]): void {
    this.#requireSending(arrivals.map((arrival) => arrival.raw));
    for (const arrival of arrivals) this.#intake.accept(arrival);
    this.#lane.pump();
  }

  schedule(messages: readonly RawMessage[]): number[] {
    this.#requireSending(messages);
    return messages.map((raw) => this.#intake.schedule(raw));
  }

  cancelScheduled(sequenceNumbers: readonly number[]): void {
    this.#intake.cancel(sequenceNumbers);
  }

  /** Stores a message whatever its status: a subscription's copy, a dead letter. */
  admit(arrival: Arrival): void {
    this.#admit(arrival);
    this.#lane.pump();
  }

  // ---- out of the queue ----

  addConsumer(consumer: Consumer): void {
    this.requireReceiving();
    if (this.#sessions !== undefined) {
      throw new BrokerError("amqp:not-allowed", `${this.path} requires sessions.`);
    }
    this.#lane.add(consumer);
    this.#lane.pump();
  }

  removeConsumer(consumer: Consumer): void {
    this.#lane.remove(consumer);
  }

  /** To be called when a consumer's demand has grown. */
  pump(): void {
    this.#lane.pump();
  }

  get requiresSession(): boolean {
    return this.#sessions !== undefined;
  }

  get sessions(): SessionTable {
    if (this.#sessions !== undefined) return this.#sessions;
    throw new BrokerError("amqp:not-allowed", `${this.path} does not use sessions.`);
  }

  receiveDeferred(
    sequenceNumbers: readonly number[],
    mode: ReceiveMode,
    sessionId?: string,
  ): Delivery[] {
    const messages = sequenceNumbers.map((number) => this.#requireDeferred(number, sessionId));
    return messages.map((message) => this.#take(message, mode));
  }

  requireReceiving(): void {
    if (this.status === "Disabled" || this.status === "ReceiveDisabled") {
      throw new BrokerError("com.microsoft:entity-disabled", `${this.path} gives no messages.`);
    }
    if (this.settings.forwardTo !== undefined) {
      throw new BrokerError("amqp:not-allowed", `${this.path} forwards its messages.`);
    }
  }

  // ---- settlement ----

  complete(token: string): void {
    this.#forget(this.#takeLock(token));
  }

  abandon(token: string, changes: PropertyChanges = {}): void {
    this.#release(this.#takeLock(token), changes);
  }

  defer(token: string, changes: PropertyChanges = {}): void {
    const message = this.#takeLock(token);
    message.raw = withApplicationProperties(message.raw, changes);
    if (!this.isDeadLetterQueue) message.deliveryCount += 1;
    if (!message.deferred) this.#deferredCount += 1;
    message.deferred = true;
    message.place = "deferred";
  }

  deadLetter(token: string, cause: DeadLetterCause): void {
    if (this.isDeadLetterQueue) {
      throw new BrokerError("amqp:not-allowed", "A dead letter cannot be dead-lettered again.");
    }
    this.#moveToDeadLetters(this.#takeLock(token), cause);
  }

  /** Answers until when the lock holds now. */
  renewLock(token: string): number {
    const lock = this.#requireLock(token);
    if (lock.sessionId !== undefined) {
      throw new BrokerError("amqp:not-allowed", "A session's message has the lock of its session.");
    }
    const untilMs = this.#namespace.clock.now() + this.settings.lockMs;
    this.#locks.renew(lock, untilMs);
    lock.message.lockedUntilMs = untilMs;
    return untilMs;
  }

  /** A message that may not even be stored here becomes a dead letter of this entity. */
  rejectArrival(arrival: Arrival, cause: DeadLetterCause): void {
    this.#deadLettering?.receive(arrival, cause);
  }

  /** Takes every lock away from its receiver: the messages are delivered again. How many there were. */
  loseLocks(): number {
    const locks = this.#locks.takeAll();
    for (const lock of locks) this.#release(lock.message, {});
    return locks.length;
  }

  // ---- sight ----

  counts(): EntityCounts {
    return {
      active: this.#messages.size - this.#deferredCount,
      deadLetter: this.deadLetters?.counts().active ?? 0,
      scheduled: this.#intake.scheduledCount,
      deferred: this.#deferredCount,
    };
  }

  /** Stored and scheduled messages from a number on, without taking them. */
  peek(fromSequenceNumber: number, count: number, sessionId?: string): StoredMessage[] {
    const wanted = (message: StoredMessage): boolean =>
      message.sequenceNumber >= fromSequenceNumber &&
      (sessionId === undefined || message.raw.sessionId === sessionId);
    const found: StoredMessage[] = [];
    for (const message of this.#messages.values()) {
      if (found.length >= count) break;
      if (wanted(message)) found.push(message);
    }
    for (const { arrival, sequenceNumber, dueAtMs } of this.#intake.scheduled()) {
      const message = this.#toStored({ ...arrival, wasScheduled: true }, sequenceNumber, dueAtMs);
      if (wanted(message)) found.push(message);
    }
    found.sort((left, right) => left.sequenceNumber - right.sequenceNumber);
    return found.slice(0, count);
  }

  /** Stops its timers; the queue is not used afterwards. */
  close(): void {
    this.#wakeUp.cancel();
    this.deadLetters?.close();
    this.transferDeadLetters?.close();
  }

  // ---- inside ----

  #createIntake(): EntityIntake {
    return new EntityIntake({
      namespace: this.#namespace,
      duplicateWindowMs: this.settings.duplicateWindowMs,
      nextSequenceNumber: () => this.#nextSequenceNumber(),
      admit: (arrival) => this.#admit(arrival),
      wake: (atMs) => this.#wakeUp.notLaterThan(atMs),
    });
  }

  #createSessions(): SessionTable {
    return new SessionTable({
      clock: this.#namespace.clock,
      path: this.path,
      lockMs: this.settings.lockMs,
      handOut: (message, consumer) => this.#handOut(message, consumer),
      release: (sessionId) => {
        for (const lock of this.#locks.takeSession(sessionId)) this.#release(lock.message, {});
      },
      wake: (atMs) => this.#wakeUp.notLaterThan(atMs),
    });
  }

  #nextSequenceNumber(): number {
    this.#lastSequenceNumber += 1;
    return this.#lastSequenceNumber;
  }

  #requireSending(messages: readonly RawMessage[]): void {
    if (this.status === "Disabled" || this.status === "SendDisabled") {
      throw new BrokerError("com.microsoft:entity-disabled", `${this.path} takes no messages.`);
    }
    if (this.#sessions === undefined || messages.every((raw) => raw.sessionId !== undefined))
      return;
    throw new BrokerError(
      "amqp:not-allowed",
      `${this.path} requires a session id on each message.`,
    );
  }

  #admit(arrival: Arrival): void {
    if (this.settings.forwardTo !== undefined && this.#deadLettering !== undefined) {
      this.#deadLettering.forward(this.settings.forwardTo, arrival);
      return;
    }
    if (this.#sessions !== undefined && arrival.raw.sessionId === undefined) {
      this.#deadLettering?.receive(arrival, withoutSession);
      return;
    }
    this.#namespace.onActivity();
    const nowMs = this.#namespace.clock.now();
    const message = this.#toStored(arrival, this.#nextSequenceNumber(), nowMs);
    this.#messages.set(message.sequenceNumber, message);
    this.#expiry.add(message, this.#messages.size);
    this.#wakeUp.notLaterThan(message.expiresAtMs);
    if (this.#sessions === undefined) this.#lane.append(message);
    else this.#sessions.append(message);
  }

  #toStored(arrival: Arrival, sequenceNumber: number, enqueuedAtMs: number): StoredMessage {
    return toStoredMessage(arrival, {
      sequenceNumber,
      enqueuedAtMs,
      timeToLiveMs: this.settings.timeToLiveMs,
      expires: !this.isDeadLetterQueue,
    });
  }

  #handOut(message: StoredMessage, consumer: Consumer): void {
    consumer.deliver(this.#take(message, consumer.mode));
  }

  #take(message: StoredMessage, mode: ReceiveMode): Delivery {
    this.#namespace.onActivity();
    const session = this.#sessions?.requireHeld(message.raw.sessionId ?? "");
    if (mode === "receiveAndDelete") {
      this.#forget(message);
      return { message, lockToken: undefined };
    }
    message.place = "locked";
    if (session !== undefined) {
      message.lockedUntilMs = session.lockedUntilMs;
      return { message, lockToken: this.#locks.lock(message, Infinity, session.sessionId).token };
    }
    const untilMs = this.#namespace.clock.now() + this.settings.lockMs;
    message.lockedUntilMs = untilMs;
    this.#wakeUp.notLaterThan(untilMs);
    return { message, lockToken: this.#locks.lock(message, untilMs).token };
  }

  #requireLock(token: string): MessageLock {
    const lock = this.#locks.find(token, this.#namespace.clock.now());
    if (lock !== undefined) return lock;
    if (this.#sessions !== undefined) {
      throw new BrokerError("com.microsoft:session-lock-lost", "The session's lock has ended.");
    }
    throw new BrokerError(
      "com.microsoft:message-lock-lost",
      "The lock supplied is invalid. Either the lock expired, or the message has already been removed from the queue.",
    );
  }

  #takeLock(token: string): StoredMessage {
    const lock = this.#requireLock(token);
    this.#locks.remove(lock);
    lock.message.lockedUntilMs = undefined;
    return lock.message;
  }

  #requireDeferred(sequenceNumber: number, sessionId: string | undefined): StoredMessage {
    const message = this.#messages.get(sequenceNumber);
    const matches = sessionId === undefined || message?.raw.sessionId === sessionId;
    if (message?.place === "deferred" && matches) return message;
    throw new BrokerError(
      "com.microsoft:message-not-found",
      `No deferred message has the sequence number ${sequenceNumber}.`,
    );
  }

  /** Ends a lock without success: counts, and puts the message where it goes from there. */
  #release(message: StoredMessage, changes: PropertyChanges): void {
    const { maxDeliveryCount } = this.settings;
    message.raw = withApplicationProperties(message.raw, changes);
    message.lockedUntilMs = undefined;
    if (!this.isDeadLetterQueue) message.deliveryCount += 1;
    if (message.deferred) message.place = "deferred";
    else if (!this.isDeadLetterQueue && message.deliveryCount >= maxDeliveryCount) {
      this.#moveToDeadLetters(message, toWornOut(maxDeliveryCount));
    } else if (message.expiresAtMs <= this.#namespace.clock.now()) this.#expire(message);
    else {
      message.place = "ready";
      if (this.#sessions !== undefined) this.#sessions.putBack(message);
      else {
        this.#lane.putBack(message);
        this.#lane.pump();
      }
    }
  }

  #forget(message: StoredMessage): void {
    this.#namespace.onActivity();
    message.place = "gone";
    if (message.deferred) this.#deferredCount -= 1;
    this.#messages.delete(message.sequenceNumber);
  }

  #moveToDeadLetters(message: StoredMessage, cause: DeadLetterCause): void {
    this.#forget(message);
    this.#deadLettering?.receive(toArrival(message), cause);
  }

  #expire(message: StoredMessage): void {
    if (this.settings.deadLetteringOnExpiration) this.#moveToDeadLetters(message, expired);
    else this.#forget(message);
  }

  /** Does all that time has made due and answers when there is more. */
  #work(): number {
    const nowMs = this.#namespace.clock.now();
    for (const lock of this.#locks.takeExpired(nowMs)) this.#release(lock.message, {});
    const nextSessionMs = this.#sessions?.expire(nowMs) ?? Infinity;
    const nextScheduledMs = this.#intake.admitDue(nowMs);
    for (const message of this.#expiry.takeDue(nowMs)) this.#expire(message);
    this.#lane.pump();
    return Math.min(
      this.#locks.nextExpiryMs(),
      nextSessionMs,
      nextScheduledMs,
      this.#expiry.nextMs(),
    );
  }
}

/** Letters keep until somebody takes them: no time to live, no maximum count, no forwarding. */
function createLetterQueue(owner: MessageQueueOptions, suffix: string): MessageQueue {
  return new MessageQueue({
    namespace: owner.namespace,
    path: `${owner.path}/${suffix}`,
    kind: "deadLetters",
    settings: {
      ...owner.settings,
      forwardTo: undefined,
      forwardDeadLettersTo: undefined,
      duplicateWindowMs: undefined,
      requiresSession: false,
      status: "Active",
    },
  });
}
