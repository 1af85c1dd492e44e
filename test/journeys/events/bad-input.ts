import { beforeAll, describe, expect, it } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { salesInvoicePosted } from "../../support/business-event.ts";
import { eventually } from "../../support/eventually.ts";
import type { LedgerRow } from "../../support/journey-world.ts";
import { everywhere, failuresAbout, local } from "./one-azure.ts";

const nowhere = { ce: 0, crm: 0, email: 0 };

const early = { number: "JRN-EARLY-1", eventId: "", retrying: undefined as LedgerRow | undefined };

// Before the tests and not in its own: it is tried again after 10 s ± 20 %, in which the others run.
beforeAll(async () => {
  const { world } = local;
  const { number } = early;
  const date = new Date().toISOString().slice(0, 10);
  const { eventId, text } = toBusinessEvent({
    InvoiceId: number,
    InvoiceDate: `/Date(${Date.parse(date)})/`,
    SalesOrderId: "SO-EARLY",
  });
  await world.sendToQueue(text);
  early.eventId = eventId;
  early.retrying = await eventually(async () => {
    const { intake } = await world.ledger(eventId);
    if (intake?.code !== "SOURCE_NOT_FOUND") throw new Error(`it is ${intake?.code ?? "unknown"}`);
    return intake;
  });
  await world.post({ number, date, customer: "US-001", door: "https" });
});

/** A business event as F&O writes it, raised now; about nothing that F&O has. */
function toBusinessEvent(changes: object = {}): {
  readonly eventId: string;
  readonly text: string;
} {
  const eventId = randomUUID();
  const event = {
    ...salesInvoicePosted,
    EventTimeIso8601: new Date().toISOString(),
    EventId: eventId.toUpperCase(),
    ...changes,
  };
  return { eventId, text: JSON.stringify(event) };
}

/** A good event through the same queue, behind whatever was sent before: that has been looked at then. */
async function expectNextOneIsTaken(): Promise<void> {
  const { world } = local;
  const { eventId } = await world.post({ customer: "US-001", door: "https", wait: true });
  await eventually(async () => expect((await world.states(eventId))["intake"]).toBe("published"));
}

describe("the HTTPS door", () => {
  it.each([
    {
      what: "malformed JSON",
      change: (text: string) => ({ body: text.slice(0, -1), headers: {} }),
      status: 400,
      code: "MALFORMED_EVENT",
    },
    {
      what: "JSON that is no business event",
      change: (text: string) => ({ body: JSON.stringify({ note: text }), headers: {} }),
      status: 400,
      code: "MALFORMED_EVENT",
    },
    {
      what: "another content type",
      change: (text: string) => ({ body: text, headers: { "content-type": "text/plain" } }),
      status: 415,
      code: "WRONG_CONTENT_TYPE",
    },
    {
      what: "a body over the limit",
      change: (text: string) => ({ body: text + " ".repeat(262_144), headers: {} }),
      status: 413,
      code: "BODY_TOO_LARGE",
    },
  ])("refuses $what with $status and a clear error, and queues nothing", async (sample) => {
    const { world } = local;
    const { eventId, text } = toBusinessEvent();
    const { body, headers } = sample.change(text);
    const answer = await world.knock(body, headers);
    expect(answer.status).toBe(sample.status);
    expect(answer.contentType).toContain("application/json");
    expect(answer.body).toEqual({
      error: { code: sample.code, message: expect.stringMatching(/\w+ \w+ \w+/) },
    });
    expect(await world.underWay(eventId.toUpperCase())).toBe(0);
    await expectNextOneIsTaken();
    expect(await world.ledger(eventId)).toEqual({});
    expect(await failuresAbout(eventId.toUpperCase())).toEqual([]);
  });

  it.each([
    { what: "without a key", headers: { "x-functions-key": "" } },
    { what: "with a wrong key", headers: { "x-functions-key": "guessed" } },
  ])("lets nobody in $what", async ({ headers }) => {
    const { world } = local;
    const { eventId, text } = toBusinessEvent();
    expect((await world.knock(text, headers)).status).toBe(401);
    await expectNextOneIsTaken();
    expect(await world.ledger(eventId)).toEqual({});
  });

  it("acknowledges the endpoint test event, as the other doors do, and does nothing", async () => {
    const { world } = local;
    const { eventId, sendings } = await world.sendTestEvent();
    expect(sendings.map(({ state }) => state)).toEqual(["sent", "sent", "sent"]);
    await eventually(async () =>
      expect(await testsTold(eventId)).toEqual(["door", "intake", "intake"]),
    );
    await eventually(async () => expect(await world.underWay(eventId)).toBe(0));
    expect(await world.ledger(eventId)).toEqual({});
    expect(await failuresAbout(eventId)).toEqual([]);
  });
});

