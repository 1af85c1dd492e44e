import { describe, expect, it } from "@jest/globals";
import { findJourneys } from "../../functions/src/operator/reads/find-journeys.ts";
import type { JourneySearch } from "../../functions/src/operator/reads/find-journeys.ts";
import { listJourneys } from "../../functions/src/operator/reads/list-journeys.ts";
import { readFlows } from "../../functions/src/operator/reads/read-flows.ts";
import { readJourney } from "../../functions/src/operator/reads/read-journey.ts";
import { readOverview } from "../../functions/src/operator/reads/read-overview.ts";
import { readActivity } from "../../functions/src/operator/reads/read-recent.ts";
import { RecentOutcomes } from "../../functions/src/operator/reads/recent-outcomes.ts";
import { readTargets } from "../../functions/src/operator/reads/read-targets.ts";
import { sampleInvoices } from "../../functions/src/operator/reads/sample-documents.ts";
import { sendSample } from "../../functions/src/operator/reads/send-sample.ts";
import { tryMapping } from "../../functions/src/operator/reads/try-mapping.ts";
import { createSchemaSet } from "../../functions/src/flows/schema-set.ts";
import { silentTelemetry } from "../../functions/src/platform/telemetry.ts";
import { DeliveryWorld, startOfTime } from "../support/delivery-world.ts";
import { numberedEvent } from "../support/numbered-event.ts";
import { readsOver } from "../support/reads-world.ts";

const minuteMs = 60_000;
const noLimits = () => ({ lastMinute: {}, dataverse: null });

function recentOutcomesOf({ store, clock }: DeliveryWorld): RecentOutcomes {
  return new RecentOutcomes({ store, clock, telemetry: silentTelemetry, limits: noLimits });
}

const unmasked = (value: unknown): unknown => value;

async function worldWithEvents(count: number): Promise<DeliveryWorld> {
  const world = new DeliveryWorld();
  await world.accept(...Array.from({ length: count }, (_none, index) => numberedEvent(index + 1)));
  return world;
}

describe("finding a journey", () => {
  const search = async (
    text: string,
    by: JourneySearch["by"] = "number",
    more: Partial<JourneySearch> = {},
  ): Promise<readonly string[]> => {
    const on = await readsOver(await worldWithEvents(12));
    const { journeys } = await findJourneys(on, { by, text, limit: 50, ...more });
    return journeys.map(({ number }) => number);
  };

  it("finds the one invoice of a number, whatever its case", async () => {
    expect(await search("CIV-000007")).toEqual(["CIV-000007"]);
    expect(await search("civ-000007")).toEqual(["CIV-000007"]);
  });

  it("finds a document as every list shows it, with its company before its number", async () => {
    expect(await search("usmf/CIV-000007")).toEqual(["CIV-000007"]);
    expect(await search("USMF/civ-00001")).toHaveLength(3);
    expect(await search("demf/CIV-000007")).toEqual([]);
    expect(await search("usmf/")).toEqual([]);
  });

  it("finds by the beginning of a number, by customer and by event id", async () => {
    expect(await search("CIV-00001")).toHaveLength(3);
    expect(await search("US-001", "customer")).toHaveLength(12);
    expect(await search(numberedEvent(5).id.toUpperCase(), "eventId")).toEqual(["CIV-000005"]);
  });

  it("finds nothing for nonsense, and nothing of another company", async () => {
    for (const text of ["' or PartitionKey ne '", "%/\\?#|~", "\u0000", "x".repeat(2_000), "*"]) {
      expect(await search(text)).toEqual([]);
      expect(await search(text, "customer")).toEqual([]);
    }
    expect(await search("CIV-000007", "number", { legalEntity: "demf" })).toEqual([]);
  });

  it("goes on further back where it is told to", async () => {
    const on = await readsOver(await worldWithEvents(1));
    const first = await findJourneys(on, { by: "number", text: "CIV", limit: 50 });
    expect(first.journeys).toHaveLength(1);
    const next = await findJourneys(on, {
      by: "number",
      text: "CIV",
      limit: 50,
      continuation: first.continuation ?? "",
    });
    expect(next).toEqual({ journeys: [] });
  });

  it("lists a company's events by time", async () => {
    const on = await readsOver(await worldWithEvents(3));
    const range = { since: startOfTime - minuteMs, until: startOfTime, limit: 50 };
    const { journeys } = await listJourneys(on, range);
    expect(journeys.map(({ number }) => number).sort()).toEqual([
      "CIV-000001",
      "CIV-000002",
      "CIV-000003",
    ]);
    expect(journeys[0]).toMatchObject({
      legalEntity: "usmf",
      states: { intake: "accepted", ce: "pending" },
    });
    expect(await listJourneys(on, { ...range, legalEntity: "demf" })).toEqual({ journeys: [] });
    expect(await listJourneys(on, { ...range, since: startOfTime + minuteMs })).toEqual({
      journeys: [],
    });
  });
});

