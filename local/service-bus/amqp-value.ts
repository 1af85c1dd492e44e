import rhea from "rhea";

/** What filters and people see of an encoded AMQP value; nested and exotic types read as null. */
export type AmqpValue = string | number | bigint | boolean | null | Date | Buffer;

/**
 * Walks over encoded AMQP values. Far quicker than a general decoder because it can skip a value
 * without building it: most of a message is never looked at by a broker.
 */
export class AmqpReader {
  readonly buffer: Buffer;
  position: number;

  constructor(buffer: Buffer, position = 0) {
    this.buffer = buffer;
    this.position = position;
  }

  /** Moves behind the next value. */
  skip(): void {
    const code = this.#byte();
    if (code === 0) {
      this.skip();
      this.skip();
      return;
    }
    const size = widthOf(code) ?? this.#size(code);
    this.position += size;
    if (this.position > this.buffer.length) throw new RangeError("An AMQP value is cut short.");
  }

  read(): AmqpValue {
    const start = this.position;
    const code = this.buffer[start];
    this.skip();
    if (code === undefined || code === 0) return null;
    return widthOf(code) === undefined
      ? readVariable(this.buffer, code, start, this.position)
      : readFixed(this.buffer, code, start + 1);
  }

  /** Reads a list's or map's head and answers its count of items and where it ends. */
  enter(): { readonly count: number; readonly end: number } {
    const code = this.#byte();
    if (code === 0x45) return { count: 0, end: this.position };
    const size = this.#size(code);
    const end = this.position + size;
    if (end > this.buffer.length) throw new RangeError("An AMQP list or map is cut short.");
    const count = (code & 0xf0) === 0xc0 ? this.#byte() : this.#uint();
    return { count, end };
  }

  #byte(): number {
    const value = this.buffer[this.position];
    if (value === undefined) throw new RangeError("An AMQP value is cut short.");
    this.position += 1;
    return value;
  }

  #uint(): number {
    const value = this.buffer.readUInt32BE(this.position);
    this.position += 4;
    return value;
  }

  #size(code: number): number {
    const high = code >> 4;
    if (high === 0xa || high === 0xc || high === 0xe) return this.#byte();
    if (high === 0xb || high === 0xd || high === 0xf) return this.#uint();
    throw new RangeError(`Unknown AMQP type code 0x${code.toString(16)}.`);
  }
}

/** Bytes behind the type code, or undefined where a size follows. */
function widthOf(code: number): number | undefined {
  switch (code >> 4) {
    case 0x4:
      return 0;
    case 0x5:
      return 1;
    case 0x6:
      return 2;
    case 0x7:
      return 4;
    case 0x8:
      return 8;
    case 0x9:
      return 16;
    default:
      return undefined;
  }
}

function readVariable(buffer: Buffer, code: number, start: number, end: number): AmqpValue {
  const from = start + ((code >> 4) % 2 === 0 ? 2 : 5);
  switch (code) {
    case 0xa1:
    case 0xb1:
      return buffer.toString("utf8", from, end);
    case 0xa3:
    case 0xb3:
      return buffer.toString("latin1", from, end);
    case 0xa0:
    case 0xb0:
      return buffer.subarray(from, end);
    default:
      return null;
  }
}

const fixedReaders: Readonly<Record<number, (buffer: Buffer, at: number) => AmqpValue>> = {
  0x41: () => true,
  0x42: () => false,
  0x43: () => 0,
  0x44: () => 0,
  0x50: (buffer, at) => buffer.readUInt8(at),
  0x51: (buffer, at) => buffer.readInt8(at),
  0x52: (buffer, at) => buffer.readUInt8(at),
  0x53: (buffer, at) => buffer.readUInt8(at),
  0x54: (buffer, at) => buffer.readInt8(at),
  0x55: (buffer, at) => buffer.readInt8(at),
  0x56: (buffer, at) => buffer.readUInt8(at) === 1,
  0x60: (buffer, at) => buffer.readUInt16BE(at),
  0x61: (buffer, at) => buffer.readInt16BE(at),
  0x70: (buffer, at) => buffer.readUInt32BE(at),
  0x71: (buffer, at) => buffer.readInt32BE(at),
  0x72: (buffer, at) => buffer.readFloatBE(at),
  0x73: (buffer, at) => String.fromCodePoint(buffer.readUInt32BE(at)),
  0x80: (buffer, at) => toSafeNumber(buffer.readBigUInt64BE(at)),
  0x81: (buffer, at) => toSafeNumber(buffer.readBigInt64BE(at)),
  0x82: (buffer, at) => buffer.readDoubleBE(at),
  0x83: (buffer, at) => new Date(Number(buffer.readBigInt64BE(at))),
  0x98: (buffer, at) => toUuidText(buffer.subarray(at, at + 16)),
};

function readFixed(buffer: Buffer, code: number, at: number): AmqpValue {
  return fixedReaders[code]?.(buffer, at) ?? null;
}

function toSafeNumber(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value;
}

/** 16 bytes in the order of the text. */
export function toUuidText(bytes: Buffer): string {
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Encodes a value as a client of rhea would: numbers become the smallest type that holds them. */
export function encodeAmqpValue(value: unknown): Buffer {
  if (typeof value === "bigint") return encodeLong(value);
  const writer = new rheaTypes.Writer();
  writer.write(rheaTypes.wrap(value));
  return Buffer.from(writer.toBuffer());
}

function encodeLong(value: bigint): Buffer {
  const encoded = Buffer.alloc(9);
  encoded[0] = 0x81;
  encoded.writeBigInt64BE(value, 1);
  return encoded;
}

/** rhea's own declarations leave the reader and the writer out of its `types` object. */
interface RheaTypes {
  wrap(value: unknown): unknown;
  readonly Writer: new () => { write(value: unknown): void; toBuffer(): Buffer };
}

const rheaTypes = rhea.types as unknown as RheaTypes;
