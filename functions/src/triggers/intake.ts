import { app } from "@azure/functions";
import { getAppOrHold } from "./get-app-or-hold.ts";
import type { App } from "../compose.ts";
import type { WakeUp } from "../delivery/lane.ts";
import { runBatch } from "../delivery/run-batch.ts";
import type { Arrived } from "../delivery/run-batch.ts";
import {
  deadLettersEntity,
  isIntakeEnvelope,
  toFirstIntakeWakeUp,
  toIntakeWakeUp,
  toUnreadableLetter,
} from "../delivery/wake-up-messages.ts";
import { entities } from "../platform/messages.ts";
import type { OutgoingMessage } from "../platform/messages.ts";
import { readArrived } from "./read-arrived.ts";

app.serviceBusQueue("intake", {
  connection: "ServiceBus",
  queueName: entities.businessEvents,
  cardinality: "many",
  handler: async (input: unknown, context) => {
    const on = await getAppOrHold();
    const place = { name: context.functionName, entity: entities.businessEvents, routing: {} };
    await runBatch(on.batches, place, readArrived(input, context), async (batch, signal) => {
      const { wakeUps, unreadable } = sort(on, batch);
      if (unreadable.length > 0) await on.serviceBus.sender.send(deadLettersEntity, unreadable);
      await on.engine.process(on.intake, wakeUps, signal);
    });
  },
});

/** The endpoint test event is neither: it ends here, where `causeway doctor` sees it. */
function sort(
  on: App,
  batch: readonly Arrived[],
): { readonly wakeUps: readonly WakeUp<unknown>[]; readonly unreadable: OutgoingMessage[] } {
  const wakeUps: WakeUp<unknown>[] = [];
  const unreadable: OutgoingMessage[] = [];
  for (const { body } of batch) {
    if (isIntakeEnvelope(body)) {
      wakeUps.push(toIntakeWakeUp(body));
      continue;
    }
    const parsed = on.parse(body);
    if (parsed.kind === "test") {
      on.telemetry.event("endpointTest", { eventId: parsed.identity.eventId, name: "intake" });
    }
    if (parsed.kind === "invoice") wakeUps.push(toFirstIntakeWakeUp(parsed.event, body));
    if (parsed.kind !== "failure") continue;
    if (parsed.identity !== null) wakeUps.push(toFirstIntakeWakeUp(parsed.identity, body));
    else unreadable.push(toUnreadableLetter(body, parsed.code, parsed.reason));
  }
  return { wakeUps, unreadable };
}
