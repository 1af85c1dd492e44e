import { requireSize, type Broker } from "./broker.ts";
import { BrokerError } from "./broker-error.ts";
import { splitBatch, toRawMessage } from "./raw-message.ts";
import { batchFormat, keepRaw, type RheaContext, type RheaReceiver } from "./rhea-hooks.ts";

export interface IncomingLinkOptions {
  readonly broker: Broker;
  readonly entityPath: string;
}

/** A link on which a client sends: every transfer is accepted or rejected, none is left open. */
export function openIncomingLink(link: RheaReceiver, options: IncomingLinkOptions): void {
  const { broker, entityPath } = options;
  const entity = broker.requireEntity(entityPath);
  link.local.attach.max_message_size = broker.maxMessageBytesOf(entity);
  link.set_target({ address: entityPath });
  link.set_source({ address: link.source?.address ?? undefined });
  keepRaw(link);
  link.on("message", (context) => {
    try {
      receive(context, options);
      context.delivery.accept();
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      context.delivery.reject({ condition: error.condition, description: error.message });
    }
  });
}

function receive(context: RheaContext, options: IncomingLinkOptions): void {
  const { broker, entityPath } = options;
  const bytes = context.message;
  if (!Buffer.isBuffer(bytes)) throw new BrokerError("amqp:decode-error", "No bytes were sent.");
  // Looked up again: the entity's status and limits may have changed since the link was opened.
  const entity = broker.requireEntity(entityPath);
  requireSize(bytes.length, broker.maxMessageBytesOf(entity));
  const messages = context.format === batchFormat ? splitBatch(bytes) : [bytes];
  broker.accept(
    entityPath,
    messages.map((message) => ({ raw: toRawMessage(message), hops: 0 })),
  );
}
