import { describe, expect, it } from "@jest/globals";
import { createAccessControl } from "../../local/access-control.ts";
import { systemClock } from "../../local/clock.ts";
import { startFrontDoor } from "../../local/front-door.ts";
import { createMonitorApp } from "../../local/monitor/monitor-app.ts";
import { runScript } from "../support/run-script.ts";
import { testCaFile, testCertificate } from "../support/test-certificate.ts";

describe("monitor for the unchanged Application Insights SDK", () => {
  it("gets each kind of telemetry with its trace, and the SDK's calls home are refused", async () => {
    const instrumentationKey = "11111111-35a5-4a8f-8f6b-0f5a2c1f7d11";
    const monitor = createMonitorApp({
      clock: systemClock,
      access: createAccessControl(),
      tokens: { verify: () => Promise.reject(new Error("no tokens here")) },
      log: () => undefined,
    });
    monitor.createComponent({ id: "/subscriptions/s/components/c", instrumentationKey });
    const door = await startFrontDoor({ fetch: monitor.app.fetch, certificate: testCertificate });
    const refused = (await runScript("send-telemetry.js", {
      NODE_EXTRA_CA_CERTS: testCaFile,
      APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${instrumentationKey};IngestionEndpoint=${door.httpsUrl}/;LiveEndpoint=${door.httpsUrl}/`,
      APPLICATION_INSIGHTS_NO_STATSBEAT: "1",
      OTEL_TRACES_SAMPLER: "always_on",
    })) as readonly { readonly host: string }[];
    await door.close();
    const [request] = monitor.find({ table: "requests", take: 1 });
    expect(request).toMatchObject({ name: "deliver ce", success: true });
    expect(monitor.find({ operationId: request?.operation_Id ?? "", take: 10 })).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ table: "customEvents", name: "Delivered" }),
        expect.objectContaining({ table: "traces", name: "a line" }),
        expect.objectContaining({ table: "exceptions", name: "TypeError" }),
      ]),
    );
    expect(monitor.find({ table: "customMetrics", name: "hops", take: 1 })).toHaveLength(1);
    expect(refused.map(({ host }) => host)).toContain("169.254.169.254");
  });
});
