import { beforeAll, describe, expect, it } from "@jest/globals";
import { eventually } from "../../support/eventually.ts";
import type { LedgerRow } from "../../support/journey-world.ts";
import { everywhere, failuresAbout, local } from "./one-azure.ts";

const once = { ce: 1, crm: 1, email: 1 };

const late = { number: "JRN-WAIT-1", eventId: "", waiting: undefined as LedgerRow | undefined };

// Before the tests and not in its own: the first wait takes 20 s ± 20 %, in which the others run.
beforeAll(async () => {
  const { world } = local;
  const { number } = late;
  late.eventId = (await world.post({ number, customer: "US-003", door: "eventGrid" })).eventId;
  late.waiting = await eventually(async () => {
    const { ce } = await world.ledger(late.eventId);
    if (ce?.code !== "CE_CUSTOMER_MISSING") throw new Error(`it is ${ce?.code ?? "unknown"}`);
    return ce;
  });
  await world.addAccount("US-003", "Northwind Parts");
});

async function expectDelivered(eventId: string): Promise<void> {
  await eventually(async () => expect(await local.world.states(eventId)).toEqual(everywhere));
}

describe("a posted document", () => {
  it.each([
    {
      door: "eventGrid",
      post: { kind: "sales", company: "usmf", customer: "US-001", charges: 10, discount: 2.5 },
      number: "JRN-EG-1",
      // 3 × 19.99 = 59.97 and 1 × 0.05; 8.25 % of each, rounded: 4.95 and 0.00.
      total: 72.47,
      tax: 4.95,
      lines: [
        { lineitemnumber: 1, quantity: 3, cwy_amount: 59.97, cwy_tax: 4.95 },
        { lineitemnumber: 2, quantity: 1, cwy_amount: 0.05, cwy_tax: 0 },
      ],
      mail: { to: ["ap@contoso-retail.example"], total: "72.47 USD" },
    },
    {
      door: "https",
      post: { kind: "freeText", company: "demf", customer: "DE-001" },
      number: "JRN-HTTPS-1",
      // 19 %: 11.39 and 0.01.
      total: 71.42,
      tax: 11.4,
      lines: [
        { lineitemnumber: 1, quantity: 3, cwy_amount: 59.97, cwy_tax: 11.39 },
        { lineitemnumber: 2, quantity: 1, cwy_amount: 0.05, cwy_tax: 0.01 },
      ],
      mail: { to: ["rechnung@litware.example"], total: "71.42 EUR" },
    },
    {
      door: "serviceBus",
      post: { kind: "creditNote", company: "gbsi", customer: "GB-001" },
      number: "JRN-SB-1",
      // 20 %: 11.99 and 0.01, and everything is paid back.
      total: -72.02,
      tax: -12,
      lines: [
        { lineitemnumber: 1, quantity: -3, cwy_amount: -59.97, cwy_tax: -11.99 },
        { lineitemnumber: 2, quantity: -1, cwy_amount: -0.05, cwy_tax: -0.01 },
      ],
      mail: { to: ["ledger@wwi.example"], total: "-72.02 GBP" },
    },
  ])("sent to the $door door reaches CE, the CRM and the mailbox", async (sample) => {
    const { world } = local;
    const { door, number, total, tax, mail } = sample;
    const lines = [
      { product: "D0001", description: "Speaker", quantity: 3, unitPrice: 19.99 },
      { product: "T0004", description: "Screw", quantity: 1, unitPrice: 0.05 },
    ];
    const { eventId } = await world.post({ ...sample.post, number, door, lines });
    await expectDelivered(eventId);
    const [invoice] = await world.ceInvoices(number);
    expect(invoice).toMatchObject({ invoicenumber: number, cwy_total: total, cwy_tax: tax });
    const byNumber = [...(invoice?.invoice_details ?? [])].sort(
      (left, right) => left.lineitemnumber - right.lineitemnumber,
    );
    expect(byNumber).toMatchObject(sample.lines);
    expect(await world.crmInvoices(number)).toMatchObject([
      { Name: number, Company__c: sample.post.company, Total__c: total, Tax__c: tax },
    ]);
    const mails = await world.mails(number);
    expect(mails).toMatchObject([{ to: mail.to }]);
    expect(mails[0]?.html).toContain(mail.total);
    expect(await world.effects(number)).toEqual(once);
    expect(await failuresAbout(number)).toEqual([]);
  });

  it.each(["INV/2024#1?+%&", "O'Brien 7"])(
    "numbered %s arrives once everywhere",
    async (number) => {
      const { world } = local;
      const { eventId } = await world.post({ number, customer: "US-001", door: "eventGrid" });
      await expectDelivered(eventId);
      expect(await world.effects(number)).toEqual(once);
    },
  );
});

