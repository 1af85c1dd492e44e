import { createHash } from "node:crypto";
import { describe, expect, it } from "@jest/globals";
import { createLogAlerts } from "../../../infra/monitoring/alert-rules.ts";
import { toTraceId } from "../../../functions/src/platform/trace.ts";
import type { TelemetryRow } from "../../../local/monitor/telemetry-row.ts";
import { eventually } from "../../support/eventually.ts";
import { findUnanswered } from "../../support/find-unanswered.ts";
import { dimensionOf, linksOf, readTelemetry, readTrace } from "../../support/read-trace.ts";
import type { Trace } from "../../support/read-trace.ts";
import { runCauseway } from "../../support/run-causeway.ts";
import { local } from "./one-azure.ts";

const customerName = "Contoso Retail";
/** Of an invoice that goes to all targets. */
const everyHop = new Set([
  "F&O > deliver intake",
  "deliver intake > deliver ce",
  "deliver intake > deliver crm",
  "deliver crm > call crm workflow",
  "deliver intake > deliver email",
  "deliver email > call email workflow",
  // The mail service takes a mail first and says later that it sent it.
  "deliver intake > confirm email",
  "confirm email > call email workflow",
]);

const read = (query: string): Promise<readonly TelemetryRow[]> =>
  readTelemetry(local.environment.monitor.baseUrl, query);
const traceOf = (eventId: string): Promise<Trace> =>
  readTrace(local.environment.monitor.baseUrl, eventId);

describe("one invoice's way in the collector", () => {
  it("is one trace: every hop once, each below the one that caused it", async () => {
    const { world } = local;
    const { number, eventId } = await world.post({
      number: "JRN-TRACE-1",
      customer: "US-001",
      door: "eventGrid",
    });
    await eventually(async () => {
      expect(await world.effects(number)).toEqual({ ce: 1, crm: 1, email: 1 });
    });
    const operationId = toTraceId(eventId);
    await eventually(async () => {
      const { ways } = await traceOf(eventId);
      expect(new Set(ways)).toEqual(everyHop);
      // Only the mail is asked for more than once, until it was sent.
      const once = ways.filter((way) => !way.includes("confirm"));
      expect(once).toHaveLength(6);
    });
    // Its last rows may still be under way: the mail's effect is seen before its run and its ledger say so.
    await eventually(async () => {
      const runs = await read("table=AzureDiagnostics");
      const own = runs.filter(
        (run) => run["correlation_clientTrackingId_s"] === eventId.toLowerCase(),
      );
      expect(new Set(own.map((run) => run["resource_workflowName_s"])).size).toBe(2);
      const states = await read(`operationId=${operationId}&name=delivery`);
      expect(
        states.map(
          (row) => `${String(dimensionOf(row, "target"))} ${String(dimensionOf(row, "state"))}`,
        ),
      ).toEqual(
        expect.arrayContaining([
          "intake published",
          "ce delivered",
          "crm delivered",
          "email delivered",
        ]),
      );
    });
  });

  it("goes on over a failure and its replay, whose try is linked to the one before", async () => {
    const { world } = local;
    await world.setFault("dataverse", { status: 400 });
    const { number, eventId } = await world.post({
      number: "JRN-TRACE-2",
      customer: "US-001",
      door: "https",
    });
    await eventually(async () => {
      const failed = (await world.failures()).filter(
        ({ eventId: id }) => id === eventId.toLowerCase(),
      );
      expect(failed.map(({ target }) => target)).toEqual(["ce"]);
    });
    await world.setFault("dataverse", null);
    const { exitCode } = await runCauseway(local.folder, [
      ...["replay", "--target", "ce", "--key", number, "--yes", "--follow"],
    ]);
    expect(exitCode).toBe(0);
    await eventually(async () => {
      expect(await world.effects(number)).toEqual({ ce: 1, crm: 1, email: 1 });
      const { events, hops, ways } = await traceOf(eventId);
      const tries = hops.filter(({ name }) => name === "deliver ce");
      expect(tries.map(({ success }) => success)).toEqual([false, true]);
      expect(linksOf(tries[1])).toEqual([tries[0]?.["id"]]);
      expect(ways.filter((way) => way === "deliver intake > deliver ce")).toHaveLength(2);
      expect(ways.filter((way) => way.startsWith("lost"))).toEqual([]);
      const story = events
        .filter((row) => dimensionOf(row, "target") === "ce")
        .map((row) => [row.name, dimensionOf(row, "state")].join(" ").trim());
      expect(story).toEqual(["delivery failed", "failure", "replayed", "delivery delivered"]);
    });
  });

  it("goes on over the claim check of a body that is too large for a message", async () => {
    const { world } = local;
    // 190 lines of 1,500 characters: over the 256 KB of a message.
    const lines = Array.from({ length: 190 }, (_each, index) => ({
      description: createHash("sha512").update(String(index)).digest("hex").repeat(12),
      quantity: 1,
      unitPrice: 1,
    }));
    const { number, eventId } = await world.post({
      ...{ number: "JRN-TRACE-3", customer: "US-001", door: "serviceBus", lines },
    });
    await eventually(async () => {
      // The CRM refuses texts of this length, which is an answer like any other.
      expect(await world.states(eventId)).toMatchObject({ ce: "delivered", email: "delivered" });
      expect((await world.ceInvoices(number))[0]?.invoice_details).toHaveLength(190);
      const { ways } = await traceOf(eventId);
      expect(new Set(ways)).toEqual(everyHop);
    });
  });

  it("names no person, no address and no secret, in no table and in no line that is printed", async () => {
    const { world } = local;
    const [mail] = await world.mails("JRN-TRACE-1");
    const [address = ""] = mail?.to ?? [];
    expect(address).toContain("@");
    expect(await findPlanted([address, customerName])).toEqual({ ran: true, found: [] });
  });

  it("names them in no failure either, whoever refuses and whatever he quotes", async () => {
    const { world, environment } = local;
    const person = { name: "Annegret Plantikow", email: "annegret.plantikow@bounce.example" };
    const account = "US-PLANTED";
    const customers = `${environment.finance.baseUrl}/sim/customers`;
    const body = JSON.stringify({ company: "usmf", account, ...person });
    const headers = { "content-type": "application/json" };
    await fetch(customers, { method: "POST", headers, body });
    // CE does not know the customer, the mail's domain refuses it, the door and the queue get rubbish.
    const { eventId } = await world.post({
      number: "JRN-TRACE-4",
      customer: account,
      door: "https",
    });
    const rubbish = JSON.stringify({ EventId: "x", customer: person, sig: "planted-secret-1" });
    expect((await world.knock(rubbish)).status).toBe(400);
    expect((await world.knock(rubbish, { "x-functions-key": "planted-secret-2" })).status).toBe(
      401,
    );
    await world.sendToQueue(rubbish);
    await eventually(async () => {
      const own = (await world.failures()).filter(
        (failure) => failure.eventId === eventId.toLowerCase() || failure.body === rubbish,
      );
      expect(own.map(({ code }) => code).sort()).toEqual(["MAIL_FAILED", "MALFORMED_EVENT"]);
      expect((await world.ledger(eventId))["ce"]?.code).toBe("CE_CUSTOMER_MISSING");
      const told = (await read("table=customEvents&name=failure")).map((row) =>
        dimensionOf(row, "failureId"),
      );
      expect(told).toEqual(expect.arrayContaining(own.map(({ failureId }) => failureId)));
    });

    const planted = [person.name, "Plantikow", person.email, "planted-secret", account];
    expect(await findPlanted(planted)).toEqual({ ran: true, found: [] });
  });
});

