import { describe, expect, it } from "@jest/globals";
import { captureStack } from "./capture-stack.ts";
import { everythingOn } from "./usual-stacks.ts";
import { findTypeMistakes } from "./support/azure-schemas.ts";

const QUEUE = "azure-native:servicebus:Queue";
const queue = { resourceGroupName: "group", namespaceName: "bus", queueName: "events" };

describe("every resource of the program", () => {
  it.each([
    ["dev", "as shipped", {}],
    ["dev", "with every target on", everythingOn],
    ["prod", "as shipped", {}],
    ["prod", "with every target on", everythingOn],
  ])("has in %s %s the properties that Azure's types know", async (profile, _state, overrides) => {
    const { resources } = await captureStack(profile, overrides);
    const mistakes = resources.flatMap(({ type, name, inputs }) =>
      findTypeMistakes(type, inputs).map((mistake) => `${name} (${type}) ${mistake}`),
    );

    expect(mistakes).toEqual([]);
  });
});

describe("the types of Azure", () => {
  it("take a right resource", () => {
    expect(findTypeMistakes(QUEUE, queue)).toEqual([]);
  });

  it("refuse a property that they do not know, also a nested one", () => {
    expect(findTypeMistakes(QUEUE, { ...queue, lockDurration: "PT5M" })).toEqual([
      '/ must NOT have additional properties {"additionalProperty":"lockDurration"}',
    ]);
    expect(
      findTypeMistakes("azure-native:servicebus:Namespace", {
        resourceGroupName: "group",
        sku: { name: "Standard", size: 1 },
      }),
    ).toEqual(['/sku must NOT have additional properties {"additionalProperty":"size"}']);
  });

  it("refuse a word that is none of the allowed ones, a wrong kind, and a property that is missing", () => {
    expect(
      findTypeMistakes("azure-native:servicebus:Namespace", {
        resourceGroupName: "group",
        minimumTlsVersion: "1.2.0",
        sku: { name: "Standart" },
      }).map((mistake) => mistake.split(" ")[0]),
    ).toEqual(["/minimumTlsVersion", "/sku/name"]);
    expect(findTypeMistakes(QUEUE, { ...queue, maxDeliveryCount: "100" })).toEqual([
      '/maxDeliveryCount must be number {"type":"number"}',
    ]);
    expect(findTypeMistakes(QUEUE, { queueName: "events", namespaceName: "bus" })).toEqual([
      `/ must have required property 'resourceGroupName' {"missingProperty":"resourceGroupName"}`,
    ]);
  });
});
