import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createSchemaSet } from "../../../../functions/src/flows/schema-set.ts";
import {
  parseBusinessEvent,
  type ParsedEvent,
} from "../../../../functions/src/intake/parse-business-event.ts";
import {
  freeTextInvoicePosted,
  salesInvoicePosted,
  withoutMembers,
} from "../../../support/business-event.ts";

const schemas = createSchemaSet();
const knownEvents = ["SalesInvoicePostedBusinessEvent", "CustFreeTextInvoicePostedBusinessEvent"];
const parse = (raw: unknown): ParsedEvent => parseBusinessEvent(raw, { schemas, knownEvents });

function invoiceOf(raw: unknown) {
  const parsed = parse(raw);
  if (parsed.kind !== "invoice") throw new Error(JSON.stringify(parsed));
  return parsed.event;
}

const text = JSON.stringify(salesInvoicePosted);
const eventGrid = (data: unknown): Record<string, unknown> => ({
  id: "7b1f0c52",
  eventType: "BusinessEvent",
  subject: "usmf",
  eventTime: "2024-06-14T08:30:25Z",
  dataVersion: "1.0",
  metadataVersion: "1",
  topic: "/subscriptions/x",
  data,
});
const dataverse = (parameters: unknown): Record<string, unknown> => ({
  CorrelationId: "3d0d6a5b-3e3c-4b7e-8a0b-0f3d4a6f2b11",
  MessageName: "cdm_SalesInvoicePosted",
  PrimaryEntityId: "00000000-0000-0000-0000-000000000000",
  OperationCreatedOn: "/Date(1718353825000+0000)/",
  InputParameters: parameters,
});
const attributes = Object.entries(salesInvoicePosted).map(([key, value]) => ({ key, value }));

