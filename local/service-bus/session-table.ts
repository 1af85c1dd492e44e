import type { LocalClock } from "../clock.ts";
import { BrokerError } from "./broker-error.ts";
import { MessageLane, type Consumer } from "./message-lane.ts";
import type { StoredMessage } from "./stored-message.ts";

/** A session's lock as its holder sees it. */
export interface SessionGrant {
  readonly sessionId: string;
  readonly lockedUntilMs: number;
}

/** Somebody who takes the next session that has messages. */
export interface SessionWaiter {
  readonly consumer: Consumer;
  granted(grant: SessionGrant): void;
}

export interface SessionTableOptions {
  readonly clock: LocalClock;
  readonly path: string;
  readonly lockMs: number;
  readonly handOut: (message: StoredMessage, consumer: Consumer) => void;
  /** Ends the locks of the session's messages, counting each. */
  readonly release: (sessionId: string) => void;
  readonly wake: (atMs: number) => void;
}

interface Session {
  readonly id: string;
  readonly lane: MessageLane;
  holder: Consumer | undefined;
  lockedUntilMs: number;
  state: Buffer | undefined;
}

/**
 * The sessions of one entity: free → held (by exactly one receiver) → free, by closing, by expiry or
 * when its connection ends. Each session has its own lane of messages, which only its holder empties.
 */
export class SessionTable {
  readonly #options: SessionTableOptions;
  readonly #sessions = new Map<string, Session>();
  /** Free sessions that may have messages; looked at before it is believed. */
  readonly #candidates = new Set<string>();
  readonly #waiters = new Set<SessionWaiter>();

  constructor(options: SessionTableOptions) {
    this.#options = options;
  }

  append(message: StoredMessage): void {
    const session = this.#session(message.raw.sessionId ?? "");
    session.lane.append(message);
    this.#offer(session);
  }

  putBack(message: StoredMessage): void {
    const session = this.#session(message.raw.sessionId ?? "");
    session.lane.putBack(message);
    this.#offer(session);
  }

  /** Locks one session by name, with or without messages. */
  acquire(sessionId: string, consumer: Consumer): SessionGrant {
    const session = this.#session(sessionId);
    if (session.holder !== undefined) {
      throw new BrokerError(
        "com.microsoft:session-cannot-be-locked",
        `The requested session '${sessionId}' cannot be accepted. It may be locked by another receiver.`,
      );
    }
    return this.#grant(session, consumer);
  }

  /** Grants the next free session with messages, now or later; the answer stops the waiting. */
  acquireNext(waiter: SessionWaiter): () => void {
    for (const sessionId of this.#candidates) {
      const session = this.#session(sessionId);
      this.#candidates.delete(sessionId);
      if (session.holder !== undefined || !session.lane.hasReady()) continue;
      waiter.granted(this.#grant(session, waiter.consumer));
      return () => undefined;
    }
    this.#waiters.add(waiter);
    return () => void this.#waiters.delete(waiter);
  }

  pump(sessionId: string): void {
    this.#sessions.get(sessionId)?.lane.pump();
  }

  /** Gives the session up: its unsettled messages go back and count. */
  free(sessionId: string, consumer: Consumer): void {
    const session = this.#sessions.get(sessionId);
    if (session?.holder === consumer) this.#free(session);
  }

  renew(sessionId: string): number {
    const session = this.#requireHeld(sessionId);
    session.lockedUntilMs = this.#options.clock.now() + this.#options.lockMs;
    return session.lockedUntilMs;
  }

  requireHeld(sessionId: string): SessionGrant {
    const session = this.#requireHeld(sessionId);
    return { sessionId: session.id, lockedUntilMs: session.lockedUntilMs };
  }

  state(sessionId: string): Buffer | undefined {
    return this.#requireHeld(sessionId).state;
  }

  setState(sessionId: string, state: Buffer | undefined): void {
    this.#requireHeld(sessionId).state = state;
  }

  /** Ends what has expired and answers when the next lock does. */
  expire(nowMs: number): number {
    let nextMs = Infinity;
    for (const session of [...this.#sessions.values()]) {
      const { holder } = session;
      if (holder === undefined) continue;
      if (session.lockedUntilMs > nowMs) nextMs = Math.min(nextMs, session.lockedUntilMs);
      else {
        this.#free(session);
        holder.sessionLost?.();
      }
    }
    return nextMs;
  }

  #session(sessionId: string): Session {
    const known = this.#sessions.get(sessionId);
    if (known !== undefined) return known;
    const session: Session = {
      id: sessionId,
      lane: new MessageLane(this.#options.handOut),
      holder: undefined,
      lockedUntilMs: 0,
      state: undefined,
    };
    this.#sessions.set(sessionId, session);
    return session;
  }

  #requireHeld(sessionId: string): Session {
    const session = this.#sessions.get(sessionId);
    const isHeld = session?.holder !== undefined;
    if (isHeld && session.lockedUntilMs > this.#options.clock.now()) return session;
    throw new BrokerError(
      "com.microsoft:session-lock-lost",
      `The lock of session '${sessionId}' of ${this.#options.path} has ended.`,
    );
  }

  #grant(session: Session, consumer: Consumer): SessionGrant {
    session.holder = consumer;
    session.lockedUntilMs = this.#options.clock.now() + this.#options.lockMs;
    session.lane.add(consumer);
    this.#options.wake(session.lockedUntilMs);
    return { sessionId: session.id, lockedUntilMs: session.lockedUntilMs };
  }

  #free(session: Session): void {
    if (session.holder !== undefined) session.lane.remove(session.holder);
    this.#options.release(session.id);
    session.holder = undefined;
    if (session.lane.hasReady()) this.#offer(session);
    else if (session.state === undefined) this.#sessions.delete(session.id);
  }

  /** Tells whoever can take its messages: its holder, else the first who waits for any session. */
  #offer(session: Session): void {
    if (session.holder !== undefined) {
      session.lane.pump();
      return;
    }
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      waiter.granted(this.#grant(session, waiter.consumer));
      return;
    }
    this.#candidates.add(session.id);
  }
}
