import { join } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import type {
  AcceptItem,
  IntakeLedger,
  Publisher,
} from "../../../../functions/src/delivery/ledger-port.ts";
import { createFinanceClient } from "../../../../functions/src/dynamics/finance-client.ts";
import { loadFlows, type LoadedFlow } from "../../../../functions/src/flows/load-flows.ts";
import { createSchemaSet } from "../../../../functions/src/flows/schema-set.ts";
import { createIntakeTarget } from "../../../../functions/src/intake/intake-target.ts";
import type { Http } from "../../../../functions/src/platform/http.ts";
import type { DeliveryRequest, Outcome } from "../../../../functions/src/targets/target.ts";
import { appConfig } from "../../../support/app-config.ts";
import { freeTextInvoicePosted, salesInvoicePosted } from "../../../support/business-event.ts";
import {
  answer,
  freeTextInvoiceRows,
  salesInvoiceRows,
  scriptedFinance,
} from "../../../support/scripted-finance.ts";

const schemas = createSchemaSet();
const folder = join(import.meta.dirname, "../../../../flows");
let flows: readonly LoadedFlow[] = [];
beforeAll(async () => {
  flows = await loadFlows(folder, schemas);
});

const live = { mode: "live" } as const;
const mail = { ...live, allowedRecipientDomains: ["*"] } as const;
const allLive = { targets: { ce: live, crm: live, email: mail } };

/** The target with ports that write down what they were asked. */
function intake(http: Http, config = appConfig(allLive), known: readonly string[] = []) {
  const accepted: AcceptItem[] = [];
  const published: Parameters<Publisher["publish"]>[0][number][] = [];
  const ledger: IntakeLedger = {
    accept: (items) => {
      accepted.push(...items);
      return Promise.resolve(
        items.map(({ event, targets }) => ({
          eventId: event.id,
          event: known.includes(event.id) ? { ...event, subject: "as stored" } : event,
          result: known.includes(event.id) ? ("known" as const) : ("accepted" as const),
          openTargets: known.includes(event.id)
            ? ["email"]
            : targets.filter(({ initial }) => initial.state === "pending").map(({ name }) => name),
        })),
      );
    },
  };
  const publisher: Publisher = {
    publish: (events) => {
      published.push(...events);
      return Promise.resolve();
    },
  };
  const getToken = (): Promise<string> => Promise.resolve("t");
  const finance = createFinanceClient({ baseUrl: "https://fo.example", http, getToken });
  const now = Date.parse("2024-06-14T09:00:00Z");
  const clock = { now: () => now, sleep: () => Promise.resolve() };
  const target = createIntakeTarget({ finance, flows, schemas, config, ledger, publisher, clock });
  const deliver = (
    bodies: readonly unknown[],
    changes: Partial<DeliveryRequest<unknown>> = {},
    signal = new AbortController().signal,
  ): Promise<readonly (Outcome | null)[]> =>
    target.deliver(
      bodies.map((body) => ({ ...request, ...changes, body })),
      signal,
    );
  return { accepted, published, deliver };
}

const request = {
  eventId: "0e6a1c9d-52b1-4c5e-8f10-6d1b7a94c3e2",
  target: "intake",
  attempts: 0,
  hop: 0,
  generation: 0,
  memo: null,
  acceptedAt: 0,
  traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
};

