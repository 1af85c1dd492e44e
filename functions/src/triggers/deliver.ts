import { app } from "@azure/functions";
import type { InvocationContext } from "@azure/functions";
import type { CanonicalEvent } from "../../../schemas/types/canonical-event.ts";
import { getAppOrHold } from "./get-app-or-hold.ts";
import { holdThenThrow } from "./hold-then-throw.ts";
import type { WakeUp } from "../delivery/lane.ts";
import { runBatch } from "../delivery/run-batch.ts";
import type { Arrived } from "../delivery/run-batch.ts";
import {
  deadLettersEntity,
  isCanonicalEvent,
  toDeliveryWakeUp,
  toUnreadableLetter,
} from "../delivery/wake-up-messages.ts";
import { systemClock } from "../platform/clock.ts";
import { entities, routingProperty } from "../platform/messages.ts";
import { isProbeMessage } from "../targets/probe.ts";
import { readArrived } from "./read-arrived.ts";

/** The function `deliver-<target>` on the target's subscription. */
export function registerDelivery(target: string, cardinality: "one" | "many"): void {
  app.serviceBusTopic(`deliver-${target}`, {
    connection: "ServiceBus",
    topicName: entities.integrationEvents,
    subscriptionName: target,
    cardinality,
    handler: (input: unknown, context) => deliver(target, input, context),
  });
}

async function deliver(target: string, input: unknown, context: InvocationContext): Promise<void> {
  const { batches, engine, probe, serviceBus, targets } = await getAppOrHold();
  const lane = targets.get(target);
  // The host keeps the messages and brings them again: a wrong setting must lose nothing.
  if (lane === undefined) {
    const error = new Error(`no flow or no address for the target ${target}`);
    return holdThenThrow(systemClock, error);
  }
  const place = {
    name: context.functionName,
    entity: entities.integrationEvents,
    routing: { [routingProperty(target)]: "1" },
  };
  await runBatch(batches, place, readArrived(input, context), async (batch, signal) => {
    const probes = batch.map(({ body }) => body).filter(isProbeMessage);
    const unreadable = batch.filter(({ body }) => !isCanonicalEvent(body) && !isProbeMessage(body));
    if (unreadable.length > 0) {
      const letters = unreadable.map(({ body }) =>
        toUnreadableLetter(body, "UNREADABLE_MESSAGE", `found in the subscription ${target}`),
      );
      await serviceBus.sender.send(deadLettersEntity, letters);
    }
    const wakeUps = toWakeUps(target, batch);
    if (wakeUps.length > 0) await engine.process(lane, wakeUps, signal);
    for (const message of probes) await probe.run(message, signal);
  });
}

function toWakeUps(target: string, batch: readonly Arrived[]): readonly WakeUp<CanonicalEvent>[] {
  return batch.flatMap(({ body, deliveryCount }) =>
    isCanonicalEvent(body)
      ? [{ ...toDeliveryWakeUp(target, body), isRedelivered: deliveryCount !== 1 }]
      : [],
  );
}
