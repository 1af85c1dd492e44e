import { describe, expect, it } from "@jest/globals";
import {
  createCeTargetFixture,
  invoiceEvent,
  invoiceLines,
} from "../../../../support/ce-target-fixture.ts";

describe("the CE target when Dataverse fails", () => {
  it("takes paid invoices for delivered when they say the same and refuses them otherwise", async () => {
    const fixture = await createCeTargetFixture();
    await fixture.deliver(invoiceEvent(1));
    const id = String(fixture.rows("invoice")[0]?.["invoiceid"]);
    await fixture.call("PATCH", `invoices(${id})`, { statecode: 2, statuscode: 100001 });

    const [same] = await fixture.deliver(invoiceEvent(1));
    const [other] = await fixture.deliver(invoiceEvent(1, { total: "1.00" }));

    expect(same).toMatchObject({ kind: "delivered", reference: id });
    expect(other).toMatchObject({ kind: "reject", code: "CE_ROW_CLOSED" });
  });

  it("sees that an invoice was paid while it was being written", async () => {
    const fixture = await createCeTargetFixture();
    await fixture.deliver(invoiceEvent(1));
    const id = String(fixture.rows("invoice")[0]?.["invoiceid"]);
    fixture.faultOf = async ({ method }) => {
      const paid = { statecode: 2, statuscode: 100001 };
      if (method === "POST") await fixture.call("PATCH", `invoices(${id})`, paid);
      return undefined;
    };

    const [outcome] = await fixture.deliver(invoiceEvent(1, { total: "1.00" }));

    expect(outcome).toMatchObject({ kind: "reject", code: "CE_ROW_CLOSED" });
  });

  it("tries again when somebody else created the row meanwhile", async () => {
    const fixture = await createCeTargetFixture();
    const path = "invoices(cwy_key='3b241101-e2bb-5255-8caf-000000000001')";
    fixture.faultOf = async ({ method }) => {
      if (method === "POST") await fixture.call("PATCH", path, { name: "Somebody's" });
      return undefined;
    };

    // One that failed before: it is looked for before it is written.
    const [first] = await fixture.deliverAgain(invoiceEvent(1));
    const [second] = await fixture.deliverAgain(invoiceEvent(1));

    expect(first).toMatchObject({ kind: "retry", code: "CE_TEMPORARY" });
    expect(second?.kind).toBe("delivered");
    expect(fixture.rows("invoice")).toMatchObject([{ name: "CIV-1", cwy_total: 1083 }]);
  });

  it("never writes over a row that it has not seen", async () => {
    const fixture = await createCeTargetFixture();
    const path = "invoices(cwy_key='3b241101-e2bb-5255-8caf-000000000001')";
    await fixture.call("PATCH", path, { name: "Somebody's" });

    const [other, own] = await fixture.deliver(invoiceEvent(2), invoiceEvent(1));

    expect([other?.kind, own?.kind]).toEqual(["delivered", "delivered"]);
    expect(fixture.requests.filter(({ path: called }) => called === "$batch")).toHaveLength(2);
    expect(fixture.rows("invoice")).toHaveLength(2);
  });

  it("forgets a customer that was deleted", async () => {
    const fixture = await createCeTargetFixture();
    await fixture.deliver(invoiceEvent(1));
    const id = String(fixture.rows("account")[0]?.["accountid"]);
    await fixture.call("DELETE", `accounts(${id})`);

    const [first] = await fixture.deliver(invoiceEvent(2));
    const [second] = await fixture.deliver(invoiceEvent(2));

    expect(first).toMatchObject({ kind: "retry", code: "CE_RECORD_GONE" });
    expect(second).toMatchObject({ kind: "wait", code: "CE_CUSTOMER_MISSING" });
  });

  it("passes a throttled request's Retry-After on for every invoice", async () => {
    const fixture = await createCeTargetFixture();
    fixture.faultOf = ({ method }) =>
      method === "POST" ? { status: 429, retryAfter: "17" } : undefined;

    const outcomes = await fixture.deliver(invoiceEvent(1), invoiceEvent(2));

    expect(outcomes).toMatchObject([
      { kind: "retry", code: "CE_THROTTLED", afterMs: 17_000 },
      { kind: "retry", code: "CE_THROTTLED", afterMs: 17_000 },
    ]);
  });

  it.each([
    [503, "CE_UNREACHABLE", true],
    [401, "CE_DENIED", true],
    [403, "CE_DENIED", true],
  ])("calls it an outage when Dataverse answers %d", async (status, code, unreachable) => {
    const fixture = await createCeTargetFixture();
    fixture.faultOf = () => ({ status });

    const [outcome] = await fixture.deliver(invoiceEvent(1));

    expect(outcome).toMatchObject({ kind: "retry", code, unreachable });
  });

  it("calls it an outage when lookups get no answer", async () => {
    const fixture = await createCeTargetFixture();
    fixture.faultOf = ({ method }) => (method === "GET" ? "lost" : undefined);

    const outcomes = await fixture.deliver(invoiceEvent(1), invoiceEvent(2));

    const away = { kind: "retry", code: "CE_UNREACHABLE", unreachable: true };
    expect(outcomes).toMatchObject([away, away]);
  });

  it("calls it an outage when neither a first write nor the look after it gets an answer", async () => {
    const fixture = await createCeTargetFixture();
    await fixture.deliver(invoiceEvent(1));
    const before = fixture.requests.length;
    fixture.faultOf = () => "lost";

    // Lookups are remembered: the first request writes.
    const [outcome] = await fixture.deliver(invoiceEvent(1, { total: "1.00" }));

    expect(outcome).toMatchObject({ kind: "retry", code: "CE_UNREACHABLE", unreachable: true });
    expect(fixture.requests.slice(before).map(({ method }) => method)).toEqual(["POST", "GET"]);
  });

  it("refuses only the invoice whose own lookup CE refuses", async () => {
    const fixture = await createCeTargetFixture();
    fixture.faultOf = () => {
      const isBad = fixture.requests.at(-1)?.path.includes("US-BAD") === true;
      return isBad ? { status: 400 } : undefined;
    };
    const customer = { account: "US-BAD", orderAccount: "US-BAD", name: "Bad", email: null };

    const outcomes = await fixture.deliver(
      invoiceEvent(1),
      invoiceEvent(2, { customer }),
      invoiceEvent(3),
    );

    expect(outcomes.map((outcome) => outcome?.kind)).toEqual(["delivered", "reject", "delivered"]);
    expect(outcomes[1]).toMatchObject({ code: "CE_REJECTED" });
  });

  it("asks no more when CE is away while it looks for the wrong lookup", async () => {
    const fixture = await createCeTargetFixture();
    fixture.faultOf = () => (fixture.requests.length === 1 ? { status: 400 } : { status: 503 });

    const outcomes = await fixture.deliver(invoiceEvent(1), invoiceEvent(2), invoiceEvent(3));

    const away = { kind: "retry", code: "CE_UNREACHABLE", unreachable: true };
    expect(outcomes).toMatchObject([away, away, away]);
    expect(fixture.requests).toHaveLength(2);
  });

  it("does not write again what an unanswered request had written", async () => {
    const fixture = await createCeTargetFixture();
    let batches = 0;
    fixture.faultOf = ({ method }) =>
      method === "POST" && (batches += 1) === 1 ? "unanswered" : undefined;

    const outcomes = await fixture.deliver(invoiceEvent(1), invoiceEvent(2), invoiceEvent(3));

    expect(outcomes.map((outcome) => outcome?.kind)).toEqual([
      "delivered",
      "delivered",
      "delivered",
    ]);
    expect(batches).toBe(1);
    expect(fixture.rows("invoice")).toHaveLength(3);
  });

  it("halves a request that times out until its parts get through", async () => {
    const fixture = await createCeTargetFixture();
    const events = Array.from({ length: 8 }, (_, index) => invoiceEvent(index));
    fixture.faultOf = ({ method, body }) =>
      method === "POST" && body.split("PATCH ").length - 1 > 4 ? "lost" : undefined;

    const outcomes = await fixture.deliver(...events);

    expect(outcomes.map((outcome) => outcome?.kind)).toEqual(Array(8).fill("delivered"));
    expect(fixture.rows("invoice")).toHaveLength(8);
  });

  it("pages an invoice that does not fit any more since requests became smaller", async () => {
    const fixture = await createCeTargetFixture({}, { rowsPerRequest: 40 });
    let batches = 0;
    fixture.faultOf = ({ method }) =>
      method === "POST" && (batches += 1) === 1 ? "lost" : undefined;

    const outcomes = await fixture.deliver(
      invoiceEvent(1, { lines: invoiceLines(30) }),
      invoiceEvent(2, { lines: invoiceLines(30) }),
    );

    expect(outcomes).toMatchObject([{ code: "CE_TIMEOUT" }, { kind: "delivered" }]);
    // In one request the second page would be carried out whatever becomes of the first.
    expect(batches).toBe(3);
  });

  it("asks for another try when a single invoice gets no answer", async () => {
    const fixture = await createCeTargetFixture();
    fixture.faultOf = ({ method }) => (method === "POST" ? "lost" : undefined);

    const [outcome] = await fixture.deliver(invoiceEvent(1));

    expect(outcome).toMatchObject({ kind: "retry", code: "CE_TIMEOUT" });
  });

  it("tries invoices one by one when their request fails again as a whole", async () => {
    const fixture = await createCeTargetFixture();
    fixture.faultOf = ({ method, body }) =>
      method === "POST" && body.includes("CIV-2") ? { status: 500 } : undefined;
    const events = [invoiceEvent(1), invoiceEvent(2), invoiceEvent(3)];

    const first = await fixture.deliver(...events);
    const second = await fixture.deliverAgain(...events);

    expect(first.map((outcome) => outcome?.kind)).toEqual(["retry", "retry", "retry"]);
    expect(second.map((outcome) => outcome?.kind)).toEqual(["delivered", "retry", "delivered"]);
  });

  it("says that our columns are missing rather than blaming the invoice", async () => {
    const fixture = await createCeTargetFixture({}, { installed: false });

    const [outcome] = await fixture.deliver(invoiceEvent(1));

    expect(outcome).toMatchObject({ kind: "retry", code: "CE_NOT_INSTALLED" });
  });

  it("leaves what the time did not reach without an outcome", async () => {
    const fixture = await createCeTargetFixture();

    const outcomes = await fixture.deliverAborted(invoiceEvent(1), invoiceEvent(2));

    expect(outcomes).toEqual([null, null]);
    expect(fixture.rows("invoice")).toEqual([]);
  });
});