describe("what F&O posted and never sent", () => {
  it("is counted as missing, as the alert asks for it", async () => {
    const { world } = local;
    await world.setActiveCompanies(["demf"]);
    const silent = [
      await world.post({ number: "JRN-SILENT-1", customer: "US-001" }),
      await world.post({ number: "JRN-SILENT-2", customer: "US-001" }),
    ];
    await world.setActiveCompanies(null);
    const hour = lastCountedHour();
    for (const { number } of silent) {
      await world.changeInvoice("usmf", number, {
        CreatedOn: new Date(hour + 600_000).toISOString(),
      });
    }
    expect(await Promise.all(silent.map(({ eventId }) => world.ledger(eventId)))).toEqual([{}, {}]);
    await world.runTimer("count-posted");
    const legalEntity = "usmf";
    await eventually(async () => {
      // The timer's own round may have come in between, and have counted one of them.
      expect(await read("table=customEvents&name=posted")).toContainEqual(
        expect.objectContaining({
          customDimensions: { legalEntity, hour: new Date(hour).toISOString() },
          customMeasurements: { posted: 2, known: 0, missing: 2 },
        }),
      );
    });

    const rules = createLogAlerts({ oldestUndeliveredMinutes: 60 });
    const arrived = await read("table=customEvents");
    for (const name of ["posted-missing", "posted-not-counted"]) {
      const rule = rules.find((each) => each.name === name);
      expect(findUnanswered(rule?.query ?? "?", arrived)).toEqual([]);
    }
  });
});

/** Start of the newest full hour that is counted: half an hour of grace has passed since. */
function lastCountedHour(): number {
  const hourMs = 3_600_000;
  return (Math.floor((Date.now() - hourMs / 2) / hourMs) - 1) * hourMs;
}

/** Which of the words, or of the run's own secrets, are in the collector or were printed. */
async function findPlanted(
  words: readonly string[],
): Promise<{ readonly ran: boolean; readonly found: readonly string[] }> {
  const { environment } = local;
  const text = JSON.stringify(await read("")) + local.output();
  const secrets = [
    ...[environment.identity.clientSecret, environment.eventGrid.key, environment.functions.key],
    environment.functions.masterKey,
  ];
  const found = [...words, ...secrets].filter((word) => text.includes(word));
  return { ran: text.includes("deliver ce"), found };
}