describe("one journey", () => {
  it("tells every delivery with its trail, and what was sent", async () => {
    const world = await worldWithEvents(1);
    world.target.answers = [{ kind: "retry", code: "CE_BUSY", reason: "busy", afterMs: 5_000 }];
    await world.settle();
    const on = await readsOver(world);
    const journey = await readJourney(on, { eventId: numberedEvent().id }, unmasked);
    expect(journey).toMatchObject({ number: "CIV-000001", legalEntity: "usmf" });
    expect(journey?.deliveries.map(({ target }) => target)).toEqual(["intake", "ce"]);
    expect(journey?.deliveries[1]).toMatchObject({ state: "delivered", attempts: 1, dueAt: null });
    expect(journey?.deliveries[1]?.trail.map(({ code }) => code)).toEqual(["CE_BUSY", null]);
    expect(journey?.body).toMatchObject({ data: { number: "CIV-000001" } });
  });

  it("has no delivery for what a replay sent in its place", async () => {
    const world = await worldWithEvents(1);
    const event = numberedEvent();
    await world.ledger.saveDeliveryBody(
      { eventId: event.id, time: event.time, target: "ce" },
      event,
    );
    const on = await readsOver(world);
    const journey = await readJourney(on, { eventId: event.id }, unmasked);
    expect(journey?.deliveries.map(({ target }) => target)).toEqual(["intake", "ce"]);
    const range = { since: startOfTime - minuteMs, until: startOfTime, limit: 50 };
    const { journeys } = await listJourneys(on, range);
    expect(journeys.map(({ states }) => states)).toEqual([{ intake: "accepted", ce: "pending" }]);
    const found = await findJourneys(on, { by: "eventId", text: event.id, limit: 1 });
    expect(found.journeys.map(({ states }) => states)).toEqual([
      { intake: "accepted", ce: "pending" },
    ]);
  });

  it("is undefined for an event that nobody knows", async () => {
    const on = await readsOver(await worldWithEvents(1));
    expect(await readJourney(on, { eventId: "nobody" }, unmasked)).toBeUndefined();
    const time = "2026-11-24T11:59:30.000Z";
    expect(await readJourney(on, { eventId: "nobody", time }, unmasked)).toBeUndefined();
  });
});

describe("the overview", () => {
  it("counts what was settled per minute, with its lag", async () => {
    const world = await worldWithEvents(3);
    const recent = recentOutcomesOf(world);
    await world.settle();
    recent.note([await world.row(numberedEvent(1)), await world.row(numberedEvent(2))]);
    await recent.flush();
    world.clock.advance(minuteMs);
    recent.note([await world.row(numberedEvent(3))]);
    await recent.flush();
    const overview = await readOverview(await readsOver(world));
    expect(overview.minutes).toHaveLength(60);
    expect(overview.minutes.slice(-2).map(({ steps }) => steps["ce"]?.settled)).toEqual([2, 1]);
    expect(overview.steps.find(({ name }) => name === "ce")).toMatchObject({
      perMinute: 3 / 5,
      lag: { medianMs: 30_000 },
      health: "fine",
    });
  });

  it("puts what needs a person in order: outage, failures, pause", async () => {
    const world = await worldWithEvents(1);
    await world.gates().report("crm", { kind: "unreachable", probeAt: null }, false);
    const pause = { at: startOfTime, by: "Ada", reason: "upgrade" };
    await world.gates().setPause("ce", pause);
    const failure = {
      group: "g",
      target: "email",
      code: "MAIL_REJECTED",
      meaning: "",
      owner: "masterData",
      fixIn: "mail",
      count: 4,
      isAtLeast: false,
      since: startOfTime,
    };
    const { attention, steps } = await readOverview(await readsOver(world, [failure]));
    expect(attention.map(({ kind }) => kind)).toEqual(["outage", "failures", "paused"]);
    expect(steps.map(({ name, health }) => [name, health])).toEqual([
      ["intake", "fine"],
      ["ce", "paused"],
      ["crm", "outage"],
      ["email", "fine"],
    ]);
    expect(steps[3]?.openFailures).toBe(4);
  });

  it("calls a step behind when something waits for 15 minutes without a reason", async () => {
    const world = await worldWithEvents(2);
    world.clock.advance(16 * minuteMs);
    const { attention } = await readOverview(await readsOver(world));
    expect(attention).toEqual([
      { kind: "behind", target: "ce", since: numberedEvent().time, text: "2 waiting." },
    ]);
  });
});

