import { beforeAll, describe, expect, it } from "@jest/globals";
import { captureStack, everythingOn, type CapturedStack } from "./capture-stack.ts";

interface Firewall {
  readonly publicNetworkAccess?: string;
  readonly networkAcls?: { readonly defaultAction: string };
  readonly networkRuleSet?: { readonly defaultAction: string };
}

describe("production", () => {
  let stack: CapturedStack;

  beforeAll(async () => {
    stack = await captureStack("prod", everythingOn);
  });

  it("is open to the internet at its doors and nowhere else", () => {
    const open = stack.resources
      .filter(({ type }) => /:(Namespace|StorageAccount|Vault)$|eventgrid:Topic$/.test(type))
      .filter(({ inputs }) => isOpen({ ...inputs, ...(inputs["properties"] as Firewall) }))
      .map(({ name }) => name)
      .sort();

    expect(open).toEqual(["door-prod-events-topic", "door-prod-secrets-vault"]);
  });

  it("closes the function app when no door takes https", async () => {
    const quiet = await captureStack("prod", {
      doors: [
        {
          name: "prod",
          financeHost: "contoso.operations.dynamics.com",
          endpoints: ["eventGrid"],
        },
      ],
    });

    expect(quiet.one("web:WebApp", "functions-app").inputs["siteConfig"]).toMatchObject({
      ipSecurityRestrictionsDefaultAction: "Deny",
    });
    expect(quiet.calls.filter((call) => call.startsWith("secret https-url"))).toEqual([]);
  });

  it("reaches Service Bus and storage by private endpoints from the app's subnet", () => {
    const groups = stack
      .of("network:PrivateEndpoint")
      .map(({ inputs }) => inputs["privateLinkServiceConnections"])
      .map(
        (connections) => (connections as readonly { readonly groupIds: string[] }[])[0]?.groupIds,
      );

    expect(groups.flat().sort()).toEqual(["blob", "namespace", "table"]);
    expect(stack.one("web:WebApp", "functions-app").inputs["virtualNetworkSubnetId"]).toMatch(
      /\/virtualNetworks\/vnet-causeway-prod\/subnets\/functions$/,
    );
  });

  it("lets Event Grid into the private namespace as a trusted service", () => {
    expect(
      stack.of("servicebus:NamespaceNetworkRuleSet").map(({ inputs }) => inputs),
    ).toMatchObject([
      { defaultAction: "Deny", publicNetworkAccess: "Disabled", trustedServiceAccessEnabled: true },
    ]);
  });

  it("protects what holds data", () => {
    const guarded = stack.resources
      .filter(({ isProtected }) => isProtected)
      .map(({ type }) => type);

    expect([...new Set(guarded)].sort()).toEqual([
      "azure-native:keyvault:Vault",
      "azure-native:servicebus:Namespace",
      "azure-native:storage:StorageAccount",
    ]);
  });
});

function isOpen({ publicNetworkAccess, networkAcls, networkRuleSet }: Firewall): boolean {
  const rules = networkAcls ?? networkRuleSet;
  return publicNetworkAccess !== "Disabled" && rules?.defaultAction !== "Deny";
}
