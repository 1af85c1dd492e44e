import { entities } from "../platform/messages.ts";
import type { Sender } from "../platform/messages.ts";
import type { Publisher } from "./ledger-port.ts";
import { toFirstMessage } from "./wake-up-messages.ts";

export function createPublisher(sender: Sender, maxMessageBytes: number): Publisher {
  return {
    publish: (events) =>
      sender.send(
        entities.integrationEvents,
        events.map(({ event, targets }) => toFirstMessage(event, targets, maxMessageBytes)),
      ),
  };
}
