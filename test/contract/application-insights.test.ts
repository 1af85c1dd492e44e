import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { toTraceId } from "../../functions/src/platform/trace.ts";
import { startFrontDoor } from "../../local/front-door.ts";
import type { MonitorService } from "../../local/monitor/monitor-app.ts";
import { bundleForFunctions } from "../../scripts/build-functions.ts";
import { createMonitor, instrumentationKey } from "../support/create-monitor.ts";
import { runScript } from "../support/run-script.ts";
import { testCaFile, testCertificate } from "../support/test-certificate.ts";

interface Told {
  readonly toldMs: number;
  readonly flushedMs: number;
  /** traceparents of intake, the first try and the second. */
  readonly hops: readonly string[];
  readonly failures: readonly string[];
  readonly refused: readonly { readonly host: string }[];
}

const eventId = "0b9ee8a6-58e7-4b6a-9d3c-000000000001";
let folder: string;
let script: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "causeway-telemetry-"));
  script = join(folder, "tell-telemetry.mjs");
  const source = fileURLToPath(new URL("../support/tell-telemetry.ts", import.meta.url));
  await bundleForFunctions(source, script);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const tell = async (endpoint: string, count: number, untilSent = false): Promise<Told> =>
  (await runScript(script, {
    NODE_EXTRA_CA_CERTS: testCaFile,
    APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${instrumentationKey};IngestionEndpoint=${endpoint}/`,
    TELL_COUNT: String(count),
    TELL_UNTIL_SENT: String(untilSent),
    // Where the SDK keeps what it could not send.
    TMPDIR: folder,
  })) as Told;

const spanIdOf = (traceparent: string | undefined): string => traceparent?.split("-")[2] ?? "";

/** What all rows of the count say together. */
function sumsByFlow(monitor: MonitorService): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const row of monitor.find({
    table: "customMetrics",
    name: "causeway.accepted",
    take: 100,
  })) {
    const { flow } = row.customDimensions as { readonly flow: string };
    sums[flow] = (sums[flow] ?? 0) + Number(row["value"]);
  }
  return sums;
}

describe("telemetry in the deployed bundle", () => {
  it("arrives whole, with the ids that were handed on, though the SDK loads after it was told", async () => {
    const monitor = createMonitor();
    const door = await startFrontDoor({ fetch: monitor.app.fetch, certificate: testCertificate });
    const told = await tell(door.httpsUrl, 2_000, true);
    await door.close();
    expect(told.failures).toEqual([]);
    // It asks the machine that it runs on for its name; nobody else is called.
    expect(new Set(told.refused.map(({ host }) => host))).toEqual(new Set(["169.254.169.254"]));

    const [intake, first, again] = told.hops.map(spanIdOf);
    const operationId = toTraceId(eventId);
    const requests = monitor.find({ table: "requests", operationId, take: 10 });
    expect(new Map(requests.map(({ id, name, success }) => [id, { name, success }]))).toEqual(
      new Map([
        [intake, { name: "deliver intake", success: true }],
        [first, { name: "deliver ce", success: false }],
        [again, { name: "deliver ce", success: true }],
      ]),
    );
    const second = requests.find(({ id }) => id === again);
    expect(second?.operation_ParentId).toBe(intake);
    expect(second?.customDimensions).toMatchObject({
      hop: "2",
      "_MS.links": JSON.stringify([{ operation_Id: operationId, id: first }]),
    });

    const events = monitor.find({ table: "customEvents", operationId, take: 4_000 });
    expect(events).toHaveLength(2_000);
    expect(sumsByFlow(monitor)).toEqual({ "invoice-posted": 2_000, another: 3 });
    const [age] = monitor.find({ table: "customMetrics", name: "causeway.backlog.age", take: 1 });
    expect(age).toMatchObject({ valueCount: 2, valueMin: 5, valueMax: 7 });
    const [exception] = monitor.find({ table: "exceptions", take: 1 });
    expect(exception?.name).toBe("TypeError");
    expect(JSON.stringify(exception)).not.toContain("anna@example.com");
  });

  /** Seconds on two idle cores; whoever waits for the collector waits for half a minute's time-out at least. */
  const longMs = 25_000;

  it("holds nobody up while the collector is down", async () => {
    const down = await tell("https://127.0.0.1:9", 30_000);
    expect(down.toldMs).toBeLessThan(longMs);
    expect(down.flushedMs).toBeLessThan(longMs);
  });

  it("holds nobody up while the collector takes connections and says nothing", async () => {
    const server = createServer(() => undefined).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    const hanging = await tell(`https://127.0.0.1:${port}`, 30_000);
    server.close();
    expect(hanging.toldMs).toBeLessThan(longMs);
    expect(hanging.flushedMs).toBeLessThan(longMs);
  });
});
