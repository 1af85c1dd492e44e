import { describe, expect, it } from "@jest/globals";
import { silentTelemetry } from "../../../../functions/src/platform/telemetry.ts";
import { drainDeadLetters } from "../../../../functions/src/recovery/drain-dead-letters.ts";
import { createFailureStore } from "../../../../functions/src/recovery/failure-store.ts";
import { DeliveryWorld } from "../../../support/delivery-world.ts";
import { failureRows } from "../../../support/failure-rows.ts";

describe("what nobody reads", () => {
  async function drain(
    world: DeliveryWorld,
    blobs: readonly string[],
    messages: readonly string[],
  ) {
    return drainDeadLetters({
      ledger: world.ledger,
      failures: createFailureStore(world.memory, world.clock),
      clock: world.clock,
      telemetry: silentTelemetry,
      identify: (body) => {
        const { data } = body as { data?: { EventId: string } };
        return data === undefined ? null : { eventId: data.EventId, time: "2026-11-24T11:59:00Z" };
      },
      flowOf: () => "",
      serviceBus: {
        drainDeadLetters: async (_queue, work) => {
          await work(messages.map((body) => ({ body, properties: {}, source: null })));
          return messages.length;
        },
      },
      blobs: {
        drain: async (work) => {
          for (const text of blobs) await work(text);
          return blobs.length;
        },
      },
    });
  }

  it("of Event Grid becomes one failure per event, with its reason", async () => {
    const world = new DeliveryWorld();
    const event = (id: string): object => ({
      id,
      eventType: "SalesInvoicePosted",
      data: { EventId: id },
      deadLetterReason: "MaxDeliveryAttemptsExceeded",
      lastDeliveryOutcome: "ResourceNotFound",
    });
    const blob = JSON.stringify([event("e1"), event("e2")]);
    expect(await drain(world, [blob, blob], [])).toEqual({ messages: 0, blobs: 2 });
    const rows = failureRows(world.memory).map(({ columns }) => columns);
    expect(rows.map(({ eventId }) => eventId).sort()).toEqual(["e1", "e2"]);
    expect(rows[0]).toMatchObject({
      code: "EVENT_GRID_UNDELIVERED",
      reason: "MaxDeliveryAttemptsExceeded, ResourceNotFound",
      owner: "integration",
    });
  });

  it("of Service Bus is kept even when it is no JSON", async () => {
    const world = new DeliveryWorld();
    await drain(world, ["not json either"], ["not json"]);
    const codes = failureRows(world.memory).map(({ columns }) => columns["code"]);
    expect(codes.sort()).toEqual(["EVENT_GRID_UNDELIVERED", "UNREADABLE_MESSAGE"]);
  });
});