describe("parseBusinessEvent", () => {
  it("reads the flat event", () => {
    expect(parse(salesInvoicePosted)).toEqual({
      kind: "invoice",
      event: {
        eventId: "0e6a1c9d-52b1-4c5e-8f10-6d1b7a94c3e2",
        businessEventId: "SalesInvoicePostedBusinessEvent",
        controlNumber: "5637612199",
        time: "2024-06-14T08:30:25.998Z",
        legalEntity: "usmf",
        door: null,
        kind: "sales",
        number: "CIV-000123",
        account: "US-001",
        date: "2024-06-14",
        dueDate: "2024-07-14",
        salesOrder: "000741",
      },
    });
  });

  it.each([
    ["text", text],
    ["text with a byte order mark", `\uFEFF${text}`],
    ["bytes", Buffer.from(text)],
    ["an Event Grid event with an object", eventGrid(salesInvoicePosted)],
    ["an Event Grid event with text, F&O's default", eventGrid(text)],
    ["a list of one Event Grid event", [eventGrid(text)]],
    ["an Event Grid event as text with text inside", JSON.stringify([eventGrid(text)])],
    [
      "a Dataverse message with the event as parameter",
      dataverse([{ key: "Body", value: salesInvoicePosted }]),
    ],
    ["a Dataverse message with text", dataverse([{ Key: "Payload", Value: text }])],
    ["a Dataverse message whose parameters are its members", dataverse(attributes)],
    [
      "a Dataverse message around an entity",
      dataverse([{ key: "Target", value: { Attributes: attributes } }]),
    ],
    [
      "a Dataverse message around an Event Grid event",
      dataverse([{ key: "Event", value: eventGrid(text) }]),
    ],
    [
      "an Event Grid event around a Dataverse message",
      eventGrid(JSON.stringify(dataverse(attributes))),
    ],
  ])("finds the event in %s", (_name, raw) => {
    expect(invoiceOf(raw)).toEqual(invoiceOf(salesInvoicePosted));
  });

  it("takes the door's name from the door's message", () => {
    expect(invoiceOf({ door: "uat", body: text }).door).toBe("uat");
  });

  it("reads a free-text invoice and an older event without the optional members", () => {
    const older = withoutMembers(
      { ...freeTextInvoicePosted, LegalEntity: "USMF", InvoiceDueDate: "/Date(-2208988800000)/" },
      "BusinessEventLegalEntity",
      "ContextRecordSubject",
      "EventTimeIso8601",
      "InitiatingUserAADObjectId",
      "ParentContextRecordSubjects",
    );
    expect(invoiceOf(older)).toMatchObject({
      kind: "freeText",
      legalEntity: "usmf",
      time: "2024-06-14T08:30:25.000Z",
      dueDate: null,
      salesOrder: null,
    });
  });

  it("takes the company from the envelope when the contract has none", () => {
    expect(invoiceOf(withoutMembers(salesInvoicePosted, "LegalEntity")).legalEntity).toBe("usmf");
  });

  it("keeps a ControlNumber beyond 2^53 exact when it is given text", () => {
    const big = text.replace("5637612199", "9007199254740993");
    expect(invoiceOf(big).controlNumber).toBe("9007199254740993");
    expect(invoiceOf(JSON.stringify([eventGrid(big)])).controlNumber).toBe("9007199254740993");
    const twice = big.replace("{", '{"ControlNumber": 9007199254740995,');
    expect(invoiceOf(twice).controlNumber).toBe("9007199254740993");
  });

  it("acknowledges F&O's endpoint test, whatever its number", () => {
    const test = text
      .replace("SalesInvoicePostedBusinessEvent", "BusinessEventsTestEndpointContract")
      .replace("5637612199", "-9223372036854775808");
    expect(parse(test)).toMatchObject({
      kind: "test",
      identity: { controlNumber: "-9223372036854775808" },
    });
    expect(parse(JSON.parse(test))).toMatchObject({ kind: "test" });
  });

  it("parks an event that no flow takes, and says which comes near", () => {
    const raw = { ...salesInvoicePosted, BusinessEventId: "SalesInvoicePostdBusinessEvent" };
    expect(parse(raw)).toMatchObject({
      kind: "failure",
      code: "UNKNOWN_EVENT",
      reason:
        'no flow takes SalesInvoicePostdBusinessEvent; did you mean "SalesInvoicePostedBusinessEvent"?',
      identity: { eventId: "0e6a1c9d-52b1-4c5e-8f10-6d1b7a94c3e2", legalEntity: "usmf" },
    });
  });

  it.each([
    ["no JSON", "{oops", "the body is not JSON"],
    ["nothing", null, "the body is not a JSON object"],
    ["another object", { hello: 1 }, "the body is no business event: BusinessEventId is missing"],
    [
      "two events",
      [eventGrid(text), eventGrid(text)],
      "the body is a list of 2 events; one was expected",
    ],
    ["an empty Dataverse message", dataverse([]), "the Dataverse message holds no business event"],
    ["no EventId", withoutMembers(salesInvoicePosted, "EventId"), "EventId is missing"],
    [
      "no company",
      withoutMembers(salesInvoicePosted, "LegalEntity", "BusinessEventLegalEntity"),
      "BusinessEventLegalEntity is missing",
    ],
    [
      "an impossible date",
      { ...salesInvoicePosted, InvoiceDate: "/Date(99999999999999999)/" },
      "InvoiceDate is no date",
    ],
    [
      "a fraction as number",
      { ...salesInvoicePosted, ControlNumber: 1.5 },
      "EventTime or ControlNumber is no time or no whole number",
    ],
    [
      "a number as InvoiceId",
      { ...salesInvoicePosted, InvoiceId: 123 },
      "InvoiceId must be string",
    ],
  ])("refuses %s with its reason", (_name, raw, reason) => {
    expect(parse(raw)).toMatchObject({ kind: "failure", code: "MALFORMED_EVENT", reason });
  });

  it("never throws and never repeats a value in its reason", () => {
    const wrapped = fc.letrec<{ any: unknown }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue(),
        fc.string(),
        fc.record({ data: tie("any"), eventType: fc.string() }),
        fc.record({
          InputParameters: fc.array(fc.record({ key: fc.string(), value: tie("any") })),
        }),
        tie("any").map((value) => JSON.stringify(value)),
      ),
    })).any;
    fc.assert(
      fc.property(wrapped, (raw) => expect(["failure", "invoice"]).toContain(parse(raw).kind)),
    );
    const secret = { ...salesInvoicePosted, InvoiceDate: "ap@contoso-retail.example" };
    expect(JSON.stringify(parse(secret))).not.toContain("ap@");
  });

  it("finds the same event however often it is wrapped as text", () => {
    const wraps = [
      eventGrid,
      (value: unknown) => [value],
      JSON.stringify,
      (value: unknown) => dataverse([{ key: "x", value }]),
    ];
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.array(fc.constantFrom(...wraps), { maxLength: 3 }),
        (number, layers) => {
          const raw = layers.reduce<unknown>((value, wrap) => wrap(value), {
            ...salesInvoicePosted,
            InvoiceId: number,
          });
          expect(invoiceOf(raw).number).toBe(number);
        },
      ),
    );
  });
});
