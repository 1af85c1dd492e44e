import { randomUUID } from "node:crypto";

import type { StoredMessage } from "./stored-message.ts";

export interface MessageLock {
  readonly token: string;
  readonly message: StoredMessage;
  /** Infinity for a session's message: the session's own lock ends it. */
  untilMs: number;
  readonly sessionId: string | undefined;
}

/**
 * The locks of one entity by token. All have one length, so the map is kept in order of expiry just by
 * inserting at the end (a renewed lock is inserted again): what has expired is at its start.
 */
export class MessageLocks {
  readonly #locks = new Map<string, MessageLock>();

  lock(message: StoredMessage, untilMs: number, sessionId?: string): MessageLock {
    const lock: MessageLock = { token: randomUUID(), message, untilMs, sessionId };
    this.#locks.set(lock.token, lock);
    return lock;
  }

  /** The lock, if it still holds at `nowMs`. */
  find(token: string, nowMs: number): MessageLock | undefined {
    const lock = this.#locks.get(token);
    return lock === undefined || lock.untilMs <= nowMs ? undefined : lock;
  }

  remove(lock: MessageLock): void {
    this.#locks.delete(lock.token);
  }

  renew(lock: MessageLock, untilMs: number): void {
    this.#locks.delete(lock.token);
    lock.untilMs = untilMs;
    this.#locks.set(lock.token, lock);
  }

  /** Removes and answers every lock that ended by `nowMs`. */
  takeExpired(nowMs: number): MessageLock[] {
    const expired: MessageLock[] = [];
    for (const lock of this.#locks.values()) {
      if (lock.untilMs > nowMs) break;
      expired.push(lock);
    }
    for (const lock of expired) this.#locks.delete(lock.token);
    return expired;
  }

  /** Removes and answers the locks of messages without a session. */
  takeAll(): MessageLock[] {
    const locks = [...this.#locks.values()].filter(({ sessionId }) => sessionId === undefined);
    for (const lock of locks) this.#locks.delete(lock.token);
    return locks;
  }

  /** Removes and answers the locks of one session. */
  takeSession(sessionId: string): MessageLock[] {
    const locks = [...this.#locks.values()].filter((lock) => lock.sessionId === sessionId);
    for (const lock of locks) this.#locks.delete(lock.token);
    return locks;
  }

  nextExpiryMs(): number {
    for (const lock of this.#locks.values()) return lock.untilMs;
    return Infinity;
  }
}
