import type { ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";

export interface Received {
  readonly message: ServiceBusReceivedMessage;
  /** Epoch ms of its arrival, when its lock was new. */
  readonly at: number;
}

/** Of a lock's minutes so little that no batch misses it; a batch usually takes a second or two. */
const freshMs = 10_000;

/**
 * Those whose locks are new enough for a whole batch. The genuine host fetches a batch when it begins; here messages
 * come while the batch before is under way, for minutes when a system is slow, and an app that counts on a new lock
 * would work for nothing. One whose lock is gone is left out: Service Bus has given it out again or will. It is
 * settled all the same: one that never is stands before all later ones in the client's buffer of 2,048.
 */
export async function keepLocked(
  receiver: Pick<ServiceBusReceiver, "renewMessageLock" | "abandonMessage">,
  received: readonly Received[],
  now: number,
): Promise<readonly ServiceBusReceivedMessage[]> {
  const kept = await Promise.all(
    received.map(async ({ message, at }) => {
      if (now - at < freshMs) return [message];
      try {
        await receiver.renewMessageLock(message);
        return [message];
      } catch {
        await receiver.abandonMessage(message).catch(() => undefined);
        return [];
      }
    }),
  );
  return kept.flat();
}
