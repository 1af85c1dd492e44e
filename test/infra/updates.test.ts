import { beforeAll, describe, expect, it } from "@jest/globals";
import { captureStack, type CapturedStack } from "./capture-stack.ts";
import { findMissingDependencies, findReplacements, type Node } from "./support/graph.ts";
import { everythingOn, prod } from "./usual-stacks.ts";

describe("an update of a production stack", () => {
  let before: CapturedStack;
  let changed: CapturedStack;
  let switchedOff: CapturedStack;
  let onSmallTier: CapturedStack;

  beforeAll(async () => {
    before = await captureStack("prod", everythingOn);
    changed = await captureStack("prod", prod.harmless);
    switchedOff = await captureStack("prod", prod.withoutCrm);
    onSmallTier = await captureStack("prod", prod.onSmallTier);
  });

  it("keeps all that holds data, whatever harmless setting changes", () => {
    expect(findReplacements(before.resources, changed.resources)).toEqual([]);
  });

  it("that switches a target off deletes its workflow and its identity, and nothing that holds data", () => {
    expect(findReplacements(before.resources, switchedOff.resources)).toEqual([
      "identities-crm is deleted",
      "invoice-to-crm-workflow is deleted",
    ]);
  });

  it("that moves a stack between tiers is found out", () => {
    expect(findReplacements(onSmallTier.resources, before.resources)).toEqual([
      "messaging-namespace is made anew for sku.name",
      "messaging-namespace is made anew for zoneRedundant",
      "messaging-namespace is made anew for premiumMessagingPartitions",
    ]);
  });
});

describe("the graph", () => {
  const node = (name: string, more: Partial<Node>): Node => ({
    urn: `urn:${name}`,
    type: "azure-native:servicebus:Queue",
    name,
    id: `/subscriptions/s/${name}`,
    inputs: {},
    dependencies: [],
    ...more,
  });
  const bus = node("bus", {
    type: "azure-native:servicebus:Namespace",
    inputs: { namespaceName: "bus" },
  });

  it("misses a dependency by name and one by id", () => {
    const queue = node("queue", { inputs: { namespaceName: "bus" } });
    const grant = node("grant", { type: "t", inputs: { scope: `${bus.id}/queues/x` } });

    expect(findMissingDependencies([bus, queue, grant])).toEqual([
      "azure-native:servicebus:Queue queue uses azure-native:servicebus:Namespace bus",
      "t grant uses azure-native:servicebus:Namespace bus",
    ]);
  });

  it("is content with a dependency over others", () => {
    const queue = node("queue", { inputs: { namespaceName: "bus" }, dependencies: [bus.urn] });
    const grant = node("grant", { inputs: { scope: bus.id }, dependencies: [queue.urn] });

    expect(findMissingDependencies([bus, queue, grant])).toEqual([]);
  });
});
