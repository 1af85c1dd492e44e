import { describe, expect, it } from "@jest/globals";
import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import { keepLocked } from "../../../../local/functions-host/keep-locked.ts";

const beganAt = Date.parse("2026-03-01T10:00:00Z");

/** Renews every lock but those of `lost`. */
function createReceiver(lost: readonly string[] = []) {
  const renewed: string[] = [];
  const abandoned: string[] = [];
  return {
    renewed,
    abandoned,
    abandonMessage: (message: { readonly messageId?: unknown }): Promise<void> => {
      abandoned.push(String(message.messageId));
      return Promise.reject(new Error("MessageLockLost"));
    },
    renewMessageLock: (message: { readonly messageId?: unknown }): Promise<Date> => {
      const id = String(message.messageId);
      renewed.push(id);
      return lost.includes(id)
        ? Promise.reject(new Error("MessageLockLost"))
        : Promise.resolve(new Date(beganAt + 300_000));
    },
  };
}

const arrived = (messageId: string, secondsBefore: number) => ({
  message: { messageId } as ServiceBusReceivedMessage,
  at: beganAt - secondsBefore * 1_000,
});

describe("messages that waited for the batch before theirs", () => {
  it("are locked anew when they waited for long, and the others as they are", async () => {
    const receiver = createReceiver();

    const kept = await keepLocked(receiver, [arrived("new", 1), arrived("old", 200)], beganAt);

    expect(kept.map(({ messageId }) => messageId)).toEqual(["new", "old"]);
    expect(receiver.renewed).toEqual(["old"]);
  });

  it("are left out when their locks are gone, and settled", async () => {
    const receiver = createReceiver(["late"]);

    const kept = await keepLocked(receiver, [arrived("late", 310), arrived("old", 200)], beganAt);

    expect(kept.map(({ messageId }) => messageId)).toEqual(["old"]);
    expect(receiver.abandoned).toEqual(["late"]);
  });
});