describe("amounts", () => {
  it.each([
    {
      what: "yen without decimals",
      post: { company: "jpmf", customer: "JP-001", number: "JRN-JPY-1" },
      // 10 %: 370.2 and 55.5 are 370 and 56.
      lines: [
        { product: "D0001", quantity: 3, unitPrice: 1234 },
        { product: "D0003", quantity: 1, unitPrice: 555 },
      ],
      ce: { cwy_total: 4683, cwy_tax: 426 },
      mail: ["4683 JPY", "426 JPY", ">3702<"],
    },
    {
      what: "dinars with three decimals",
      post: { company: "usmf", customer: "US-001", number: "JRN-KWD-1", currency: "KWD" },
      // 8.25 % of 3.702 and of 0.5: 0.305 and 0.041.
      lines: [
        { product: "D0001", quantity: 3, unitPrice: 1.234 },
        { product: "D0003", quantity: 1, unitPrice: 0.5 },
      ],
      ce: { cwy_total: 4.548, cwy_tax: 0.346 },
      mail: ["4.548 KWD", "0.346 KWD", ">0.500<"],
    },
  ])("are $what in CE, the CRM and the mail", async ({ post, lines, ce, mail }) => {
    const { world } = local;
    const { number } = post;
    const { eventId } = await world.post({ ...post, lines, door: "eventGrid" });
    await expectDelivered(eventId);
    expect(await world.ceInvoices(number)).toMatchObject([ce]);
    expect(await world.crmInvoices(number)).toMatchObject([
      { Total__c: ce.cwy_total, Tax__c: ce.cwy_tax },
    ]);
    const html = (await world.mails(number))[0]?.html ?? "";
    expect(mail.filter((text) => !html.includes(text))).toEqual([]);
  });
});

describe("events for one document", () => {
  it("have one effect per target when three doors bring the same event at once", async () => {
    const { world } = local;
    const number = "JRN-THREE-1";
    const door = ["eventGrid", "serviceBus", "https"];
    const { eventId } = await world.post({ number, customer: "US-001", door, wait: true });
    await expectDelivered(eventId);
    await expectNothingUnderWay(number);
    expect(await world.effects(number)).toEqual(once);
    expect(await failuresAbout(number)).toEqual([]);
  });

  it("have one effect per target when F&O sends the event again, as it was and under a new EventId", async () => {
    const { world } = local;
    const number = "JRN-AGAIN-1";
    const { eventId } = await world.post({ number, customer: "US-001", door: "https" });
    await expectDelivered(eventId);
    await world.resend({ eventId, door: "serviceBus" });
    const repaired = await world.resend({ eventId, newEventId: true });
    expect(repaired.eventId).not.toBe(eventId);
    await expectDelivered(repaired.eventId);
    await expectNothingUnderWay(number);
    const [first, second] = [await world.ledger(eventId), await world.ledger(repaired.eventId)];
    expect(referencesOf(second)).toEqual(referencesOf(first));
    expect(await world.effects(number)).toEqual(once);
    expect(await failuresAbout(number)).toEqual([]);
  });
});

describe("a target in trouble", () => {
  it("gets its documents when a throttling CE lets go, and delays nobody else", async () => {
    // 429 and not 503: after a 503 the gate asks once a minute, which is too long for a test.
    const { world } = local;
    const throttled = "JRN-429-1";
    await world.setFault("dataverse", { status: 429, retryAfter: 2 });
    const { eventId } = await world.post({ number: throttled, customer: "US-001" });
    await eventually(async () =>
      expect(await world.states(eventId)).toEqual({ ...everywhere, ce: "pending" }),
    );
    await world.setFault("dataverse", null);
    await expectDelivered(eventId);
    expect((await world.ledger(eventId))["ce"]?.attempts).toBe(1);
    expect(await world.effects(throttled)).toEqual(once);
    expect(await failuresAbout(throttled)).toEqual([]);
  });

  it("that lacks the customer waits for it without an attempt and heals when it appears", async () => {
    const { world } = local;
    const { number, eventId, waiting } = late;
    expect(waiting).toMatchObject({ state: "pending", attempts: 0, waits: "1" });
    expect(waiting?.missing).toContain("US-003");
    await expectDelivered(eventId);
    expect(await world.effects(number)).toEqual(once);
    expect(await failuresAbout(number)).toEqual([]);
  });
});

/** No message is on its way, waits or is scheduled for the document: what has not happened will not. */
async function expectNothingUnderWay(text: string): Promise<void> {
  await eventually(async () => expect(await local.world.underWay(text)).toBe(0));
}

function referencesOf(rows: Readonly<Record<string, LedgerRow>>): readonly string[] {
  return ["ce", "crm", "email"].map((target) => rows[target]?.reference ?? `none in ${target}`);
}
