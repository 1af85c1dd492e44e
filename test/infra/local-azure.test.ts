import { beforeAll, describe, expect, it } from "@jest/globals";
import { createLocalAzure } from "../../local/deploy/local-azure.ts";
import type { RegisteredResource } from "../../local/deploy/run-program.ts";
import { captureStack, type CapturedStack } from "./capture-stack.ts";
import { createFakeCloud } from "./fake-cloud.ts";
import { dev, everythingOn } from "./usual-stacks.ts";

function resource(type: string, inputs: Readonly<Record<string, unknown>>): RegisteredResource {
  return {
    urn: "urn",
    type,
    name: "mine",
    isComponent: false,
    parent: "",
    isProtected: false,
    dependencies: [],
    inputs,
    secretInputs: [],
  };
}

describe("the local Azure", () => {
  let calls: CapturedStack["calls"];

  beforeAll(async () => {
    ({ calls } = await captureStack("dev", everythingOn));
  });

  it("makes every part of the way from the program's own resources", () => {
    expect(calls).toEqual(
      expect.arrayContaining([
        "queue dead-letters",
        "queue business-events",
        "topic integration-events",
        "subscription integration-events/crm",
        "rule crm/$Default",
        "table gates",
        "container claim-checks",
        "workflow logic-causeway-dev-invoice-email",
        "mail abc.azurecomm.net",
        "secret crm-client-secret=very-secret-crm-value",
        "key business-events/dev-send Send",
      ]),
    );
  });

  it("starts the code after the rules, and fills the HTTPS door's secret after the code", () => {
    const at = (start: string): number => calls.findIndex((call) => call.startsWith(start));

    expect(at("rule email")).toBeLessThan(at("package func-causeway-dev"));
    expect(at("package func-causeway-dev")).toBeLessThan(at("secret https-url="));
    expect(calls[at("secret https-url=")]).toMatch(
      /=https:\/\/func-causeway-dev-\w+\.azurewebsites\.net\/api\/business-events\?door=dev&code=fake-function-key$/,
    );
  });

  it("gives F&O the HTTPS door's other key once a door says so", async () => {
    const { calls: turned } = await captureStack("dev", dev.onSecondaryKey);

    expect(turned.find((call) => call.startsWith("secret https-url="))).toMatch(
      /&code=fake-host-key$/,
    );
  });

  it("gives F&O a connection string without the queue's name", () => {
    const secret = calls.find((call) => call.startsWith("secret service-bus-connection="));

    expect(secret).toMatch(/=Endpoint=sb:\/\/fake\/;SharedAccessKeyName=dev-send;SharedAccessKey=/);
    expect(secret).not.toContain("EntityPath");
  });

  it("names the type and the resource that it does not know", async () => {
    const { onResource } = createLocalAzure(createFakeCloud());

    await expect(onResource(resource("azure-native:servicebus:Queues", {}))).rejects.toThrow(
      "The local Azure does not know azure-native:servicebus:Queues (resource mine); " +
        "the nearest that it knows is azure-native:servicebus:Queue.",
    );
  });

  it("names the function that it does not know", async () => {
    const { onCall } = createLocalAzure(createFakeCloud());

    await expect(onCall("azure-native:web:listSomething", {})).rejects.toThrow(
      "The local Azure does not know the function azure-native:web:listSomething.",
    );
  });

  it("refuses a resource whose name nobody gave", async () => {
    const { onResource } = createLocalAzure(createFakeCloud());
    const nameless = resource("azure-native:servicebus:Queue", { resourceGroupName: "group" });

    await expect(onResource(nameless)).rejects.toThrow(
      "azure-native:servicebus:Queue mine: queueName must be set.",
    );
  });

  it("forms ids as Azure does", async () => {
    const { onResource } = createLocalAzure(createFakeCloud());
    const { id } = await onResource(
      resource("azure-native:servicebus:Queue", {
        resourceGroupName: "group",
        namespaceName: "bus",
        queueName: "business-events",
      }),
    );

    expect(id).toBe(
      "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/group" +
        "/providers/Microsoft.ServiceBus/namespaces/bus/queues/business-events",
    );
  });
});
