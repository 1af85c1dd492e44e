import { randomUUID } from "node:crypto";

import { AmqpReader, encodeAmqpValue, type AmqpValue } from "./amqp-value.ts";
import { BrokerError } from "./broker-error.ts";

/**
 * A message as it was sent, cut at the border of what a broker may write. Header and annotations are
 * the broker's to write anew; `bare` (properties, application properties, body, footer) is passed on
 * byte for byte, so that types which a decoder would lose (5.0, long, uuid, described) arrive as sent.
 * Immutable: copies of one message in several subscriptions share it.
 */
export interface RawMessage {
  readonly durable: boolean;
  readonly priority: number | undefined;
  readonly timeToLiveMs: number | undefined;
  /** Encoded key and value pairs that the broker does not know or passes through. */
  readonly annotations: Buffer;
  readonly annotationCount: number;
  readonly scheduledAtMs: number | undefined;
  readonly messageId: string;
  readonly sessionId: string | undefined;
  readonly bare: Buffer;
  /** Where the section of application properties is in `bare`; empty where it would be. */
  readonly propertiesEnd: number;
  readonly applicationPropertiesEnd: number;
}

/** Fields of the properties section, by their position in it. */
const propertyFields = {
  messageId: 0,
  to: 2,
  subject: 3,
  replyTo: 4,
  correlationId: 5,
  contentType: 6,
  sessionId: 10,
  replyToSessionId: 12,
} as const;

export type PropertyField = keyof typeof propertyFields;

const section = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
} as const;

/** Annotations that only the broker writes; a client's are dropped. */
const brokerAnnotations: ReadonlySet<AmqpValue> = new Set([
  "x-opt-sequence-number",
  "x-opt-enqueue-sequence-number",
  "x-opt-enqueued-time",
  "x-opt-locked-until",
  "x-opt-message-state",
  "x-opt-deadletter-source",
]);

/** Takes an encoded message apart. A missing message id is given: the client cannot settle without. */
export function toRawMessage(encoded: Buffer): RawMessage {
  try {
    return parse(encoded);
  } catch (cause) {
    if (cause instanceof BrokerError) throw cause;
    throw new BrokerError("amqp:decode-error", "The bytes sent are not an AMQP message.", {
      cause,
    });
  }
}

interface Parsed {
  durable: boolean;
  priority: number | undefined;
  timeToLiveMs: number | undefined;
  annotations: readonly Buffer[];
  scheduledAtMs: number | undefined;
}

function parse(encoded: Buffer): RawMessage {
  const head: Parsed = {
    durable: false,
    priority: undefined,
    timeToLiveMs: undefined,
    annotations: [],
    scheduledAtMs: undefined,
  };
  const reader = new AmqpReader(encoded);
  let bareStart = encoded.length;
  while (reader.position < encoded.length) {
    const start = reader.position;
    const code = readSectionCode(reader);
    if (code >= section.properties) {
      bareStart = start;
      break;
    }
    if (code === section.header) readHeader(reader, head);
    else if (code === section.messageAnnotations) readAnnotations(reader, head);
    else reader.skip();
  }
  return toRaw(head, Buffer.from(encoded.subarray(bareStart)));
}

function toRaw(head: Parsed, bare: Buffer): RawMessage {
  const layout = scanBare(bare);
  const raw: RawMessage = {
    durable: head.durable,
    priority: head.priority,
    timeToLiveMs: head.timeToLiveMs,
    annotations: Buffer.concat(head.annotations),
    annotationCount: head.annotations.length * 2,
    scheduledAtMs: head.scheduledAtMs,
    bare,
    ...layout,
    messageId: layout.messageId ?? "",
  };
  if (layout.messageId !== undefined) return raw;
  return withProperties(raw, { messageId: randomUUID().replaceAll("-", "") });
}

