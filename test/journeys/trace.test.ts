import { describe, expect, it } from "@jest/globals";
import { toRootTraceparent, toTraceId } from "../../functions/src/platform/trace.ts";
import type { TelemetryRow } from "../../local/monitor/telemetry-row.ts";
import { eventually } from "../support/eventually.ts";
import { useLocalAzure } from "../support/use-local-azure.ts";

const local = useLocalAzure("journey-trace");
const customerName = "Contoso Retail";

async function read(query: string): Promise<readonly TelemetryRow[]> {
  const response = await fetch(`${local.environment.monitor.baseUrl}/telemetry?take=5000&${query}`);
  return ((await response.json()) as { readonly rows: readonly TelemetryRow[] }).rows;
}

const dimensionOf = (row: TelemetryRow, name: string): unknown =>
  (row.customDimensions as Readonly<Record<string, unknown>>)[name];

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
    }, 60_000);
    const operationId = toTraceId(eventId);
    await eventually(async () => {
      const hops = [
        ...(await read(`operationId=${operationId}&table=requests`)),
        ...(await read(`operationId=${operationId}&table=dependencies`)),
      ];
      const root = toRootTraceparent(eventId).split("-")[2];
      const nameOf = new Map(hops.map((hop) => [hop["id"], hop.name]));
      const ways = hops.map((hop) => {
        const parent = hop.operation_ParentId === root ? "F&O" : nameOf.get(hop.operation_ParentId);
        return `${parent ?? "lost"} > ${hop.name}`;
      });
      expect(new Set(ways)).toEqual(
        new Set([
          "F&O > deliver intake",
          "deliver intake > deliver ce",
          "deliver intake > deliver crm",
          "deliver crm > call crm workflow",
          "deliver intake > deliver email",
          "deliver email > call email workflow",
          // The mail service takes a mail first and says later that it sent it.
          "deliver intake > confirm email",
          "confirm email > call email workflow",
        ]),
      );
      // Only the mail is asked for more than once, until it was sent.
      const once = ways.filter((way) => !way.includes("confirm"));
      expect(once).toHaveLength(6);
    }, 30_000);
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
  }, 100_000);

  it("names no person, no address and no secret, in no table and in no line that is printed", async () => {
    const { world, environment } = local;
    const [mail] = await world.mails("JRN-TRACE-1");
    const [address = ""] = mail?.to ?? [];
    expect(address).toContain("@");
    const text = JSON.stringify(await read("")) + local.output();
    // It is the run that is looked at.
    expect(text).toContain("deliver ce");
    const planted = [
      address,
      customerName,
      environment.identity.clientSecret,
      environment.eventGrid.key,
    ];
    expect(planted.filter((word) => text.includes(word))).toEqual([]);
  });
});
