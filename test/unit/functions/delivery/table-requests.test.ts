import { describe, expect, it } from "@jest/globals";
import { intakeTarget } from "../../../../functions/src/delivery/ledger-keys.ts";
import { createDeliveryRow } from "../../../../functions/src/delivery/ledger-rows.ts";
import { createGatheringTableStore } from "../../../../functions/src/platform/gathering-table-store.ts";
import { createCountingStore } from "../../../support/counting-table-store.ts";
import { DeliveryWorld } from "../../../support/delivery-world.ts";
import { MemoryTableStore } from "../../../support/memory-table-store.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

/**
 * What the ledger costs, as counts and not as time: a change that makes each delivery ask storage once
 * more is seen here, on every machine.
 */
function createWorld(options: { readonly once?: boolean; readonly targetName?: string } = {}) {
  const counting = createCountingStore(new MemoryTableStore());
  const store = createGatheringTableStore(counting);
  return { world: new DeliveryWorld({ ...options, store }), counting };
}

const events = Array.from({ length: 160 }, (_, index) => numberedEvent(index + 1));
/** The host's `maxConcurrentCalls`. */
const atOnce = 16;
/** Asked every five seconds and not for each delivery; this world's engine lives for one batch. */
const gates = "gates";

/** As many messages at once as the host hands out, until none is left. */
async function deliverSingly(world: DeliveryWorld): Promise<void> {
  for (;;) {
    const messages = (world.broker.waiting.get(world.entity) ?? []).slice(0, atOnce);
    if (messages.length === 0) return;
    await Promise.all(messages.map((message) => world.handle([message])));
  }
}

describe("requests to storage", () => {
  it("are few for a batch of events that is accepted", async () => {
    const { world, counting } = createWorld();
    const batch = events.slice(0, 100);

    // The lane `intake` has written down that they came in before it asks F&O for their data.
    await world.ledger.insert(
      batch.map(({ id: eventId, time, traceparent }) => ({
        row: createDeliveryRow(
          { eventId, time, target: intakeTarget },
          { state: "received", acceptedAt: world.clock.now(), traceparent },
        ),
      })),
    );
    await world.accept(...batch);

    // Open rows, one transaction per shard, and two rows for finding each event.
    expect(counting.total()).toBeLessThanOrEqual(15);
  });

  it("are few for a batch that is delivered", async () => {
    const { world, counting } = createWorld();
    await world.accept(...events.slice(0, 100));
    counting.forget();

    await world.handle([...(world.broker.waiting.get(world.entity) ?? [])]);

    expect(world.target.effects).toHaveLength(100);
    expect(counting.total(gates)).toBeLessThanOrEqual(8);
  });

  it("are shared by deliveries that come one message at a time", async () => {
    const { world, counting } = createWorld({ targetName: "crm" });
    await world.accept(...events);
    counting.forget();

    await deliverSingly(world);

    expect(world.target.effects).toHaveLength(events.length);
    expect(counting.total(gates) / events.length).toBeLessThanOrEqual(0.5);
  });

  it("stay below what effects that must not repeat may cost", async () => {
    const { world, counting } = createWorld({ targetName: "email", once: true });
    await world.accept(...events);
    counting.forget();

    await deliverSingly(world);

    expect(world.target.effects).toHaveLength(events.length);
    expect(counting.total(gates) / events.length).toBeLessThanOrEqual(1);
  });
});
