import { app } from "@azure/functions";
import type { InvocationContext } from "@azure/functions";
import { getAppOrHold } from "./get-app-or-hold.ts";
import { runBatch } from "../delivery/run-batch.ts";
import { entities } from "../platform/messages.ts";
import { recordFailures } from "../recovery/record-failure.ts";
import type { DeadLetter } from "../recovery/record-failure.ts";
import { alignedWith, readArrived } from "./read-arrived.ts";

app.serviceBusQueue("record-failure", {
  connection: "ServiceBus",
  queueName: entities.deadLetters,
  cardinality: "many",
  handler: async (input: unknown, context) => {
    const { batches, recovery } = await getAppOrHold();
    const place = { name: context.functionName, entity: entities.deadLetters, routing: {} };
    const arrived = readArrived(input, context);
    const letters = new Map(
      toLetters(
        arrived.map(({ body }) => body),
        context,
      ).map((letter, index) => [arrived[index], letter]),
    );
    await runBatch(batches, place, arrived, async (batch) => {
      await recordFailures(
        recovery,
        batch.flatMap((message) => letters.get(message) ?? []),
      );
    });
  },
});

/** Bodies with what the host says of them, as far as its arrays line up. */
function toLetters(bodies: readonly unknown[], context: InvocationContext): readonly DeadLetter[] {
  const metadata = context.triggerMetadata ?? {};
  const properties = alignedWith(bodies, metadata["applicationPropertiesArray"]);
  const sources = alignedWith(bodies, metadata["deadLetterSourceArray"]);
  return bodies.map((body, index) => {
    const own = properties[index];
    const source = sources[index];
    return {
      body,
      properties: typeof own === "object" && own !== null ? { ...own } : {},
      source: typeof source === "string" ? source : null,
    };
  });
}
