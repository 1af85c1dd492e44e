import type { RawMessage } from "./raw-message.ts";

/** What the broker writes on a message that it hands out. */
export interface Stamps {
  readonly deliveryCount: number;
  readonly sequenceNumber: number;
  readonly enqueuedSequenceNumber: number;
  readonly enqueuedAtMs: number;
  readonly timeToLiveMs: number | undefined;
  readonly lockedUntilMs: number | undefined;
  /** 0 active, 1 deferred, 2 scheduled. */
  readonly state: 0 | 1 | 2;
  readonly deadLetterSource: string | undefined;
}

const keys = {
  sequenceNumber: encodeSymbol("x-opt-sequence-number"),
  enqueuedSequenceNumber: encodeSymbol("x-opt-enqueue-sequence-number"),
  enqueuedTime: encodeSymbol("x-opt-enqueued-time"),
  lockedUntil: encodeSymbol("x-opt-locked-until"),
  state: encodeSymbol("x-opt-message-state"),
  deadLetterSource: encodeSymbol("x-opt-deadletter-source"),
} as const;

const long = 0x81;
const timestamp = 0x83;

/** Encodes a stored message as it goes out: new header and annotations, the rest as it came. */
export function toDeliveredBytes(raw: RawMessage, stamps: Stamps): Buffer {
  const annotations = encodeAnnotations(raw, stamps);
  return Buffer.concat([encodeHeader(raw, stamps), ...annotations, raw.bare]);
}

function encodeHeader(raw: RawMessage, stamps: Stamps): Buffer {
  const header = Buffer.allocUnsafe(20);
  header.set([0x00, 0x53, 0x70, 0xc0, 0, 5]);
  let at = 6;
  at = header.writeUInt8(raw.durable ? 0x41 : 0x42, at);
  if (raw.priority === undefined) at = header.writeUInt8(0x40, at);
  else {
    at = header.writeUInt8(0x50, at);
    at = header.writeUInt8(raw.priority, at);
  }
  if (stamps.timeToLiveMs === undefined) at = header.writeUInt8(0x40, at);
  else {
    at = header.writeUInt8(0x70, at);
    at = header.writeUInt32BE(Math.min(stamps.timeToLiveMs, 0xffffffff), at);
  }
  at = header.writeUInt8(0x42, at);
  at = header.writeUInt8(0x70, at);
  at = header.writeUInt32BE(stamps.deliveryCount, at);
  header[4] = at - 5;
  return header.subarray(0, at);
}

function encodeAnnotations(raw: RawMessage, stamps: Stamps): Buffer[] {
  const parts: Buffer[] = [
    keys.sequenceNumber,
    encodeEight(long, stamps.sequenceNumber),
    keys.enqueuedSequenceNumber,
    encodeEight(long, stamps.enqueuedSequenceNumber),
    keys.enqueuedTime,
    encodeEight(timestamp, stamps.enqueuedAtMs),
  ];
  if (stamps.lockedUntilMs !== undefined) {
    parts.push(keys.lockedUntil, encodeEight(timestamp, stamps.lockedUntilMs));
  }
  if (stamps.state !== 0) parts.push(keys.state, Buffer.from([0x54, stamps.state]));
  if (stamps.deadLetterSource !== undefined) {
    parts.push(keys.deadLetterSource, encodeString(stamps.deadLetterSource));
  }
  const count = parts.length + raw.annotationCount;
  if (raw.annotationCount > 0) parts.push(raw.annotations);
  const head = Buffer.allocUnsafe(12);
  head.set([0x00, 0x53, 0x72, 0xd1]);
  head.writeUInt32BE(
    parts.reduce((sum, part) => sum + part.length, 4),
    4,
  );
  head.writeUInt32BE(count, 8);
  return [head, ...parts];
}

/** Writes a non-negative integer below 2^53 as long or timestamp. */
function encodeEight(typeCode: number, value: number): Buffer {
  const encoded = Buffer.allocUnsafe(9);
  encoded[0] = typeCode;
  encoded.writeUInt32BE(Math.floor(value / 0x1_0000_0000), 1);
  encoded.writeUInt32BE(value % 0x1_0000_0000, 5);
  return encoded;
}

function encodeSymbol(text: string): Buffer {
  return Buffer.concat([Buffer.from([0xa3, text.length]), Buffer.from(text, "ascii")]);
}

function encodeString(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  const head = Buffer.allocUnsafe(5);
  head[0] = 0xb1;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}
