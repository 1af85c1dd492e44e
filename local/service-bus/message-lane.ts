import { MinHeap } from "./min-heap.ts";
import type { StoredMessage } from "./stored-message.ts";

export type ReceiveMode = "peekLock" | "receiveAndDelete";

/** A message in a receiver's hand; without a token it was deleted when it was handed out. */
export interface Delivery {
  readonly message: StoredMessage;
  readonly lockToken: string | undefined;
}

/** Somebody who takes messages as they come: a receiver link. */
export interface Consumer {
  readonly mode: ReceiveMode;
  /** How many messages it takes at this moment. */
  demand(): number;
  deliver(delivery: Delivery): void;
  /** Its session's lock has ended; only for session receivers. */
  sessionLost?(): void;
}

/**
 * Messages in the order of their sequence numbers and the consumers who share them. Arrivals append in
 * constant time; a message that comes back (abandoned, lock expired) goes through a heap to its old
 * place. Messages that left otherwise (expired) are passed over when their turn comes.
 */
export class MessageLane {
  readonly #handOut: (message: StoredMessage, consumer: Consumer) => void;
  #arrived: StoredMessage[] = [];
  #head = 0;
  readonly #returned = new MinHeap<StoredMessage>(
    (left, right) => left.sequenceNumber < right.sequenceNumber,
  );
  readonly #consumers: Consumer[] = [];
  #turn = 0;
  #pumping = false;

  constructor(handOut: (message: StoredMessage, consumer: Consumer) => void) {
    this.#handOut = handOut;
  }

  append(message: StoredMessage): void {
    this.#arrived.push(message);
  }

  putBack(message: StoredMessage): void {
    this.#returned.push(message);
  }

  add(consumer: Consumer): void {
    this.#consumers.push(consumer);
  }

  remove(consumer: Consumer): void {
    const at = this.#consumers.indexOf(consumer);
    if (at >= 0) this.#consumers.splice(at, 1);
  }

  hasReady(): boolean {
    return this.#next() !== undefined;
  }

  /** Hands out messages in turn until they or the demand run out. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (;;) {
        const message = this.#next();
        if (message === undefined) return;
        const consumer = this.#nextConsumer();
        if (consumer === undefined) return;
        this.#drop(message);
        this.#handOut(message, consumer);
      }
    } finally {
      this.#pumping = false;
    }
  }

  #nextConsumer(): Consumer | undefined {
    const count = this.#consumers.length;
    for (let step = 0; step < count; step += 1) {
      const at = (this.#turn + step) % count;
      const consumer = this.#consumers[at];
      if (consumer !== undefined && consumer.demand() > 0) {
        this.#turn = at + 1;
        return consumer;
      }
    }
    return undefined;
  }

  #next(): StoredMessage | undefined {
    while (this.#returned.peek()?.place === "gone") this.#returned.pop();
    while (this.#arrived[this.#head]?.place === "gone") this.#head += 1;
    this.#compact();
    const arrived = this.#arrived[this.#head];
    const returned = this.#returned.peek();
    if (arrived === undefined || returned === undefined) return arrived ?? returned;
    return returned.sequenceNumber < arrived.sequenceNumber ? returned : arrived;
  }

  #drop(message: StoredMessage): void {
    if (this.#returned.peek() === message) this.#returned.pop();
    else this.#head += 1;
  }

  /** Gives back the space of what was taken, at a cost that each message bears once. */
  #compact(): void {
    if (this.#head < 1024 || this.#head * 2 < this.#arrived.length) return;
    this.#arrived = this.#arrived.slice(this.#head);
    this.#head = 0;
  }
}
