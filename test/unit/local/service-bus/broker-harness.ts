import { SimulatedClock } from "../../../../local/clock.ts";
import { createBroker, type Broker } from "../../../../local/service-bus/broker.ts";
import type {
  Consumer,
  Delivery,
  ReceiveMode,
} from "../../../../local/service-bus/message-lane.ts";
import type { MessageQueue } from "../../../../local/service-bus/message-queue.ts";

export const startMs = Date.UTC(2026, 0, 1);
export const minuteMs = 60_000;

export function createTestBroker(): { readonly broker: Broker; readonly clock: SimulatedClock } {
  const clock = new SimulatedClock(startMs);
  return { clock, broker: createBroker({ clock, log: () => undefined }) };
}

/** Receives by hand: takes as many messages as the test asks for, and settles by position. */
export class HandReceiver implements Consumer {
  readonly mode: ReceiveMode;
  readonly queue: MessageQueue;
  readonly #taken: Delivery[] = [];
  #demand = 0;

  constructor(broker: Broker, path: string, mode: ReceiveMode = "peekLock") {
    this.mode = mode;
    this.queue = broker.requireQueue(path);
    this.queue.addConsumer(this);
  }

  demand(): number {
    return this.#demand;
  }

  deliver(delivery: Delivery): void {
    this.#demand -= 1;
    this.#taken.push(delivery);
  }

  /** What is there, up to `count`. */
  take(count = 1): Delivery[] {
    this.#demand = count;
    this.queue.pump();
    this.#demand = 0;
    return this.#taken.splice(0);
  }

  /** One message and its lock token; fails when there is none. */
  takeOne(): { readonly delivery: Delivery; readonly token: string } {
    const [delivery] = this.take();
    if (delivery === undefined) throw new Error("The queue has no message.");
    return { delivery, token: delivery.lockToken ?? "" };
  }

  stop(): void {
    this.queue.removeConsumer(this);
  }
}

export function messageIds(deliveries: readonly Delivery[]): string[] {
  return deliveries.map(({ message }) => message.raw.messageId);
}

/** Sends messages with the given ids and the id as body. */
export function sendIds(broker: Broker, entity: string, ...ids: readonly string[]): void {
  for (const messageId of ids) broker.send(entity, { messageId, body: messageId });
}