describe("activity", () => {
  it("gives outcomes since a time, and where to go on", async () => {
    const world = await worldWithEvents(1);
    const recent = recentOutcomesOf(world);
    await world.settle();
    recent.note([await world.row()], new Map([[numberedEvent().id, "usmf/CIV-000001"]]));
    await recent.flush();
    const on = await readsOver(world);
    const first = await readActivity(on, { since: startOfTime - minuteMs, limit: 50 });
    expect(first.items).toMatchObject([
      { target: "ce", state: "delivered", subject: "usmf/CIV-000001", hop: 1 },
    ]);
    const next = await readActivity(on, { since: Date.parse(first.next), limit: 50 });
    expect(next.items).toEqual([]);
  });

  it("counts what is too much to keep one by one", async () => {
    const world = await worldWithEvents(1);
    const recent = recentOutcomesOf(world);
    const row = await world.row();
    recent.note(Array.from({ length: 450 }, () => row));
    await recent.flush();
    const answer = await readActivity(await readsOver(world), { since: 0, limit: 500 });
    expect(answer.items).toHaveLength(200);
    expect(answer.omitted).toBe(250);
  });

  it("never throws when the tables are away", async () => {
    const world = await worldWithEvents(1);
    const errors: Error[] = [];
    const store = {
      write: () => Promise.reject(new Error("away")),
      transaction: () => Promise.reject(new Error("away")),
    };
    const telemetry = { ...silentTelemetry, error: (error: Error) => void errors.push(error) };
    const { clock } = world;
    const recent = new RecentOutcomes({
      ...{ store: store as never, clock, telemetry, limits: noLimits },
    });
    recent.note([await world.row()]);
    await recent.flush();
    expect(errors[0]?.message).toBe("away");
  });
});

describe("targets and flows", () => {
  it("shows mode, gate and backlog of each target", async () => {
    const on = await readsOver(await worldWithEvents(2));
    const [intake, ce] = await readTargets(on);
    expect(intake).toMatchObject({ name: "intake", kind: "intake" });
    expect(ce).toMatchObject({ mode: "dryRun", backlog: { count: 2, isMore: false } });
  });

  it("shows each mapping as what is written and what it reads", async () => {
    const { flows } = readFlows(await readsOver(new DeliveryWorld()));
    const ce = flows[0]?.targets.find(({ name }) => name === "ce");
    const field = (to: string): unknown => ce?.mapping.find((each) => each.to === to);
    expect(field("name")).toMatchObject({ kind: "path", reads: ["number"] });
    expect(field("customerid")).toMatchObject({
      kind: "lookup",
      reads: ["customer.account"],
      detail: "account, then contact; not found: waits",
    });
    expect(field("discountamount")).toMatchObject({ kind: "expression", reads: ["discount"] });
    expect(field("invoice_details")).toMatchObject({
      reads: ["lines"],
      fields: expect.arrayContaining([expect.objectContaining({ reads: ["lines[].number"] })]),
    });
  });

  it("tries a mapping against a sample, and says what is wrong with a document", async () => {
    const on = await readsOver(new DeliveryWorld());
    const ce = on.flows[0]?.targets["ce"];
    if (ce === undefined) throw new Error("there is no target ce");
    const schemas = createSchemaSet();
    const tried = await tryMapping(ce, sampleInvoices["sales-invoice"], schemas);
    expect(tried).toMatchObject({
      kind: "tried",
      answer: { isWanted: true, record: { name: "CIV-000123", cwy_total: "1083.00" } },
    });
    const invalid = await tryMapping(ce, { number: 5 }, schemas);
    expect(invalid.kind).toBe("invalid");
  });

  it("sends a sample under new ids, about the invoice that is named", async () => {
    const world = new DeliveryWorld();
    const on = { sender: world.broker, clock: world.clock };
    const answer = await sendSample(on, { event: "sales-invoice", number: "CIV-1" });
    const sent = JSON.parse(world.broker.sent[0]?.message.body ?? "") as object;
    expect(sent).toMatchObject({ InvoiceId: "CIV-1", EventId: answer?.eventId.toUpperCase() });
    expect(await sendSample(on, { event: "nothing" })).toBeUndefined();
  });
});