/** Who told of the test message, as `causeway doctor` asks for it. */
async function testsTold(eventId: string): Promise<readonly string[]> {
  const { baseUrl } = local.world.environment.monitor;
  const response = await fetch(`${baseUrl}/telemetry?table=customEvents&name=endpointTest`);
  const { rows } = (await response.json()) as {
    readonly rows: readonly { readonly customDimensions: Readonly<Record<string, string>> }[];
  };
  return rows
    .map(({ customDimensions }) => customDimensions)
    .filter((told) => told["eventId"] === eventId.toLowerCase())
    .map((told) => told["name"] ?? "")
    .sort();
}

describe("an event that cannot become a delivery", () => {
  it("is one visible failure UNKNOWN_EVENT when no flow takes it", async () => {
    const { world } = local;
    const { eventId, text } = toBusinessEvent({
      BusinessEventId: "VendorPaymentPostedBusinessEvent",
    });
    expect((await world.knock(text)).status).toBe(202);
    await world.sendToQueue(text);
    await eventually(async () =>
      expect(await failuresAbout(eventId)).toMatchObject([
        {
          code: "UNKNOWN_EVENT",
          owner: "integration",
          fixIn: "flow",
          stage: "intake",
          status: "open",
        },
      ]),
    );
    await eventually(async () => expect(await world.underWay(eventId.toUpperCase())).toBe(0));
    const failures = await failuresAbout(eventId);
    expect(failures).toHaveLength(1);
    expect(findEvent(failures[0]?.body ?? "")).toBe(text);
    expect(await world.states(eventId)).toEqual({ intake: "failed" });
  });

  it("is one visible failure MALFORMED_EVENT with its body untouched when it is no JSON", async () => {
    const { world } = local;
    const text = `{"BusinessEventId": "SalesInvoicePostedBusinessEvent", ${randomUUID()}`;
    await world.sendToQueue(text);
    await eventually(async () =>
      expect(await failuresAbout(text)).toMatchObject([
        { code: "MALFORMED_EVENT", owner: "finance", fixIn: "F&O", status: "open", body: text },
      ]),
    );
  });

  it("is tried again while F&O does not show its document, and goes out once it does", async () => {
    const { world } = local;
    const { eventId, number, retrying } = early;
    expect(retrying).toMatchObject({ state: "received", code: "SOURCE_NOT_FOUND" });
    await eventually(async () => expect(await world.states(eventId)).toEqual(everywhere));
    expect(await world.effects(number)).toEqual({ ce: 1, crm: 1, email: 1 });
    expect(await failuresAbout(eventId)).toEqual([]);
  });

  it("is the failure SOURCE_MISMATCH without any effect when another document has its number", async () => {
    const { world } = local;
    const number = "JRN-OTHER-1";
    // F&O cannot be read while its document is changed under the event.
    await world.setFault("finance", { status: 429, retryAfter: 1 });
    const { eventId } = await world.post({ number, customer: "US-001", door: "eventGrid" });
    await world.changeInvoice("usmf", number, { InvoiceCustomerAccountNumber: "US-002" });
    await world.setFault("finance", null);
    await eventually(async () =>
      expect(await failuresAbout(eventId)).toMatchObject([
        { code: "SOURCE_MISMATCH", owner: "finance", fixIn: "F&O", target: "intake" },
      ]),
    );
    expect(await world.states(eventId)).toEqual({ intake: "failed" });
    await eventually(async () => expect(await world.underWay(eventId)).toBe(0));
    expect(await world.effects(number)).toEqual(nowhere);
  });
});

/** The business event that a failure keeps: as it came, or inside our own envelope. */
function findEvent(body: string): string {
  const parsed = JSON.parse(body) as { readonly data?: unknown };
  if (!("data" in parsed)) return body;
  return typeof parsed.data === "string" ? parsed.data : JSON.stringify(parsed.data);
}
