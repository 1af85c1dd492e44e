import { describe, expect, it } from "@jest/globals";
import { createIntakeLedger } from "../../../../functions/src/delivery/intake-ledger.ts";
import { createDeliveryRow } from "../../../../functions/src/delivery/ledger-rows.ts";
import { Ledger } from "../../../../functions/src/delivery/ledger.ts";
import { createFinanceClient } from "../../../../functions/src/dynamics/finance-client.ts";
import { createSchemaSet } from "../../../../functions/src/flows/schema-set.ts";
import { toStableId } from "../../../../functions/src/platform/effect-key.ts";
import { createParser } from "../../../../functions/src/intake/create-parser.ts";
import { countPosted } from "../../../../functions/src/recovery/verify/count-posted.ts";
import { readPosted } from "../../../../functions/src/recovery/verify/read-sources.ts";
import type { PostedDocument } from "../../../../functions/src/recovery/verify/verification.ts";
import { createFinanceFixture } from "../../../support/finance-fixture.ts";
import { MemoryBodyStore } from "../../../support/memory-body-store.ts";
import { MemoryTableStore } from "../../../support/memory-table-store.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";
import { recordTelemetry } from "../../../support/recorded-telemetry.ts";

const minuteMs = 60_000;
const signal = new AbortController().signal;
const parse = createParser({
  schemas: createSchemaSet(),
  knownEvents: ["SalesInvoicePostedBusinessEvent"],
});

/** A simulated F&O, where it is 08:30, and a ledger into which only what a test says arrives. */
function createScene() {
  const fno = createFinanceFixture();
  const { clock } = fno;
  let isAway = false;
  const finance = createFinanceClient({
    baseUrl: "https://finance.example",
    http: async ({ url, headers }) => {
      if (isAway) return { status: 503, headers: { get: () => null }, body: "" };
      const { pathname, search } = new URL(url);
      const response = await fno.app.request(`${pathname}${search}`, { headers: headers ?? {} });
      return { status: response.status, headers: response.headers, body: await response.text() };
    },
    getToken: () => Promise.resolve("causeway"),
  });
  const store = new MemoryTableStore();
  const ledger = new Ledger({ store, bodies: new MemoryBodyStore(), clock });
  const recorded = recordTelemetry();
  const on = { finance, store, ledger, clock, parse, telemetry: recorded.telemetry };
  const documentOf = async (wanted: string): Promise<PostedDocument> => {
    const all = await readPosted(finance, 0, clock.now() + 1, signal);
    const found = all.find(({ number }) => number === wanted);
    if (found === undefined) throw new Error(`F&O has no ${wanted}`);
    return found;
  };
  return {
    ...recorded,
    clock,
    count: (isWatched: (company: string) => boolean = () => true) =>
      countPosted({ ...on, isServed: ({ legalEntity }) => isWatched(legalEntity) }),
    post: async (company: string, number: string) => {
      await fno.sim("POST", "/sim/post-invoice", { company, number });
      await clock.advance(1_000);
    },
    /** Its event is accepted. */
    arrive: async (number: string) => {
      const { effectKey, legalEntity, postedAt } = await documentOf(number);
      const id = `00000000-0000-4000-8000-${number.padStart(12, "0")}`;
      const time = new Date(postedAt).toISOString();
      const event = numberedEvent(1, {
        ...{ id, time, subject: `${legalEntity}/${number}`, effectkey: effectKey },
      });
      const targets = [{ name: "ce", initial: { state: "pending" as const } }];
      await createIntakeLedger(ledger, clock).accept([
        { event, targets, customerAccount: "US-001" },
      ]);
    },
    /** Its event is in the ledger, under its own id or a repair's; intake has not read F&O yet. */
    wait: async (repaired?: string) => {
      const sent = JSON.parse(fno.sent.at(-1)?.text ?? "") as Record<string, unknown>;
      const id =
        repaired === undefined
          ? sent["EventId"]
          : toStableId("repair", (await documentOf(repaired)).effectKey);
      const body = { ...sent, EventId: id };
      const parsed = parse(body);
      if (parsed.kind !== "invoice") throw new Error("F&O sent no invoice");
      const { eventId, time } = parsed.event;
      const start = { state: "received", acceptedAt: clock.now(), traceparent: "" } as const;
      const row = createDeliveryRow({ eventId, time, target: "intake" }, start);
      await ledger.insert([{ row, raw: JSON.stringify(body) }]);
    },
    setAway: () => {
      isAway = true;
    },
  };
}

