import { describe, expect, it } from "@jest/globals";
import {
  toBatchTrigger,
  toSingleTrigger,
} from "../../../../local/functions-host/service-bus-data.ts";
import type { ReceivedMessage } from "../../../../local/functions-host/service-bus-data.ts";

const aMessage = (change: Partial<ReceivedMessage> = {}): ReceivedMessage => ({
  body: Buffer.from('{"a":1}'),
  messageId: "m1",
  lockToken: "4a9b2e4e-6ee5-4b9e-a3cb-4cb2d8f1a0aa",
  deliveryCount: 0,
  enqueuedTimeUtc: new Date("2026-11-24T08:00:00.120Z"),
  expiresAtUtc: new Date("2026-12-08T08:00:00.000Z"),
  ...change,
});

describe("a single Service Bus message", () => {
  it("is handed over as text with the names and kinds of the genuine host", () => {
    const { input, triggerMetadata } = toSingleTrigger(
      aMessage({ subject: "s", applicationProperties: { TenantId: "t" } }),
    );
    expect(input).toEqual({ string: '{"a":1}' });
    expect(triggerMetadata).toMatchObject({
      MessageId: { string: "m1" },
      Subject: { string: "s" },
      Label: { string: "s" },
      DeliveryCount: { json: "1" },
      ApplicationProperties: { json: '{"TenantId":"t"}' },
      UserProperties: { json: '{"TenantId":"t"}' },
      EnqueuedTimeUtc: { json: '"2026-11-24T08:00:00.12"' },
      EnqueuedTime: { json: '"2026-11-24T08:00:00.12+00:00"' },
      ExpiresAtUtc: { json: '"2026-12-08T08:00:00"' },
    });
  });

  it("has no key for what the message does not carry", () => {
    expect(toSingleTrigger(aMessage()).triggerMetadata).not.toHaveProperty("CorrelationId");
  });

  it("lets the members of its body override its metadata, ignoring case", () => {
    const body = Buffer.from(
      '{"messageid":"other","count":2,"flag":true,"subject":null,"tags":[1]}',
    );
    const { triggerMetadata } = toSingleTrigger(aMessage({ subject: "s", body }));
    expect(triggerMetadata["MessageId"]).toEqual({ string: "other" });
    expect(triggerMetadata["count"]).toEqual({ string: "2" });
    expect(triggerMetadata["flag"]).toEqual({ string: "True" });
    expect(triggerMetadata).not.toHaveProperty("Subject");
    expect(triggerMetadata["Label"]).toEqual({ string: "s" });
    expect(triggerMetadata).not.toHaveProperty("tags");
  });
});

describe("a batch of Service Bus messages", () => {
  it("loses empty bodies and missing ids, so that indexes do not line up", () => {
    const { input, triggerMetadata } = toBatchTrigger([
      aMessage({ correlationId: "c1" }),
      aMessage({ body: Buffer.alloc(0), messageId: "m2" }),
      aMessage({ messageId: "m3" }),
    ]);
    expect(input.collectionString?.string).toEqual(['{"a":1}', '{"a":1}']);
    expect(triggerMetadata["MessageIdArray"]?.collectionString?.string).toEqual(["m1", "m2", "m3"]);
    expect(triggerMetadata["CorrelationIdArray"]?.collectionString?.string).toEqual(["c1"]);
    expect(triggerMetadata["DeliveryCountArray"]).toEqual({ json: "[1,1,1]" });
  });

  it("carries sequence numbers as 64-bit objects", () => {
    const sequenceNumber = { toString: () => "9007199254740993" } as never;
    const { triggerMetadata } = toBatchTrigger([aMessage({ sequenceNumber })]);
    expect(triggerMetadata["SequenceNumberArray"]?.collectionSint64?.sint64).toEqual([
      { low: 1, high: 2097152, unsigned: false },
    ]);
  });
});
