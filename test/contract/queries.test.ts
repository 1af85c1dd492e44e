import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { createLogAlerts } from "../../infra/monitoring/alert-rules.ts";
import { savedQueries } from "../../infra/monitoring/saved-queries.ts";
import {
  telemetryEvents,
  telemetryMetrics,
} from "../../functions/src/platform/telemetry-catalogue.ts";
import { startFrontDoor } from "../../local/front-door.ts";
import type { TelemetryRow } from "../../local/monitor/telemetry-row.ts";
import { bundleForFunctions } from "../../scripts/build-functions.ts";
import { createMonitor, instrumentationKey } from "../support/create-monitor.ts";
import { eventually } from "../support/eventually.ts";
import { findUnanswered } from "../support/find-unanswered.ts";
import { runScript } from "../support/run-script.ts";
import { testCaFile, testCertificate } from "../support/test-certificate.ts";

/*
 * Alerts and saved queries (the workbook shows the same ones) held against what really arrives: every event
 * and metric of the catalogue, told by the app's own telemetry over the unchanged SDK.
 */
let arrived: readonly TelemetryRow[] = [];

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "causeway-queries-"));
  const script = join(folder, "tell-catalogue.mjs");
  await bundleForFunctions(
    fileURLToPath(new URL("../support/tell-catalogue.ts", import.meta.url)),
    script,
  );
  arrived = await eventually(() => tellCatalogue(folder, script));
  await rm(folder, { recursive: true, force: true });
});

/** On a busy machine the process ends before all is sent; what is asked here is not how fast it is. */
async function tellCatalogue(folder: string, script: string): Promise<readonly TelemetryRow[]> {
  const monitor = createMonitor();
  const door = await startFrontDoor({ fetch: monitor.app.fetch, certificate: testCertificate });
  await runScript(script, {
    NODE_EXTRA_CA_CERTS: testCaFile,
    APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${instrumentationKey};IngestionEndpoint=${door.httpsUrl}/`,
    TMPDIR: folder,
  });
  await door.close();
  const rows = monitor.find({ take: 5_000 });
  const names = new Set(rows.map(({ name }) => name));
  const told = [...Object.keys(telemetryEvents), ...Object.keys(telemetryMetrics), "TypeError"];
  const missing = told.filter((name) => !names.has(name));
  if (missing.length > 0) throw new Error(`${missing.join(", ")} did not arrive`);
  return rows;
}

const findMissing = (query: string): readonly string[] => findUnanswered(query, arrived);

const queries = [
  ...createLogAlerts({ oldestUndeliveredMinutes: 60 }),
  ...savedQueries,
] as readonly { readonly name: string; readonly query: string }[];

describe("what is asked of the collector", () => {
  it.each(queries.map(({ name, query }) => [name, query] as const))(
    "is there to be answered: %s",
    (_name, query) => {
      expect(findMissing(query)).toEqual([]);
    },
  );

  it("is found out when nothing of it has arrived", () => {
    const query = `customEvents | where name == "delivery" | summarize sum(todouble(customMeasurements["lag"])) by tostring(customDimensions["flwo"])`;
    expect(findMissing(query)).toEqual(["customMeasurements.lag", "customDimensions.flwo"]);
    expect(findMissing('customMetrics | where name == "causeway.gone"')).toContain("causeway.gone");
    expect(findMissing("exceptions | summarize sum(valueMax) by type")).toEqual(["valueMax"]);
  });
});