/** Reads `00 <descriptor>` of a section and answers the descriptor's code. */
function readSectionCode(reader: AmqpReader): number {
  if (reader.buffer[reader.position] !== 0) {
    throw new BrokerError("amqp:decode-error", "A message section has no descriptor.");
  }
  reader.position += 1;
  const code = reader.read();
  if (typeof code !== "number" || code < section.header || code > 0x78) {
    throw new BrokerError("amqp:decode-error", `Unknown message section ${String(code)}.`);
  }
  return code;
}

function readHeader(reader: AmqpReader, head: Parsed): void {
  const { count, end } = reader.enter();
  const fields: AmqpValue[] = [];
  for (let index = 0; index < count; index += 1) fields.push(reader.read());
  reader.position = end;
  const [durable, priority, timeToLive] = fields;
  head.durable = durable === true;
  head.priority = typeof priority === "number" ? priority : undefined;
  head.timeToLiveMs = typeof timeToLive === "number" ? timeToLive : undefined;
}

function readAnnotations(reader: AmqpReader, head: Parsed): void {
  const { count, end } = reader.enter();
  const kept: Buffer[] = [];
  for (let index = 0; index < count; index += 2) {
    const start = reader.position;
    const key = reader.read();
    const value = reader.read();
    if (key === "x-opt-scheduled-enqueue-time" && value instanceof Date) {
      head.scheduledAtMs = value.getTime();
    }
    if (!brokerAnnotations.has(key)) {
      kept.push(Buffer.from(reader.buffer.subarray(start, reader.position)));
    }
  }
  reader.position = end;
  head.annotations = kept;
}

interface BareLayout {
  readonly messageId: string | undefined;
  readonly sessionId: string | undefined;
  readonly propertiesEnd: number;
  readonly applicationPropertiesEnd: number;
}

function scanBare(bare: Buffer): BareLayout {
  const reader = new AmqpReader(bare);
  let messageId: string | undefined;
  let sessionId: string | undefined;
  let propertiesEnd = 0;
  if (isSection(bare, 0, section.properties)) {
    readSectionCode(reader);
    const { count, end } = reader.enter();
    messageId = toText(count > propertyFields.messageId ? reader.read() : null);
    for (let index = 1; index < Math.min(count, propertyFields.sessionId); index += 1)
      reader.skip();
    if (count > propertyFields.sessionId) sessionId = toText(reader.read());
    reader.position = end;
    propertiesEnd = end;
  }
  let applicationPropertiesEnd = propertiesEnd;
  if (isSection(bare, propertiesEnd, section.applicationProperties)) {
    readSectionCode(reader);
    reader.skip();
    applicationPropertiesEnd = reader.position;
  }
  return { messageId, sessionId, propertiesEnd, applicationPropertiesEnd };
}

function isSection(bare: Buffer, at: number, code: number): boolean {
  if (bare[at] !== 0) return false;
  return new AmqpReader(bare, at + 1).read() === code;
}

function toText(value: AmqpValue): string | undefined {
  if (value === null) return undefined;
  return Buffer.isBuffer(value) ? value.toString("hex") : String(value);
}

/** The properties section's fields that are set. */
export function readProperties(raw: RawMessage): Partial<Record<PropertyField, string>> {
  const values = readPropertyList(raw);
  const result: Partial<Record<PropertyField, string>> = {};
  for (const [name, index] of Object.entries(propertyFields)) {
    const text = toText(values[index]?.value ?? null);
    if (text !== undefined) result[name as PropertyField] = text;
  }
  return result;
}

interface EncodedField {
  readonly bytes: Buffer;
  readonly value: AmqpValue;
}

function readPropertyList(raw: RawMessage): EncodedField[] {
  if (raw.propertiesEnd === 0) return [];
  const reader = new AmqpReader(raw.bare);
  readSectionCode(reader);
  const { count } = reader.enter();
  return Array.from({ length: count }, () => readField(reader));
}

function readField(reader: AmqpReader): EncodedField {
  const start = reader.position;
  const value = reader.read();
  return { bytes: reader.buffer.subarray(start, reader.position), value };
}

