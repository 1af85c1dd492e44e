import { describe, expect, it } from "@jest/globals";
import rhea from "rhea";

import { toDeliveredBytes } from "../../../../local/service-bus/delivered-message.ts";
import {
  readApplicationProperties,
  readBody,
  readProperties,
  splitBatch,
  toRawMessage,
  withApplicationProperties,
  withProperties,
} from "../../../../local/service-bus/raw-message.ts";

/** The client's own codec, as the other side of the wire. */
interface Codec {
  encode(fields: object): Buffer;
  decode(bytes: Buffer): Readonly<Record<string, unknown>>;
  data_section(bytes: Buffer): object;
  data_sections(parts: readonly Buffer[]): object;
}

const { types } = rhea;
const message = rhea.message as unknown as Codec;

const stamps = {
  deliveryCount: 3,
  sequenceNumber: 2 ** 40,
  enqueuedSequenceNumber: 7,
  enqueuedAtMs: Date.UTC(2026, 0, 1),
  timeToLiveMs: 60_000,
  lockedUntilMs: Date.UTC(2026, 0, 2),
  state: 2,
  deadLetterSource: "topic/Subscriptions/ce",
} as const;

function encode(fields: object): Buffer {
  return message.encode({ body: message.data_section(Buffer.from("body")), ...fields });
}

describe("a raw message", () => {
  it("passes on properties, application properties and body byte for byte", () => {
    const fields = {
      message_id: "m",
      application_properties: {
        double: types.wrap_double(5),
        long: types.wrap_long(5),
        uuid: types.wrap_uuid(Buffer.alloc(16, 0xab)),
      },
      body: message.data_section(Buffer.from([0, 1, 2, 255])),
    };
    const bare = encode(fields);
    const raw = toRawMessage(encode({ ...fields, durable: true, priority: 9, ttl: 1000 }));
    expect(bare.subarray(-raw.bare.length).equals(raw.bare)).toBe(true);
    const delivered = toDeliveredBytes(raw, stamps);
    expect(delivered.subarray(-raw.bare.length).equals(raw.bare)).toBe(true);
    expect(raw).toMatchObject({ durable: true, priority: 9, timeToLiveMs: 1000, messageId: "m" });
  });

  it("is delivered with the broker's stamps and the sender's unknown annotations", () => {
    const sent = encode({
      message_annotations: {
        "x-opt-partition-key": "p",
        "x-mine": 4,
        "x-opt-sequence-number": 99,
      },
    });
    const delivered = message.decode(toDeliveredBytes(toRawMessage(sent), stamps));
    expect(delivered).toMatchObject({ delivery_count: 3, ttl: 60_000, first_acquirer: false });
    expect(delivered["message_annotations"]).toEqual({
      "x-opt-sequence-number": 1_099_511_627_776,
      "x-opt-enqueue-sequence-number": 7,
      "x-opt-enqueued-time": new Date("2026-01-01T00:00:00Z"),
      "x-opt-locked-until": new Date("2026-01-02T00:00:00Z"),
      "x-opt-message-state": 2,
      "x-opt-deadletter-source": "topic/Subscriptions/ce",
      "x-opt-partition-key": "p",
      "x-mine": 4,
    });
  });

  it("gets a message id of 32 hex digits when it has none", () => {
    const raw = toRawMessage(encode({}));
    expect(raw.messageId).toMatch(/^[0-9a-f]{32}$/);
    expect(readProperties(raw).messageId).toBe(raw.messageId);
    expect(readBody(raw).toString()).toBe("body");
  });

  it("changes only the application properties that it is told to", () => {
    const raw = toRawMessage(
      encode({ message_id: "m", application_properties: { keep: types.wrap_double(5), drop: 1 } }),
    );
    const changed = withApplicationProperties(raw, { drop: undefined, added: "é", big: 2n ** 60n });
    expect([...readApplicationProperties(changed)]).toEqual([
      ["keep", 5],
      ["added", "é"],
      ["big", 1_152_921_504_606_846_976n],
    ]);
    expect(changed.bare.includes(Buffer.from("82" + "4014000000000000", "hex"))).toBe(true);
    expect(readBody(changed).toString()).toBe("body");
    expect(message.decode(changed.bare)["message_id"]).toBe("m");
  });

  it("changes single fields of its properties", () => {
    const raw = toRawMessage(encode({ message_id: "m", correlation_id: "c" }));
    const changed = withProperties(raw, { subject: "s", correlationId: null, sessionId: "one" });
    expect(readProperties(changed)).toEqual({ messageId: "m", subject: "s", sessionId: "one" });
    expect(changed.sessionId).toBe("one");
  });

  it("comes out of a batch as it was put in", () => {
    const parts = [encode({ message_id: "1" }), encode({ message_id: "2" })];
    const envelope = message.encode({ message_id: "1", body: message.data_sections(parts) });
    expect(splitBatch(envelope)).toEqual(parts);
  });

  it("is refused when its bytes are none", () => {
    expect(() => toRawMessage(Buffer.from("hello"))).toThrow(
      "A message section has no descriptor.",
    );
    const cut = encode({ message_id: "m" }).subarray(0, -2);
    expect(() => toRawMessage(cut.subarray(0, 8))).toThrow(
      "The bytes sent are not an AMQP message.",
    );
  });
});
