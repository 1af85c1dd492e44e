import { randomUUID } from "node:crypto";

import {
  withApplicationProperties,
  withProperties,
  type PropertyField,
  type RawMessage,
} from "./raw-message.ts";

/** A message from a sender inside the local Azure (Event Grid), which has no AMQP connection. */
export interface InProcessMessage {
  readonly messageId?: string;
  readonly body: Buffer | string;
  readonly contentType?: string;
  readonly correlationId?: string;
  readonly subject?: string;
  readonly sessionId?: string;
  readonly to?: string;
  readonly replyTo?: string;
  readonly applicationProperties?: Readonly<Record<string, string | number | boolean>>;
  /** Milliseconds since 1970; in the future means scheduled. */
  readonly scheduledAtMs?: number;
  readonly timeToLiveMs?: number;
}

export function toRawFromInProcess(message: InProcessMessage): RawMessage {
  const body = typeof message.body === "string" ? Buffer.from(message.body, "utf8") : message.body;
  const head = Buffer.alloc(8);
  head.set([0x00, 0x53, 0x75, 0xb0]);
  head.writeUInt32BE(body.length, 4);
  const bare: RawMessage = {
    durable: false,
    priority: undefined,
    timeToLiveMs: message.timeToLiveMs,
    annotations: Buffer.alloc(0),
    annotationCount: 0,
    scheduledAtMs: message.scheduledAtMs,
    messageId: "",
    sessionId: undefined,
    bare: Buffer.concat([head, body]),
    propertiesEnd: 0,
    applicationPropertiesEnd: 0,
  };
  return withApplicationProperties(
    withProperties(bare, toPropertyFields(message)),
    message.applicationProperties ?? {},
  );
}

function toPropertyFields(message: InProcessMessage): Partial<Record<PropertyField, string>> {
  const names = ["contentType", "correlationId", "subject", "sessionId", "to", "replyTo"] as const;
  const fields: Partial<Record<PropertyField, string>> = {
    messageId: message.messageId ?? randomUUID().replaceAll("-", ""),
  };
  for (const name of names) {
    const value = message[name];
    if (value !== undefined) fields[name] = value;
  }
  return fields;
}