describe("intake", () => {
  it("accepts and publishes an invoice for every target that wants it", async () => {
    const { accepted, published, deliver } = intake(scriptedFinance(salesInvoiceRows).http);
    expect(await deliver([JSON.stringify(salesInvoicePosted)])).toEqual([
      { kind: "delivered", reference: "usmf/CIV-000123" },
    ]);
    expect(accepted[0]?.customerAccount).toBe("US-001");
    expect(accepted[0]?.event).toMatchObject({
      id: "0e6a1c9d-52b1-4c5e-8f10-6d1b7a94c3e2",
      source: "/dynamics365/finance/main/usmf",
      subject: "usmf/CIV-000123",
      time: "2024-06-14T08:30:25.998Z",
      businesseventid: "SalesInvoicePostedBusinessEvent",
      flow: "invoice-posted",
      controlnumber: "5637612199",
      traceparent: request.traceparent,
      data: { total: "1250.50" },
    });
    expect(accepted[0]?.event.effectkey).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5/);
    expect(published.map(({ targets }) => targets)).toEqual([["ce", "crm", "email"]]);
    expect(schemas.problems("canonical/event.v1", accepted[0]?.event)).toEqual([]);
  });

  it("publishes what the ledger has, to what the ledger says is open", async () => {
    const { published, deliver } = intake(
      scriptedFinance(salesInvoiceRows).http,
      appConfig(allLive),
      [request.eventId],
    );
    await deliver([salesInvoicePosted]);
    expect(published).toMatchObject([{ event: { subject: "as stored" }, targets: ["email"] }]);
  });

  it("names the rule for every target that it skips, and publishes nothing then", async () => {
    const journal = salesInvoiceRows["CustInvoiceJourBiEntities"]?.[0] ?? {};
    const rows = {
      ...salesInvoiceRows,
      CustInvoiceJourBiEntities: [{ ...journal, InterCompanyPosted: "Yes" }],
    };
    const targets = { ce: { mode: "off" }, crm: live, email: mail } as const;
    const { accepted, published, deliver } = intake(
      scriptedFinance(rows).http,
      appConfig({ ...allLive, targets }),
    );
    expect(await deliver([salesInvoicePosted])).toMatchObject([{ kind: "delivered" }]);
    expect(accepted[0]?.targets).toEqual([
      { name: "ce", initial: { state: "skipped", rule: "TARGET_OFF" } },
      { name: "crm", initial: { state: "skipped", rule: "NOT_FOR_TARGET" } },
      { name: "email", initial: { state: "skipped", rule: "NOT_FOR_TARGET" } },
    ]);
    expect(published).toEqual([]);
  });

  it("says that F&O was not asked for what is no invoice event", async () => {
    const finance = scriptedFinance({});
    const outcomes = await intake(finance.http).deliver(["{oops"]);
    expect(outcomes).toMatchObject([{ kind: "reject", code: "MALFORMED_EVENT", asked: false }]);
    expect(finance.requests).toEqual([]);
  });

  it("answers each event of a batch for itself, in order", async () => {
    const rows = {
      ...salesInvoiceRows,
      ...freeTextInvoiceRows,
      CustInvoiceJourBiEntities: [
        ...(salesInvoiceRows["CustInvoiceJourBiEntities"] ?? []),
        ...(freeTextInvoiceRows["CustInvoiceJourBiEntities"] ?? []),
      ],
    };
    const { accepted, deliver } = intake(scriptedFinance(rows).http);
    const outcomes = await deliver([
      "{oops",
      salesInvoicePosted,
      { ...salesInvoicePosted, BusinessEventId: "Unheard" },
      freeTextInvoicePosted,
      {
        ...salesInvoicePosted,
        EventId: "11111111-1111-4111-8111-111111111111",
        InvoiceAccount: "US-009",
      },
      salesInvoicePosted,
    ]);
    expect(
      outcomes.map((outcome) =>
        outcome !== null && "code" in outcome ? outcome.code : outcome?.kind,
      ),
    ).toEqual([
      "MALFORMED_EVENT",
      "delivered",
      "UNKNOWN_EVENT",
      "delivered",
      "SOURCE_MISMATCH",
      "delivered",
    ]);
    // The same event twice in one batch is one event.
    expect(accepted.map(({ event }) => event.subject)).toEqual([
      "usmf/CIV-000123",
      "usmf/FTI-00000042",
    ]);
  });

  it("waits for a document that F&O does not show yet, and gives up after its tries", async () => {
    const { deliver } = intake(scriptedFinance({}).http);
    const code = "SOURCE_NOT_FOUND";
    const reason = "SalesInvoiceHeadersV2 has no row for the document";
    expect(await deliver([salesInvoicePosted])).toEqual([{ kind: "retry", code, reason }]);
    expect(await deliver([salesInvoicePosted], { attempts: 7 })).toEqual([
      { kind: "retry", code, reason },
    ]);
    expect(await deliver([salesInvoicePosted], { attempts: 8 })).toEqual([
      { kind: "reject", code, reason },
    ]);
  });

  it("hands F&O's outage and throttling to the gate", async () => {
    const outcomeOf = (status: number, headers = {}) =>
      intake(() => Promise.resolve(answer(status, "", headers))).deliver([salesInvoicePosted]);
    expect(await outcomeOf(503)).toMatchObject([
      { kind: "retry", code: "FINANCE_UNREACHABLE", unreachable: true },
    ]);
    expect(await outcomeOf(429, { "retry-after": "9" })).toMatchObject([
      { kind: "retry", code: "FINANCE_THROTTLED", afterMs: 9000 },
    ]);
    expect((await outcomeOf(429))[0]).not.toHaveProperty("unreachable");
  });

  it("asks an F&O that was away by one request, and by all at once when it answers again", async () => {
    const back = scriptedFinance(salesInvoiceRows);
    let isAway = true;
    let asked = 0;
    const { deliver } = intake((request) => {
      asked += 1;
      return isAway ? Promise.resolve(answer(503, "")) : back.http(request);
    });
    const countOf = async (): Promise<number> => {
      asked = 0;
      await deliver([salesInvoicePosted]);
      return asked;
    };
    expect(await countOf()).toBe(3);
    expect(await countOf()).toBe(1);
    expect(await countOf()).toBe(1);
    isAway = false;
    expect(await countOf()).toBe(3);
  });

  it("refuses what makes no valid event, and says which member", async () => {
    const header = salesInvoiceRows["SalesInvoiceHeadersV2"]?.[0] ?? {};
    const rows = { ...salesInvoiceRows, SalesInvoiceHeadersV2: [{ ...header, CurrencyCode: "" }] };
    const journal = { ...salesInvoiceRows["CustInvoiceJourBiEntities"]?.[0], CurrencyCode: "" };
    const { deliver } = intake(
      scriptedFinance({ ...rows, CustInvoiceJourBiEntities: [journal] }).http,
    );
    expect(await deliver([salesInvoicePosted])).toEqual([
      {
        kind: "reject",
        code: "SOURCE_INVALID",
        reason:
          'what F&O returned makes no valid event: data.currency must match pattern "^[A-Z]{3}$"',
      },
    ]);
  });

  it("leaves everything for later when it is told to stop", async () => {
    const stop = new AbortController();
    const http: Http = (call) => {
      stop.abort();
      return scriptedFinance(salesInvoiceRows).http(call);
    };
    const { accepted, deliver } = intake(http);
    expect(await deliver([salesInvoicePosted], {}, stop.signal)).toEqual([null]);
    expect(accepted).toEqual([]);
  });
});
