import { ServiceBusClient } from "@azure/service-bus";

const batchSize = 1_000;
/** Of one send: a message of the tier Standard, and so a batch of them, has at most 256 KB. */
const sendSize = 200;
const bodyBytes = 600;
/** A message that does not come within this time does not come at all. */
const waitMs = 10_000;

/**
 * Messages a second that a bare loop receives and completes on the same broker: what the client, the
 * wire and the broker cost when nothing is done with a message.
 */
export async function runBareLoop(
  connectionString: string,
  queue: string,
  count: number,
): Promise<number> {
  const client = new ServiceBusClient(connectionString);
  try {
    const sender = client.createSender(queue);
    const body = Buffer.alloc(bodyBytes, "x");
    for (let sent = 0; sent < count; sent += sendSize) {
      await sender.sendMessages(
        Array.from({ length: Math.min(sendSize, count - sent) }, () => ({ body })),
      );
    }
    const receiver = client.createReceiver(queue, { skipParsingBodyAsJson: true });
    const beganAt = performance.now();
    let received = 0;
    while (received < count) {
      const messages = await receiver.receiveMessages(batchSize, { maxWaitTimeInMs: waitMs });
      if (messages.length === 0) throw new Error(`The bare loop got ${received} of ${count}.`);
      await Promise.all(messages.map((message) => receiver.completeMessage(message)));
      received += messages.length;
    }
    return count / ((performance.now() - beganAt) / 1000);
  } finally {
    await client.close();
  }
}