describe("the count of what F&O posted", () => {
  it("says for each company and full hour of how many documents no event has come", async () => {
    const { arrive, clock, count, events, metrics, post } = createScene();
    await post("usmf", "101");
    await post("usmf", "102");
    await post("demf", "103");
    await arrive("101");
    await arrive("103");
    await clock.advance(65 * minuteMs);
    await count();

    expect(events).toEqual([
      {
        name: "posted",
        dimensions: { legalEntity: "usmf", hour: "2026-11-24T08:00:00.000Z" },
        measurements: { posted: 2, known: 1, missing: 1 },
      },
      {
        name: "posted",
        dimensions: { legalEntity: "demf", hour: "2026-11-24T08:00:00.000Z" },
        measurements: { posted: 1, known: 1, missing: 0 },
      },
      {
        name: "counted",
        dimensions: { result: "ok", code: "" },
        measurements: { posted: 3, missing: 1 },
      },
    ]);
    expect(metrics.map(({ name, value, dimensions }) => [name, value, dimensions])).toEqual([
      ["causeway.posted.missing", 1, { legalEntity: "usmf" }],
      ["causeway.posted.missing", 0, { legalEntity: "demf" }],
    ]);
  });

  it("leaves an hour alone until half an hour after its end", async () => {
    const { clock, count, events, post } = createScene();
    await post("usmf", "101");
    await clock.advance(58 * minuteMs);
    await count();
    expect(events.map(({ name }) => name)).toEqual(["counted"]);
    await clock.advance(2 * minuteMs);
    await count();
    expect(events.map(({ name }) => name)).toEqual(["counted", "posted", "counted"]);
  });

  it("counts an hour again, so that a late event heals it", async () => {
    const { arrive, clock, count, events, post } = createScene();
    await post("usmf", "101");
    await clock.advance(65 * minuteMs);
    await count();
    await arrive("101");
    await clock.advance(60 * minuteMs);
    await count();
    const told = events.filter(({ name }) => name === "posted");
    expect(told.map(({ measurements }) => measurements["missing"])).toEqual([1, 0]);
    expect(told.map(({ dimensions }) => dimensions["hour"])).toEqual([
      "2026-11-24T08:00:00.000Z",
      "2026-11-24T08:00:00.000Z",
    ]);
  });

  it("takes an event that intake has not enriched yet for one that has come", async () => {
    const { clock, count, events, post, wait } = createScene();
    await post("usmf", "101");
    await wait();
    await clock.advance(65 * minuteMs);
    await count();
    expect(events[0]?.measurements).toEqual({ posted: 1, known: 1, missing: 0 });
  });

  it("takes no repair that broke off before it accepted its event for one that has come", async () => {
    const { clock, count, events, post, wait } = createScene();
    await post("usmf", "101");
    await wait("101");
    await clock.advance(65 * minuteMs);
    await count();
    expect(events[0]?.measurements).toEqual({ posted: 1, known: 0, missing: 1 });
  });

  it("leaves companies out that no target takes documents of", async () => {
    const { clock, count, events, post } = createScene();
    await post("usmf", "101");
    await post("demf", "102");
    await clock.advance(65 * minuteMs);
    await count((company) => company === "demf");
    expect(events.map(({ dimensions }) => dimensions["legalEntity"])).toEqual(["demf", undefined]);
  });

  it("says that it could not count, and why", async () => {
    const { count, events, setAway } = createScene();
    setAway();
    await expect(count()).rejects.toThrow("FINANCE_UNREACHABLE");
    expect(events.map(({ dimensions }) => dimensions)).toEqual([
      { result: "failed", code: "FINANCE_UNREACHABLE" },
    ]);
  });
});
