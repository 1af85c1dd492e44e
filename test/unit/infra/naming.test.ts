import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createNamer, toNameSuffix, toTags, type ResourceKind } from "../../../infra/naming.ts";

/** https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules */
const azureRules: Readonly<Record<ResourceKind, RegExp>> = {
  resourceGroup: /^[a-z0-9-]{1,90}$/,
  serviceBusNamespace: /^[a-z][a-z0-9-]{4,48}[a-z0-9]$/,
  storageAccount: /^[a-z0-9]{3,24}$/,
  vault: /^(?!.*--)[a-z][a-z0-9-]{1,22}[a-z0-9]$/,
  eventGridTopic: /^[a-z0-9-]{3,50}$/,
  eventSubscription: /^[a-z0-9-]{3,64}$/,
  functionApp: /^[a-z0-9][a-z0-9-]{0,30}[a-z0-9]$/,
  plan: /^[a-z0-9-]{1,40}$/,
  identity: /^[a-z0-9][a-z0-9-]{2,127}$/,
  workflow: /^[a-z0-9-]{1,43}$/,
  workspace: /^[a-z0-9][a-z0-9-]{2,61}[a-z0-9]$/,
  applicationInsights: /^[a-z0-9-]{1,255}$/,
  emailService: /^[a-z0-9-]{1,63}$/,
  communicationService: /^[a-z0-9-]{1,63}$/,
  network: /^[a-z0-9][a-z0-9-]{0,62}[a-z0-9]$/,
  networkSecurityGroup: /^[a-z0-9][a-z0-9-]{0,78}[a-z0-9]$/,
  natGateway: /^[a-z0-9][a-z0-9-]{0,78}[a-z0-9]$/,
  publicIpAddress: /^[a-z0-9][a-z0-9-]{0,78}[a-z0-9]$/,
  actionGroup: /^[a-z0-9-]{1,260}$/,
  alert: /^[a-z0-9-]{1,260}$/,
  systemTopic: /^[a-z0-9-]{3,50}$/,
  workbook: /^[a-z0-9-]{1,255}$/,
  budget: /^[a-z0-9-]{1,63}$/,
  privateEndpoint: /^[a-z0-9][a-z0-9-]{0,62}[a-z0-9]$/,
};
const kinds = Object.keys(azureRules) as readonly ResourceKind[];
const word = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_.-]{0,60}$/);

describe("names", () => {
  it("are built of what a reader looks for", () => {
    const nameOf = createNamer({ project: "causeway", stack: "prod", suffix: "ab1cd" });

    expect(nameOf("serviceBusNamespace")).toBe("sb-causeway-prod-ab1cd");
    expect(nameOf("storageAccount")).toBe("stcausewayprodab1cd");
    expect(nameOf("vault", "app")).toBe("kv-prod-app-ab1cd");
    expect(nameOf("identity", "event-grid")).toBe("id-causeway-prod-event-grid");
  });

  it("fit Azure's limits whatever project, stack and part are called", () => {
    fc.assert(
      fc.property(word, word, word, fc.constantFrom(...kinds), (project, stack, part, kind) => {
        const name = createNamer({ project, stack, suffix: "ab1cd" })(kind, part);

        expect(name).toMatch(azureRules[kind]);
      }),
    );
  });

  it("stay different when only the part that is cut off differs", () => {
    const nameOf = createNamer({
      project: "causeway",
      stack: "a-very-long-stack-name-of-a-very-large-company",
      suffix: "ab1cd",
    });

    expect(nameOf("vault", "north-america")).not.toBe(nameOf("vault", "north-africa"));
    expect(nameOf("functionApp").length).toBeLessThanOrEqual(32);
  });

  it("of two organisations' stacks do not meet", () => {
    expect(toNameSuffix("contoso", "causeway", "dev")).not.toBe(
      toNameSuffix("fabrikam", "causeway", "dev"),
    );
  });
});

describe("tags", () => {
  it("say what, where and how serious, unless the stack says otherwise", () => {
    const place = { project: "causeway", stack: "prod" };

    expect(toTags(place, "production", { owner: "me", stack: "blue" })).toEqual({
      application: "causeway",
      stack: "blue",
      environment: "production",
      owner: "me",
    });
  });
});
