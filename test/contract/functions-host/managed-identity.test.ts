import { expect, it } from "@jest/globals";
import { fileURLToPath } from "node:url";
import { startFrontDoor } from "../../../local/front-door.ts";
import { startFunctionsHost } from "../../../local/functions-host/start-functions-host.ts";
import { eventually } from "../../support/eventually.ts";
import { testCaFile, testCertificate } from "../../support/test-certificate.ts";
import { namespaceResourceId, startWorld } from "../service-bus/service-bus-world.ts";

const dataReceiver = "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0";

it("a trigger receives over TLS with the app's managed identity and its settings as in Azure", async () => {
  const world = await startWorld({
    certificate: testCertificate,
    assignments: [
      { principalId: "principal-app", roleId: dataReceiver, scope: namespaceResourceId },
    ],
  });
  world.broker.createQueue("one");
  world.broker.createTopic("integration-events");
  world.broker.createSubscription("integration-events", "ce");
  const asked: string[] = [];
  const identity = await startFrontDoor({
    fetch: (request) => {
      const { searchParams } = new URL(request.url);
      asked.push(
        `${searchParams.get("resource") ?? ""} ${searchParams.get("client_id") ?? ""} ` +
          (request.headers.get("x-identity-header") ?? ""),
      );
      return Response.json({
        access_token: "principal-app",
        expires_on: Math.floor(Date.now() / 1000) + 3600,
        token_type: "Bearer",
        resource: searchParams.get("resource"),
      });
    },
  });
  const log: string[] = [];
  const host = await startFunctionsHost({
    appDir: fileURLToPath(new URL("../../support/fixture-app", import.meta.url)),
    appSettings: {
      ONE_QUEUE: "one",
      ServiceBus__fullyQualifiedNamespace: world.server.fullyQualifiedNamespace,
      ServiceBus__credential: "managedidentity",
      ServiceBus__clientId: "client-of-the-app",
    },
    caFile: testCaFile,
    hostKeys: { default: "key", functions: {} },
    identity: { endpoint: `${identity.httpUrl}/msi/token`, header: "secret" },
    log: (line) => void log.push(line),
  });
  await world.client.createSender("one").sendMessages({ body: { hello: 1 } });
  const seen = await eventually(async () => {
    const calls = (await (await fetch(`${host.baseUrl}/api/seen`)).json()) as unknown[];
    expect(calls.length + log.length).toBeGreaterThan(0);
    return calls;
  });
  await host.close();
  await identity.close();
  await world.close();
  expect(log).toEqual([]);
  expect(seen).toMatchObject([{ name: "one", input: { hello: 1 } }]);
  // The SDK asks for `https://servicebus.azure.net//.default`: the resource keeps its slash.
  expect(asked[0]).toBe("https://servicebus.azure.net/ client-of-the-app secret");
});