/** The message with fields of its properties section set; `null` clears one. */
export function withProperties(
  raw: RawMessage,
  changes: Partial<Record<PropertyField, string | null>>,
): RawMessage {
  const fields = readPropertyList(raw).map((field) => field.bytes);
  for (const [name, text] of Object.entries(changes)) {
    const index = propertyFields[name as PropertyField];
    while (fields.length <= index) fields.push(Buffer.from([0x40]));
    fields[index] = encodeAmqpValue(text);
  }
  const rest = raw.bare.subarray(raw.propertiesEnd);
  const bare = Buffer.concat([encodeSection(section.properties, 0xd0, fields), rest]);
  const layout = scanBare(bare);
  return { ...raw, bare, ...layout, messageId: layout.messageId ?? raw.messageId };
}

/** Application properties by name; values of nested types read as null. */
export function readApplicationProperties(raw: RawMessage): Map<string, AmqpValue> {
  const result = new Map<string, AmqpValue>();
  for (const [name, field] of readApplicationFields(raw)) result.set(name, field.value);
  return result;
}

function readApplicationFields(raw: RawMessage): Map<string, EncodedField> {
  const result = new Map<string, EncodedField>();
  if (raw.applicationPropertiesEnd === raw.propertiesEnd) return result;
  const reader = new AmqpReader(raw.bare, raw.propertiesEnd);
  readSectionCode(reader);
  const { count } = reader.enter();
  for (let index = 0; index < count; index += 2) {
    const key = reader.read();
    result.set(String(key), readField(reader));
  }
  return result;
}

/** The message with application properties set; `undefined` removes one. Others keep their bytes. */
export function withApplicationProperties(
  raw: RawMessage,
  changes: Readonly<Record<string, unknown>>,
): RawMessage {
  const names = Object.keys(changes);
  if (names.length === 0) return raw;
  const fields = new Map<string, Buffer>();
  for (const [name, field] of readApplicationFields(raw)) fields.set(name, field.bytes);
  for (const name of names) {
    if (changes[name] === undefined) fields.delete(name);
    else fields.set(name, encodeAmqpValue(changes[name]));
  }
  const pairs = [...fields].flatMap(([name, bytes]) => [encodeAmqpValue(name), bytes]);
  const encoded = encodeSection(section.applicationProperties, 0xd1, pairs);
  const bare = Buffer.concat([
    raw.bare.subarray(0, raw.propertiesEnd),
    encoded,
    raw.bare.subarray(raw.applicationPropertiesEnd),
  ]);
  return { ...raw, bare, applicationPropertiesEnd: raw.propertiesEnd + encoded.length };
}

function encodeSection(code: number, typeCode: 0xd0 | 0xd1, items: readonly Buffer[]): Buffer {
  const size = items.reduce((sum, item) => sum + item.length, 4);
  const head = Buffer.alloc(12);
  head.set([0x00, 0x53, code, typeCode]);
  head.writeUInt32BE(size, 4);
  head.writeUInt32BE(items.length, 8);
  return Buffer.concat([head, ...items]);
}

/** The bytes of the body's first data section; empty for other kinds of body. */
export function readBody(raw: RawMessage): Buffer {
  if (!isSection(raw.bare, raw.applicationPropertiesEnd, section.data)) return Buffer.alloc(0);
  const reader = new AmqpReader(raw.bare, raw.applicationPropertiesEnd);
  readSectionCode(reader);
  const body = reader.read();
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

/** The data sections of a batch's envelope: each is one encoded message. */
export function splitBatch(encoded: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  const reader = new AmqpReader(encoded);
  while (reader.position < encoded.length) {
    if (readSectionCode(reader) !== section.data) {
      reader.skip();
      continue;
    }
    const message = reader.read();
    if (Buffer.isBuffer(message)) messages.push(message);
  }
  return messages;
}
