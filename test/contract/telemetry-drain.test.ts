import { expect, it } from "@jest/globals";
import { startFrontDoor } from "../../local/front-door.ts";
import { startFunctionsHost } from "../../local/functions-host/start-functions-host.ts";
import type { MonitorService } from "../../local/monitor/monitor-app.ts";
import { buildIfChanged } from "../../scripts/build-if-changed.ts";
import { createMonitor, instrumentationKey } from "../support/create-monitor.ts";
import { eventually } from "../support/eventually.ts";
import { testCaFile, testCertificate } from "../support/test-certificate.ts";
import { namespaceResourceId, startWorld } from "./service-bus/service-bus-world.ts";

const dataReceiver = "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0";
/** Nobody listens there. */
const nowhere = "http://127.0.0.1:9";

it("what was told just before the host ends the app is sent all the same", async () => {
  const { dir } = await buildIfChanged();
  const world = await startWorld({
    certificate: testCertificate,
    assignments: [
      { principalId: "principal-app", roleId: dataReceiver, scope: namespaceResourceId },
    ],
  });
  for (const queue of ["business-events", "dead-letters"]) world.broker.createQueue(queue);
  world.broker.createTopic("integration-events");
  for (const target of ["ce", "crm", "email"]) {
    world.broker.createSubscription("integration-events", target);
  }
  const monitor = createMonitor();
  const collector = await startFrontDoor({
    fetch: monitor.app.fetch,
    certificate: testCertificate,
  });
  const identity = await startFrontDoor({
    fetch: () => {
      const expiresOn = Math.floor(Date.now() / 1000) + 3_600;
      return Response.json({ access_token: "principal-app", expires_on: expiresOn });
    },
  });
  const host = await startFunctionsHost({
    appDir: dir,
    appSettings: {
      AZURE_CLIENT_ID: "client-of-the-app",
      ServiceBus__fullyQualifiedNamespace: world.server.fullyQualifiedNamespace,
      ServiceBus__credential: "managedidentity",
      ServiceBus__clientId: "client-of-the-app",
      CAUSEWAY_ENVIRONMENT_KIND: "development",
      CAUSEWAY_DEFAULT_DOOR: "main",
      CAUSEWAY_TABLE_ENDPOINT: nowhere,
      CAUSEWAY_BLOB_ENDPOINT: nowhere,
      CAUSEWAY_FINANCE_URL: nowhere,
      CAUSEWAY_DATAVERSE_URL: nowhere,
      APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${instrumentationKey};IngestionEndpoint=${collector.httpsUrl}/`,
    },
    caFile: testCaFile,
    hostKeys: { default: "key", functions: {} },
    identity: { endpoint: `${identity.httpUrl}/msi/token`, header: "secret" },
    // The app's own hour would count too.
    hasTimers: false,
    log: () => undefined,
  });
  // F&O does not answer, which is told at once and sent five seconds later.
  const count = async (): Promise<void> => {
    await fetch(`${host.baseUrl}/admin/functions/count-posted`, {
      method: "POST",
      headers: { "x-functions-key": host.masterKey },
    });
  };
  await count();
  // The SDK has loaded by then, which may take long on a busy machine.
  await eventually(() => expect(toldIn(monitor)).toHaveLength(1));
  await count();
  await host.close();
  await Promise.all([collector.close(), identity.close(), world.close()]);

  const counted = { result: "failed", code: "FINANCE_UNREACHABLE" };
  expect(toldIn(monitor)).toEqual([counted, counted]);
});

function toldIn(monitor: MonitorService): readonly unknown[] {
  return monitor
    .find({ table: "customEvents", name: "counted", take: 10 })
    .map(({ customDimensions }) => customDimensions);
}
