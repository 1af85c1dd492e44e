import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";

import { BrokerError } from "../../../../local/service-bus/broker-error.ts";
import { createTestBroker, HandReceiver } from "./broker-harness.ts";

/** What a run did: every sent message must be in exactly one place at the end. */
type Step =
  | { readonly kind: "send" | "schedule"; readonly delayMs: number }
  | { readonly kind: "receive"; readonly count: number }
  | {
      readonly kind: "complete" | "abandon" | "defer" | "deadLetter" | "renew";
      readonly pick: number;
    }
  | { readonly kind: "fetchDeferred"; readonly pick: number }
  | { readonly kind: "advance"; readonly ms: number };

const pick = fc.nat({ max: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom("send", "schedule"), delayMs: fc.nat({ max: 90_000 }) }),
  fc.record({ kind: fc.constant("receive"), count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constantFrom("complete", "abandon", "defer", "deadLetter", "renew"), pick }),
  fc.record({ kind: fc.constant("fetchDeferred"), pick }),
  fc.record({ kind: fc.constant("advance"), ms: fc.nat({ max: 60_000 }) }),
);

class Run {
  readonly #created = createTestBroker();
  readonly #receiver: HandReceiver;
  readonly #tokens = new Map<string, string>();
  readonly sent: string[] = [];
  readonly completed: string[] = [];

  constructor() {
    const { broker } = this.#created;
    broker.createQueue("letters");
    broker.createQueue("q", {
      lockDuration: "PT30S",
      maxDeliveryCount: 3,
      defaultMessageTimeToLive: "PT1M",
      deadLetteringOnMessageExpiration: true,
      forwardDeadLetteredMessagesTo: "letters",
    });
    this.#receiver = new HandReceiver(broker, "q");
  }

  async do(next: Step): Promise<void> {
    const { clock } = this.#created;
    switch (next.kind) {
      case "send":
      case "schedule":
        this.#send(next.kind === "schedule" ? clock.now() + next.delayMs : undefined);
        break;
      case "receive":
        this.#keep(this.#receiver.take(next.count));
        break;
      case "fetchDeferred":
        this.#fetchDeferred(next.pick);
        break;
      case "advance":
        await clock.advance(next.ms);
        break;
      default:
        this.#settle(next.kind, next.pick);
    }
  }

  places(): string[] {
    const { broker } = this.#created;
    const stored = [...broker.peek("q", 1000), ...broker.peek("letters", 1000)];
    return [...this.completed, ...stored.map((message) => message.messageId)].sort();
  }

  #send(scheduledAtMs: number | undefined): void {
    const messageId = `m${String(this.sent.length).padStart(4, "0")}`;
    const when = scheduledAtMs === undefined ? {} : { scheduledAtMs };
    this.#created.broker.send("q", { messageId, body: "", ...when });
    this.sent.push(messageId);
  }

  #keep(deliveries: ReturnType<HandReceiver["take"]>): void {
    for (const { message, lockToken } of deliveries) {
      this.#tokens.set(lockToken ?? "", message.raw.messageId);
    }
  }

  #fetchDeferred(pickNumber: number): void {
    const deferred = this.#created.broker
      .peek("q", 1000)
      .filter(({ state, lockedUntilMs }) => state === "deferred" && lockedUntilMs === undefined);
    const chosen = deferred[pickNumber % Math.max(deferred.length, 1)];
    if (chosen === undefined) return;
    this.#keep(this.#receiver.queue.receiveDeferred([chosen.sequenceNumber], "peekLock"));
  }

  #settle(kind: "complete" | "abandon" | "defer" | "deadLetter" | "renew", at: number): void {
    const tokens = [...this.#tokens.keys()];
    const token = tokens[at % Math.max(tokens.length, 1)];
    if (token === undefined) return;
    const { queue } = this.#receiver;
    try {
      if (kind === "renew") queue.renewLock(token);
      else if (kind === "deadLetter") {
        queue.deadLetter(token, { reason: "R", description: "D", properties: {} });
      } else queue[kind](token);
    } catch (error) {
      const isLost = error instanceof BrokerError && error.condition.endsWith("lock-lost");
      if (!isLost) throw error;
      this.#tokens.delete(token);
      return;
    }
    if (kind === "complete") this.completed.push(this.#tokens.get(token) ?? "");
    if (kind !== "renew") this.#tokens.delete(token);
  }
}

describe("whatever receivers and time do to a queue", () => {
  it("has every message in exactly one place: waiting, dead-lettered or completed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const run = new Run();
        for (const next of steps) {
          await run.do(next);
          expect(run.places()).toEqual(run.sent);
        }
      }),
      { numRuns: 60 },
    );
  });
});
